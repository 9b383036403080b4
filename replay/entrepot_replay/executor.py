"""Runs a plan: takes ready steps from the schedule, stores their intent, sends them, stores what came of them.

One coordinating thread owns schedule and store writes. With a concurrency of one it also sends, without handing
anything to another thread; with more, a pool sends and the coordinator collects. Each round is one durable transaction:
the outcomes that came in and the intents that go out. Nothing is sent whose intent is not stored, so after a crash at
most `concurrency` steps have an unknown outcome, and the store says which.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread
from uuid import UUID

from entrepot_store.catalog.replays import Outcome, ReplayRow, ReplayState, ReplayStore, StepState, Verdict, Wanted
from entrepot_store.clock import Clock
from entrepot_store.errors import Busy, CatalogUnavailable

from .attempt import Attempt, Attempter, Next
from .hands import Hands, new_hands
from .lease import RENEW_SECONDS, TTL_US
from .options import RunOptions
from .pace import Pace
from .schedule import Schedule, Step
from .sender import Sender

STORE_PATIENCE_SECONDS = 20.0
"""How long a store that does not answer is asked again before the run gives up; less than the lease lives."""
LONGEST_RETRY_AFTER = 300.0
"""Seconds; a target that asks for more is asked again earlier."""
RATIO_OF = 20
"""Steps before which no share of failures says anything."""
BACKOFF_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)


@dataclass(slots=True)
class Progress:
    """What this run has done so far. `waiting` says why nothing moves, if nothing does."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    waiting: str = ""

    @property
    def done(self) -> int:
        return self.verdicts.total()

    @property
    def bad(self) -> int:
        return self.verdicts[Verdict.FAILED] + self.verdicts[Verdict.UNKNOWN]


type Observer = Callable[[], None]


class Executor:
    """One run of one replay, under a lease that the caller has taken. Use once."""

    def __init__(
        self,
        replay: UUID,
        owner: str,
        *,
        store: ReplayStore,
        schedule: Schedule,
        attempter: Attempter,
        new_sender: Callable[[], Sender],
        clock: Clock,
    ) -> None:
        self._replay = replay
        self._owner = owner
        self._store = store
        self._schedule = schedule
        self._attempter = attempter
        self._options: RunOptions = attempter.options
        self._new_sender = new_sender
        self._clock = clock
        self._observer: Observer = lambda: None
        self._wake = Event()
        self._wanted = Wanted.RUN
        self._abandoned = False
        self._stop_reason = ""
        self._lost: Busy | None = None
        self._tries: Counter[int] = Counter()
        self._busy_since: dict[int, float] = {}
        self._down_since: float | None = None
        self._setbacks = 0
        self._pace = Pace(self._options.rate, clock, self._wake)
        self.progress = Progress()

    def observe(self, observer: Observer) -> None:
        """`observer` is called, in the thread that runs, whenever `progress` changed."""
        self._observer = observer

    def pause(self) -> None:
        """Ends the run after the steps that are under way. May be called from any thread, and from a signal handler."""
        self._wanted = Wanted.PAUSE
        self._wake.set()

    def abandon(self) -> None:
        """As `pause`, and the replay counts as interrupted: this process goes, nobody asked for a pause."""
        self._abandoned = True
        self.pause()

    def run(self) -> ReplayRow:
        """Sends what is to be sent, and gives the lease up. Raises Busy if the lease was lost, CatalogUnavailable if
        the store stayed away; the replay is then interrupted and can be resumed."""
        ended = Event()
        keeper = Thread(target=self._keep_lease, args=(ended,), name="replay-lease", daemon=True)
        keeper.start()
        hands = new_hands(self._attempt, self._new_sender, self._options.concurrency)
        try:
            self._work(hands)
        finally:
            hands.close()
            ended.set()
            keeper.join()
        return self._store.release(self._replay, self._owner, *self._ending())

    def give_up(self, reason: str) -> None:
        """After `run` raised: lets the lease go, so that nobody has to wait for it to run out. The replay counts as
        interrupted. Raises Busy if the lease is not ours any more, CatalogUnavailable."""
        self._store.release(self._replay, self._owner, ReplayState.RUNNING, reason)

    # The rounds

    def _work(self, hands: Hands) -> None:
        outcomes: list[Outcome] = []
        while True:
            steps = self._next_steps(hands, outcomes)
            if not steps and not hands.busy:
                self._store_round(outcomes, [])
                outcomes = []
                if self._stopping or self._schedule.exhausted:
                    return
                continue
            if steps or outcomes:
                allowed = self._store_round(outcomes, [step.row.seq for step in steps])
                outcomes = []
                if not allowed:
                    for step in reversed(steps):
                        self._schedule.again(step.row.seq)
                    steps = []
            for step in steps:
                self._pace.went()
                hands.give(step)
            outcomes += [self._digest(attempt) for attempt in hands.take()]

    def _next_steps(self, hands: Hands, outcomes: list[Outcome]) -> list[Step]:
        """Steps to send now; empty when none may go. Waits out the pace while nothing else is to be done."""
        if self._stopping:
            return []
        if self._options.speed:
            self._follow_recorded_pace(self._options.speed)
        if self._pace.seconds > 0:
            if hands.busy:
                return []
            self._store_round(outcomes, [])  # a wait must not keep what is known from the store
            outcomes.clear()
            self._pace.wait()
            if self._stopping or self._pace.seconds > 0:
                return []
        one_by_one = self._down_since is not None or self._options.rate or self._options.speed
        free = min(hands.free, 1) if one_by_one else hands.free
        return list(self._schedule.ready(free))

    def _follow_recorded_pace(self, speed: float) -> None:
        upcoming = self._schedule.upcoming(1)
        if upcoming and upcoming[0].exchange is not None:
            self._pace.follow(upcoming[0].exchange.started_at, speed)

    @property
    def _stopping(self) -> bool:
        return self._wanted is not Wanted.RUN or bool(self._stop_reason) or self._lost is not None

    def _store_round(self, outcomes: list[Outcome], intents: list[int]) -> bool:
        """One transaction; False if the run is to end and the intents were not stored.

        Asked again while the store is away: storing the same round twice does no harm.
        """
        if not outcomes and not intents:
            return True
        deadline = self._clock.monotonic() + STORE_PATIENCE_SECONDS
        while True:
            if self._lost is not None:
                raise self._lost
            try:
                wanted = self._store.advance(self._replay, self._owner, TTL_US, outcomes=outcomes, intents=intents)
            except CatalogUnavailable:
                if self._clock.monotonic() > deadline:
                    raise
                self._wake.wait(0.5)
            else:
                self._hear(wanted)
                return wanted is Wanted.RUN

    def _hear(self, wanted: Wanted) -> None:
        if wanted is not Wanted.RUN:
            self._wanted = wanted
            self._wake.set()

    def _attempt(self, step: Step, sender: Sender) -> Attempt:
        last = self._tries[step.row.seq] + 1 >= self._options.attempts
        return self._attempter(step, sender, last_try=last)

    def _digest(self, attempt: Attempt) -> Outcome:
        """Tells schedule, pace and stop rules what an attempt means; returns the outcome to store."""
        outcome, seq = attempt.outcome, attempt.outcome.seq
        if attempt.next is Next.TARGET_DOWN:
            outcome = self._target_down(attempt)
        elif attempt.next is Next.BACK_OFF:
            outcome = self._back_off(attempt)
        elif attempt.next is Next.AGAIN:
            self._tries[seq] += 1
            self._set_back()
        else:
            self._down_since, self._setbacks, self.progress.waiting = None, 0, ""
            self._tries.pop(seq, None)
            self._busy_since.pop(seq, None)
        if attempt.next is Next.STOP:
            self._stop_reason = attempt.reason
        if outcome.state is StepState.PENDING:
            self._schedule.again(seq)
        else:
            self._schedule.finished(seq)
            self._count(outcome)
        self._observer()
        return outcome

    def _count(self, outcome: Outcome) -> None:
        if outcome.verdict is not None:
            self.progress.verdicts[outcome.verdict] += 1
        limit = self._options.max_failures
        if limit is not None and self.progress.bad >= limit and not self._stop_reason:
            self._stop_reason = f"{self.progress.bad} steps failed or are unknown, and --max-failures is {limit}"

        ratio = self._options.max_failure_ratio
        if ratio is not None and self.progress.done >= RATIO_OF and not self._stop_reason:
            share = self.progress.bad / self.progress.done
            if share > ratio:
                self._stop_reason = (
                    f"{share:.0%} of the steps failed or are unknown, and --max-failure-ratio is {ratio}"
                )

    # Trouble

    def _back_off(self, attempt: Attempt) -> Outcome:
        """The target is there and wants to be left alone for a while."""
        seq, now = attempt.outcome.seq, self._clock.monotonic()
        since = self._busy_since.setdefault(seq, now)
        if attempt.final is not None and now - since >= max(self._options.wait_for_target, attempt.seconds):
            self._busy_since.pop(seq)
            return attempt.final
        self.progress.waiting = attempt.reason
        self._set_back()
        self._pace.hold(min(attempt.seconds, LONGEST_RETRY_AFTER))
        return attempt.outcome

    def _target_down(self, attempt: Attempt) -> Outcome:
        """Nothing left this machine, so the step stays to be sent; after a while the run stops, and says so there."""
        now = self._clock.monotonic()
        self._down_since = now if self._down_since is None else self._down_since
        if now - self._down_since < self._options.wait_for_target:
            self.progress.waiting = attempt.reason
            self._set_back()
            return attempt.outcome
        self._stop_reason = f"the target takes no connections: {attempt.reason}"
        seq = attempt.outcome.seq
        return Outcome(seq, StepState.DONE, Verdict.FAILED, sent=False, reason=attempt.reason)

    def _set_back(self) -> None:
        self._pace.hold(BACKOFF_SECONDS[min(self._setbacks, len(BACKOFF_SECONDS) - 1)])
        self._setbacks += 1

    def _keep_lease(self, ended: Event) -> None:
        """Renews the lease while a long step is under way, and hears what is wanted meanwhile."""
        while not ended.wait(RENEW_SECONDS):
            try:
                wanted = self._store.advance(self._replay, self._owner, TTL_US)
            except Busy as error:
                self._lost = error
                self._wake.set()
                return
            except CatalogUnavailable:
                continue  # the next round will meet it too, and gives up if it lasts
            self._hear(wanted)

    def _ending(self) -> tuple[ReplayState, str]:
        if self._wanted is Wanted.CANCEL:
            return ReplayState.CANCELLED, "cancelled"
        if self._stop_reason:
            return ReplayState.STOPPED, self._stop_reason
        if self._schedule.exhausted:
            return ReplayState.FINISHED, ""
        if self._abandoned:
            return ReplayState.RUNNING, "the process that ran it was stopped"
        return ReplayState.PAUSED, "paused"
