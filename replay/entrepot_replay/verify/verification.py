"""One verification: every expected document asked for and judged, and what was found stored as it goes.

Nothing is written to the target. The thread that runs it owns the store; a pool asks. What was found is durable within
a second, so a verification that is killed leaves what it knew, and says that it did not come to its end.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from threading import Event

from entrepot_store.catalog.replay_checks import CheckResult, CheckRow, CheckStore, VerificationRow
from entrepot_store.clock import Clock

from ..pace import Pace
from ..sender import Sender
from .asking import Asker, TargetDown, Unaskable
from .expected import Expected
from .judge import Judge

BATCH = 200
"""Checks stored in one transaction at most."""
STORE_SECONDS = 1.0


@dataclass(slots=True)
class Progress:
    """`done` are documents; `results` count what was found. `waiting` says why nothing moves, if nothing does."""

    done: int = 0
    results: Counter[CheckResult] = field(default_factory=Counter)
    waiting: str = ""


class Verification:
    """Runs once. `pause` may be called from any thread and from a signal handler."""

    def __init__(
        self,
        row: VerificationRow,
        documents: Sequence[Expected],
        *,
        store: CheckStore,
        asker: Asker,
        judge: Judge,
        new_sender: Callable[[], Sender],
        concurrency: int,
        rate: float | None,
        clock: Clock,
    ) -> None:
        self.row = row
        self.progress = Progress()
        self._documents = documents
        self._store = store
        self._asker = asker
        self._judge = judge
        self._new_sender = new_sender
        self._concurrency = concurrency
        self._clock = clock
        self._stop: Event = asker.stop
        self._pace = Pace(rate, clock, self._stop)
        self._reason = ""
        self._number = 0
        self._begun = False
        self._observer: Callable[[], None] = lambda: None

    @property
    def total(self) -> int:
        return len(self._documents)

    def observe(self, observer: Callable[[], None]) -> None:
        """`observer` is called, in the thread that runs, whenever `progress` changed."""
        self._observer = observer

    def pause(self) -> None:
        """Ends the verification after what is under way."""
        self._reason = self._reason or "it was interrupted"
        self._stop.set()

    def begin(self) -> None:
        """Takes the place of the replay's former verification, if `run` has not yet."""
        if not self._begun:
            self._store.begin_verification(self.row)
            self._begun = True

    def run(self) -> None:
        """Asks for everything and stores what is found. Raises Busy if another verification took this one's place, and
        CatalogUnavailable."""
        self.begin()
        found: list[CheckRow] = []
        stored = self._clock.monotonic()
        senders: SimpleQueue[Sender] = SimpleQueue()
        every = [self._new_sender() for _ in range(self._concurrency)]
        for sender in every:
            senders.put(sender)
        todo = iter(self._documents)
        under_way: set[Future[list[CheckRow] | None]] = set()
        pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="replay-verify")
        try:
            while True:
                under_way |= self._given(pool, senders, todo, self._concurrency - len(under_way))
                if not under_way:
                    break
                done, under_way = wait(under_way, timeout=STORE_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    found += self._taken(future)
                self._observer()
                if len(found) >= BATCH or self._clock.monotonic() - stored >= STORE_SECONDS:
                    self._store.add_checks(self.row, found)
                    found, stored = [], self._clock.monotonic()
        finally:
            self._stop.set()
            pool.shutdown(wait=True)
            for sender in every:
                sender.close()
        found += self._numbered(self._judge.settled())
        self._store.add_checks(self.row, found)
        self._store.end_verification(self.row, self._reason if self.progress.done < self.total else "")

    def _given(
        self, pool: ThreadPoolExecutor, senders: SimpleQueue[Sender], todo: Iterator[Expected], free: int
    ) -> set[Future[list[CheckRow] | None]]:
        given: set[Future[list[CheckRow] | None]] = set()
        while len(given) < free and not self._stop.is_set():
            self._pace.wait()
            if self._stop.is_set():
                break
            document = next(todo, None)
            if document is None:
                break
            self._pace.went()
            given.add(pool.submit(self._check, document, senders))
        return given

    def _check(self, document: Expected, senders: SimpleQueue[Sender]) -> list[CheckRow] | None:
        """What was found of one document; None if the verification ended before that was known."""
        sender = senders.get()
        try:
            asked = self._asker.ask(document, sender)
            return None if asked is None else self._judge(document, asked)
        except Unaskable as error:
            return [_unknown(document, self._asker.live_path(document.path), str(error))]
        except TargetDown as error:
            self._reason = self._reason or f"the target takes no connections: {error}"
            self._stop.set()
            return None
        finally:
            senders.put(sender)

    def _taken(self, future: Future[list[CheckRow] | None]) -> list[CheckRow]:
        rows = future.result()
        if rows is None:
            return []
        self.progress.done += 1
        return self._numbered(rows)

    def _numbered(self, rows: list[CheckRow]) -> list[CheckRow]:
        numbered = []
        for row in rows:
            numbered.append(replace(row, number=self._number))
            self._number += 1
            self.progress.results[row.result] += 1
        return numbered


def _unknown(document: Expected, asked: str, reason: str) -> CheckRow:
    return CheckRow(
        *(0, document.path, CheckResult.UNKNOWN),
        asked=asked,
        evidence=document.basis.value,
        exchange=document.exchange,
        at=document.at,
        reason=reason,
    )
