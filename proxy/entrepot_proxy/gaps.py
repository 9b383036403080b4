"""Gaps that are not on disk yet: captures known to be lost, by reason, until a Gap record can say so."""

import threading
from dataclasses import dataclass

from entrepot_store.clock import Clock
from entrepot_store.model import Gap

MAX_REASONS = 100
"""Distinct reasons kept; further ones are told together, so that a flood of odd errors stays bounded."""


@dataclass(slots=True)
class _OpenGap:
    since: int
    missing: int


class GapBook:
    """Notes losses from any thread; the spool writer takes them out when it can write again."""

    def __init__(self, worker: str, clock: Clock) -> None:
        self._worker = worker
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, _OpenGap] = {}

    def note(self, reason: str, missing: int = 1, since: int | None = None) -> None:
        """`missing` more captures are lost for this reason; `since` is when the first of them began (default: now)."""
        begun = self._clock.now() if since is None else since
        with self._lock:
            if reason not in self._open and len(self._open) >= MAX_REASONS:
                reason = "several other reasons"
            gap = self._open.setdefault(reason, _OpenGap(begun, 0))
            gap.since = min(gap.since, begun)
            gap.missing += missing

    def take(self) -> list[Gap]:
        """Every open gap, ended now. The caller writes them, or gives them back with `put_back`."""
        with self._lock:
            taken, self._open = self._open, {}
        until = self._clock.now()
        return [Gap(self._worker, gap.since, max(until, gap.since), gap.missing, why) for why, gap in taken.items()]

    def put_back(self, gaps: list[Gap]) -> None:
        for gap in gaps:
            self.note(gap.reason, gap.missing, gap.since)

    def __bool__(self) -> bool:
        return bool(self._open)
