"""The seam where recorded values become live ones: the id map plugs in here.

Everything that a request carries passes through a Mapper before it is sent, and every pair of recorded and live answer
passes it after. The first form changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from entrepot_store.catalog import ExchangeRow
from entrepot_store.model import Headers


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a step is about to send, as recorded. `body` is None where it is streamed from the vault and not mapped."""

    row: ExchangeRow
    path: bytes
    headers: Headers
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Mapped:
    """What will be sent instead. `changed` says that the body is not the recorded one."""

    path: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes | None
    changed: bool = False


class Mapper(Protocol):
    """Puts live values in the place of recorded ones. Called from the thread that sends."""

    def outgoing(self, recorded: Recorded) -> Mapped: ...

    def learn(self, row: ExchangeRow, live_headers: Headers, live_body: bytes | None) -> None:
        """Sees every whole answer; `live_body` is content-decoded, None if it was too long to hold."""
        ...


class IdentityMapper:
    """Sends what was recorded."""

    def outgoing(self, recorded: Recorded) -> Mapped:
        return Mapped(recorded.path, recorded.headers, recorded.body)

    def learn(self, row: ExchangeRow, live_headers: Headers, live_body: bytes | None) -> None:
        """There is nothing to learn."""
