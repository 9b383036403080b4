"""The Clock port: the only way the store learns what time it is, so that tests decide.

Times are integers: microseconds since 1970-01-01T00:00:00Z. They become RFC 3339 text at the faces only.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Source of wall-clock and monotonic time."""

    def now(self) -> int:
        """Wall clock in microseconds since the epoch, UTC. May jump in either direction."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards; for measuring durations and deadlines only."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that moves only when told; part of the product's test kit."""

    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self.wall = now
        self.steady = 0.0

    def now(self) -> int:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def advance(self, seconds: float) -> None:
        self.wall += round(seconds * 1_000_000)
        self.steady += seconds


def to_rfc3339(micros: int) -> str:
    """`2026-11-22T12:50:02.123456Z`, always six decimals, always UTC."""
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> int:
    """Microseconds since the epoch of an RFC 3339 time or date; a time without an offset is UTC.

    Raises ValueError with the text in it.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-11-22T12:50:02Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)
