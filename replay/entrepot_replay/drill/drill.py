"""One drill from its plan to its record. Whoever calls it shows progress: see `Hands`.

What is wrong before anything was tried (a misspelt option, a product nobody captured) is raised and not recorded. From
then on every drill leaves a record, the failed ones too, and a failed one an event.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from uuid import UUID

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.drills import DrillRow, DrillState
from entrepot_store.catalog.replays import ReplayRow, ReplayState, Wanted
from entrepot_store.clock import Clock, SystemClock
from entrepot_store.config import Settings
from entrepot_store.coverage.drill_events import drill_failed
from entrepot_store.errors import AddressInUse, BadInput, EntrepotError
from entrepot_store.model import uuid7

from ..credentials import Credentials
from ..errors import STOPPED_EARLY
from ..lease import is_dead, new_owner
from ..options import RunOptions
from ..report import Report, make_report
from ..selection import Selection
from ..sender import tls_context
from ..service import Replays, Run
from ..target import Target
from ..verify import Verifier
from .product import Product, ProductFailed
from .readiness import LOOK_SECONDS, takes_connections, wait_until_ready

_INTERRUPTED = 130
"""The exit code of a command line that Ctrl-C ended."""
_GONE_SECONDS = 2.0
"""How long the system may take to close the sockets of a product that was ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What to rehearse. `start` is the command of an empty copy, which stays in the foreground; `wait` is how many
    seconds it may take until it answers."""

    destination: str
    target: str
    start: str
    wait: float = 60.0
    allow_delete: bool = False
    options: RunOptions = field(default_factory=RunOptions)


@dataclass(frozen=True, slots=True)
class Hands:
    """What the caller does himself: carry out the run and the verification (a replay that was just sent, whose target
    was reached), with progress and signals, and tell a person what happens."""

    replay: Callable[[Run], object]
    verify: Callable[[ReplayRow], None]
    say: Callable[[str], None] = lambda _sentence: None


class Drills:
    """Rehearses restorations from one archive."""

    def __init__(self, archive: Archive, replays: Replays, settings: Settings, clock: Clock | None = None) -> None:
        self._archive = archive
        self._catalog = archive.catalog
        self._replays = replays
        self._settings = settings
        self._clock = clock or SystemClock()

    def hands(self, options: RunOptions, credentials: Credentials) -> Hands:
        """Without progress, for chores."""

        def verify(row: ReplayRow) -> None:
            verifier = Verifier(self._archive, self._replays, self._settings, self._clock)
            verifier.prepare(row, options, credentials, reachable=True).run()

        return Hands(lambda run: run.executor.run(), verify)

    def run(
        self, drill: Drill, credentials: Credentials | None = None, hands: Hands | None = None
    ) -> tuple[DrillRow, Report]:
        """Plans, starts, replays, verifies, stops, records.

        Raises BadInput and NotFound as planning does, unrecorded; AddressInUse (something listens at the target
        already), ProductFailed and what replay and verification raise are recorded first, and so is a
        KeyboardInterrupt. The product is stopped whatever happens.
        """
        credentials = credentials or Credentials()
        hands = hands or self.hands(drill.options, credentials)
        began = self._clock.now()
        identifier = uuid7(began)
        log = self._settings.data.absolute() / "drills" / f"{identifier}.log"
        product = Product(drill.start, log)
        self._settle_killed(drill.destination)
        plan = self._plan(drill)
        row = DrillRow(
            id=identifier,
            destination=drill.destination,
            target=plan.target,
            owner=new_owner(),
            started_at=began,
            replay=plan.id,
            as_of=plan.created_at,
            log=str(log),
        )
        self._catalog.drills.put(row)
        record = _Record(row, plan.id)
        try:
            try:
                self._rehearse(drill, record, product, credentials, hands)
            finally:
                self._stop(product, record, plan, hands)
        except EntrepotError as error:
            self._end(record, DrillState.FAILED, error.exit_code, error.message)
            raise
        except KeyboardInterrupt:
            self._end(record, DrillState.INTERRUPTED, _INTERRUPTED, "it was interrupted")
            raise
        except BaseException as error:
            self._end(record, DrillState.FAILED, EntrepotError.exit_code, f"{type(error).__name__}: {error}")
            raise
        row = self._judge(record, make_report(self._replays.store, plan.id))
        return row, make_report(self._replays.store, plan.id)

    def _plan(self, drill: Drill) -> ReplayRow:
        selection = Selection(ExchangeFilter(destination=(drill.destination,)), drill.allow_delete)
        plan = self._replays.plan(selection, drill.target, drill.options, settings=self._settings)
        if not plan.plan.get("steps"):
            raise BadInput(
                f"Of {drill.destination} nothing was captured that a replay could send.",
                hint="A drill needs writes that succeeded.",
            )
        return plan

    def _rehearse(
        self, drill: Drill, record: "_Record", product: Product, credentials: Credentials, hands: Hands
    ) -> None:
        target = Target.parse(drill.target)
        if takes_connections(target):
            raise AddressInUse(
                f"Something takes connections at {target.url} already, so it is not the empty copy of this drill.",
                hint="Stop it, or let --start and --target name a free address. Nothing was started or sent.",
            )
        tls = None
        if target.is_tls:
            ca = drill.options.tls_ca
            tls = tls_context(Path(ca) if ca else None, verify=drill.options.tls_verify)
        product.start()
        hands.say(f"Starting the product; its output is in {record.row.log}.")
        pause = threading.Event()

        def look() -> bool:
            pause.wait(LOOK_SECONDS)
            return not product.ended()

        ready = wait_until_ready(target, tls, drill.wait, self._clock, look)
        if how := product.ended():
            raise ProductFailed(
                f"The start command ended with {how} before the product could be asked.",
                hint=f"{_words(product)}It has to stay in the foreground.",
            )
        if not ready:
            raise ProductFailed(
                f"The product takes no connections at {target.url} after {drill.wait:g} s.",
                hint=f"{_words(product)}Does it listen there? --wait gives it more time.",
            )
        record.row = replace(record.row, ready_at=self._clock.now())
        run = self._replays.start(record.replay, drill.options, credentials)
        with _watching(product, run):
            hands.replay(run)
        ended = self._replays.store.get(record.replay)
        record.died = product.ended()
        if ended.state is ReplayState.FINISHED:
            record.row = replace(record.row, rebuilt_at=self._clock.now())
            hands.verify(ended)
            record.died = product.ended()

    def _stop(self, product: Product, record: "_Record", plan: ReplayRow, hands: Hands) -> None:
        started = product.started
        product.stop()
        if not started:
            return
        target, pause = Target.parse(plan.target), threading.Event()
        deadline = self._clock.monotonic() + _GONE_SECONDS
        while takes_connections(target):
            if self._clock.monotonic() >= deadline:
                record.left = f"something that the start command left behind still listens at {target.url}"
                hands.say(f"{record.left.capitalize()}: end it by hand.")
                return
            pause.wait(LOOK_SECONDS)

    def _judge(self, record: "_Record", report: Report) -> DrillRow:
        replayed, found = report.replay, report.verification
        state = DrillState.FAILED if report.exit_code else DrillState.PASSED
        error, exit_code = "", report.exit_code
        if record.died:
            error = f"the product ended with {record.died} meanwhile"
            state, exit_code = DrillState.FAILED, exit_code or STOPPED_EARLY
        elif replayed.state is not ReplayState.FINISHED:
            error = f"the replay is {replayed.state.value}{f': {replayed.reason}' if replayed.reason else ''}"
            asked = replayed.state in (ReplayState.PAUSED, ReplayState.CANCELLED)
            state = DrillState.INTERRUPTED if asked else state
        elif found is not None and not found.complete:
            error = f"the verification ended early: {found.reason}"
            state = DrillState.INTERRUPTED if found.reason == "it was interrupted" else state
        if found is not None:
            record.row = replace(record.row, as_of=found.as_of)
        return self._end(record, state, exit_code, error, report)

    def _end(
        self, record: "_Record", state: DrillState, exit_code: int, error: str, report: Report | None = None
    ) -> DrillRow:
        """Records it, and raises the event of a failed one."""
        report = report or make_report(self._replays.store, record.replay, limit=1)
        now = self._clock.now()
        row = replace(
            record.row,
            state=state,
            exit_code=exit_code,
            error="; ".join(filter(None, (error, record.left))),
            ended_at=now,
            steps=asdict(report.counts),
            documents={} if report.verification is None else asdict(report.verification.counts),
        )
        self._catalog.drills.put(row)
        # Its target is gone: nobody is to go on with it by mistake.
        self._replays.ask(record.replay, Wanted.CANCEL)
        if state is DrillState.FAILED:
            event = drill_failed(row, now, deliver=self._settings.events.webhook is not None)
            self._catalog.coverage.noticed((), [event])
        return row

    def _settle_killed(self, destination: str) -> None:
        """A drill whose process was killed could not say so itself."""
        for row in self._catalog.drills.running(destination):
            if is_dead(row.owner):
                error = "its process was killed; the product that it started may still run"
                ended = replace(row, state=DrillState.INTERRUPTED, ended_at=self._clock.now(), error=error)
                self._catalog.drills.put(ended)


@dataclass(slots=True)
class _Record:
    """What is known of a drill so far. `died` says how the product ended before it was stopped, `left` what it left
    behind."""

    row: DrillRow
    replay: UUID
    died: str = ""
    left: str = ""


@contextmanager
def _watching(product: Product, run: Run) -> Iterator[None]:
    """Pauses the run when the product ends: waiting for it to come back would be in vain."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            if product.ended():
                run.executor.pause()
                return

    thread = threading.Thread(target=watch, name="drill-product", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _words(product: Product) -> str:
    words = product.last_words()
    return f"It said last: {words}. " if words else "It said nothing. "
