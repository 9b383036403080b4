"""Which step may be sent next: steps and what they depend on. Today a chain in recorded order; a graph comes next.

The executor asks for steps that are ready and says what became of them; it knows nothing of order itself.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.replays import ReplayStore, StepRow


@dataclass(frozen=True, slots=True)
class Step:
    """A step to send, and the exchange it was planned from (None: it is no longer in the catalog)."""

    row: StepRow
    exchange: ExchangeRow | None


class Schedule(Protocol):
    """Hands out every pending step once, no step before those it depends on are finished. Used by one thread."""

    def ready(self, limit: int) -> Sequence[Step]:
        """At most `limit` steps that may be sent now. They are out until `finished` or `again` is said of them."""
        ...

    def finished(self, seq: int) -> None:
        """The step has an outcome; what depends on it may go."""
        ...

    def again(self, seq: int) -> None:
        """The step goes back to the front, to be handed out again."""
        ...

    @property
    def exhausted(self) -> bool:
        """Nothing is left to hand out and nothing is out."""
        ...


class Chain:
    """Recorded order, each step depending on the one before it. Reads steps in pages, so memory stays flat."""

    def __init__(self, store: ReplayStore, replay: UUID, *, page: int = 200) -> None:
        self._store = store
        self._replay = replay
        self._page = page
        self._waiting: deque[Step] = deque()
        self._out: Step | None = None
        self._after = -1
        self._last_page = False

    def ready(self, limit: int) -> Sequence[Step]:
        if limit < 1 or self._out is not None:
            return ()
        self._fill()
        if not self._waiting:
            return ()
        self._out = self._waiting.popleft()
        return (self._out,)

    def finished(self, seq: int) -> None:
        self._take_back(seq)

    def again(self, seq: int) -> None:
        self._waiting.appendleft(self._take_back(seq))

    @property
    def exhausted(self) -> bool:
        if self._out is None:
            self._fill()
        return self._out is None and not self._waiting

    def upcoming(self, limit: int) -> Sequence[Step]:
        """Steps that will be handed out soon, for reading their bodies ahead."""
        return [step for _, step in zip(range(limit), self._waiting, strict=False)]

    def _take_back(self, seq: int) -> Step:
        step, self._out = self._out, None
        if step is None or step.row.seq != seq:
            raise RuntimeError(f"step {seq} came back and was not out")
        return step

    def _fill(self) -> None:
        if self._waiting or self._last_page:
            return
        found = self._store.due(self._replay, after=self._after, limit=self._page)
        self._waiting.extend(Step(row, exchange) for row, exchange in found)
        self._last_page = len(found) < self._page
        if found:
            self._after = found[-1][0].seq
