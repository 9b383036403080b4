"""How a replay is sent. Stored with the plan, and overridden by whoever starts or resumes it. Holds no secret."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """`concurrency` is how many steps may be under way at once. `rate` is requests a second (None: as fast as answers
    come); `speed` keeps the recorded pace, so many times as fast. `timeout` is seconds without progress of one request.

    `wait_for_target` is how many seconds a target that takes no connections is waited for before the run stops.
    `max_failures` stops the run at that many failed or unknown steps, `max_failure_ratio` at that share of those sent
    (of 20 at least). `ignore` are JSONPaths (`$.meta.took`, `$.items[*].seen`) whose differences do not count.
    `attempts` bounds how often one step is sent in
    one run. `retry_unknown` sends steps again whose outcome is unknown even if they are not idempotent; `retry_failed`
    those that the target refused. `without_credentials` leaves out headers whose secret nobody gave.
    """

    concurrency: int = 1
    rate: float | None = None
    speed: float | None = None
    timeout: float = 30.0
    connect_timeout: float = 10.0
    wait_for_target: float = 30.0
    max_failures: int | None = None
    max_failure_ratio: float | None = None
    ignore: tuple[str, ...] = ()
    attempts: int = 3
    retry_unknown: bool = False
    retry_failed: bool = False
    without_credentials: bool = False
    tls_ca: str | None = None
    tls_verify: bool = True

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Unknown keys, which a newer version may have stored, are left alone."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in given.items() if name in known}
        return cls(**{**values, "ignore": tuple(values.get("ignore", ()))})
