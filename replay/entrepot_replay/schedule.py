"""Which step may be sent next: each as soon as those it comes after have ended.

The executor asks for steps that are ready and says what became of them; it knows nothing of order itself. What a step
comes after is in its flow (`flow.links`): steps whose answers made values that it uses, and steps on the same document.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from typing import Protocol
from uuid import UUID

from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.replays import ReplayStore, StepRow

from .flow import Flow


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

    def upcoming(self, limit: int) -> Sequence[Step]:
        """Steps that will be handed out soon, for their pace and for reading their bodies ahead."""
        ...

    @property
    def exhausted(self) -> bool:
        """Nothing is left to hand out and nothing is out."""
        ...


class Graph:
    """A window that moves along the plan: of its steps the earliest that waits for none goes first.

    Steps come from the store in recorded order and a step waits for earlier ones only, so every step before the window
    has ended, and memory depends on the window and not on the plan.
    """

    def __init__(self, store: ReplayStore, replay: UUID, *, page: int = 200, window: int = 2000) -> None:
        self._store = store
        self._replay = replay
        self._page = page
        self._window = window
        self._open: dict[int, Step] = {}
        """Read and not ended, in the order of the plan."""
        self._blocking: dict[int, list[int]] = {}
        """Open step → those that wait for it."""
        self._waits: dict[int, int] = {}
        """Step → how many it still waits for."""
        self._barriers: list[int] = []
        """Steps that wait for everything before them, ascending."""
        self._ready: list[int] = []
        self._out: set[int] = set()
        self._after = -1
        self._last_page = False

    def ready(self, limit: int) -> Sequence[Step]:
        found: list[Step] = []
        while len(found) < limit:
            self._free_barrier()
            if not self._ready and not self._fill():
                break
            if self._ready:
                seq = heappop(self._ready)
                self._out.add(seq)
                found.append(self._open[seq])
        return found

    def finished(self, seq: int) -> None:
        self._take_back(seq)
        del self._open[seq]
        for waiting in self._blocking.pop(seq, ()):
            self._waits[waiting] -= 1
            if not self._waits[waiting]:
                del self._waits[waiting]
                heappush(self._ready, waiting)

    def again(self, seq: int) -> None:
        self._take_back(seq)
        heappush(self._ready, seq)

    @property
    def exhausted(self) -> bool:
        if not self._open:
            self._fill()
        return not self._open

    def upcoming(self, limit: int) -> Sequence[Step]:
        if not self._open:
            self._fill()
        waiting: Iterator[Step] = (step for seq, step in self._open.items() if seq not in self._out)
        return list(islice(waiting, limit))

    def _take_back(self, seq: int) -> None:
        if seq not in self._out:
            raise RuntimeError(f"step {seq} came back and was not out")
        self._out.remove(seq)

    def _free_barrier(self) -> None:
        if self._barriers and self._barriers[0] == next(iter(self._open)):
            heappush(self._ready, self._barriers.pop(0))

    def _fill(self) -> bool:
        """Reads the next page. False if there is none, or no room."""
        if self._last_page or len(self._open) >= self._window:
            return False
        found = self._store.due(self._replay, after=self._after, limit=self._page)
        self._last_page = len(found) < self._page
        for row, exchange in found:
            self._add(Step(row, exchange))
        if found:
            self._after = found[-1][0].seq
        return bool(found)

    def _add(self, step: Step) -> None:
        seq = step.row.seq
        flow = Flow.load(step.row.flow)
        before = [one for one in flow.after if one in self._open]
        # What stands behind a barrier on its documents waits for it as well: `after` names it.
        self._open[seq] = step
        if flow.barrier:
            self._barriers.append(seq)
        elif before:
            self._waits[seq] = len(before)
            for one in before:
                self._blocking.setdefault(one, []).append(seq)
        else:
            heappush(self._ready, seq)
