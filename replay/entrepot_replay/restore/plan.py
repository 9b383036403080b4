"""Plans a restore: looks at every document at the target, and stores what is to be done as the steps of a replay.

Nothing is written. Documents that nothing is done about become skipped steps with the reason, so that the plan accounts
for every one of them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, ExchangeRow
from entrepot_store.catalog.replays import ReplayRow, ReplayStore, StepRow, StepState, Value, Verdict
from entrepot_store.clock import Clock, SystemClock, to_rfc3339
from entrepot_store.config import Settings
from entrepot_store.errors import BadInput, Damaged, NotFound
from entrepot_store.model import uuid7

from ..bodies import INLINE
from ..credentials import Credentials, references_of
from ..errors import Unsendable
from ..flow import Flow, request_parts
from ..flow.reading import used_key
from ..guard import TargetGuard
from ..mapping import IdMap
from ..options import RunOptions
from ..outgoing import recorded_path
from ..planner import BATCH
from ..selection import Chosen, Selection
from ..sender import Sender
from ..service import Replays, known_servers, reach
from ..simulate import Simulation
from ..summary import PlanSummary
from ..target import Target
from .connection import connection
from .decide import Decision, Do, Modes, decide
from .history import Document, History, Kin, parents
from .live import Live, Looker, There, find
from .same import decides, differences, was_changed
from .selected import select
from .step import RestoreStep
from .steps import Item, Steps, own_key
from .wanted import Content, Evidence, NoContent, State, Wanted, content_of, evidence_of, state_at
from .ways import NoWay, Way, create, delete, update

_NO_FLOW = Flow()
MOST_WARNINGS = 50
"""Documents that others depend on, named one by one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asks for. `at` is in microseconds; no `documents` means all."""

    destination: str
    target: str
    at: int
    documents: Sequence[str] = ()
    modes: Modes = field(default_factory=Modes)
    allow_captured_host: bool = False


class Restores:
    """Restores out of one archive, kept as replays in one store."""

    def __init__(self, archive: Archive, store: ReplayStore, clock: Clock | None = None) -> None:
        self._archive = archive
        self._store = store
        self._clock = clock or SystemClock()

    def plan(
        self,
        request: Request,
        options: RunOptions,
        credentials: Credentials,
        settings: Settings | None = None,
    ) -> ReplayRow:
        """A stored plan, ready to be started with `Replays.start`.

        Raises BadInput (the target is a captured server, nothing was captured by then, a secret is missing), NotFound
        (nothing was captured of the product, a document is not known), TargetUnreachable.
        """
        target = Target.parse(request.target)
        Simulation(self._archive, request.destination, request.at).window()
        guard = TargetGuard(target, self._archive, allowed=request.allow_captured_host)
        guard.check(known_servers(settings, request.destination) if settings else ())
        history = History(self._archive, request.destination).read()
        for document in history.documents.values():
            for event in document.events:
                guard.check_exchange(event.row)
        chosen = select(self._archive, history.documents, request.documents)
        reach(target, options.connect_timeout)
        values = self._inherited(request.destination, target)
        with connection(target, options, credentials) as sender:
            looker = Looker(target, credentials, self._clock, options.without_credentials)
            survey = _Survey(self._archive, history, request, looker, sender, IdMap(values))
            items, skipped = survey.items(sorted(chosen))
            needed = survey.needed(items, chosen)
        return self._store_plan(request, target, options, items, skipped, values, needed)

    def _inherited(self, destination: str, target: Target) -> list[Value]:
        """What earlier replays and restores into the same target found ids to be, the newest last."""
        rows: list[ReplayRow] = []
        cursor: str | None = None
        while True:
            page = self._store.replays(limit=100, cursor=cursor)
            rows += [row for row in page.items if (row.destination, row.target) == (destination, target.url)]
            cursor = page.next
            if cursor is None:
                break
        replays = Replays(self._archive, self._store, self._clock)
        found: dict[tuple[str, str], Value] = {}
        for row in reversed(rows):
            for value in replays.values(row.id, unmapped=False):
                found[value.role, value.recorded] = value
        return [*found.values()]

    def _store_plan(  # noqa: PLR0917 - what planning found, stored in one go
        self,
        request: Request,
        target: Target,
        options: RunOptions,
        items: list[Item],
        skipped: list["_Skipped"],
        values: list[Value],
        needed: list[str],
    ) -> ReplayRow:
        now = self._clock.now()
        selection = {
            "destination": [request.destination],
            "until": to_rfc3339(request.at + 1),  # exclusive; what verification takes for the moment
            "restore": {
                "at": to_rfc3339(request.at),
                "documents": list(request.documents),
                **asdict(request.modes),
            },
        }
        replay = ReplayRow(
            id=uuid7(now),
            created_at=now,
            destination=request.destination,
            target=target.url,
            selection=selection,
            options={**options.to_json(), "allow_captured_host": request.allow_captured_host},
        )
        steps = Steps(self._archive, IdMap(values))
        for item in items:
            steps.add(item)
        self._store.create(replay)
        try:
            rows = iter([*steps.rows(), *_skips(skipped, len(steps.planned))])
            while batch := list(islice(rows, BATCH)):
                self._store.add_steps(replay.id, batch)
            plan = _summary(self._archive, request, steps, items, skipped)
            plan["warnings"] += [{"kind": "depends", "text": text} for text in needed]
            self._store.planned(replay.id, plan)
            made = {(key.role, key.text) for key in steps.made}
            kept = [replace(value, step=None) for value in values if (value.role, value.recorded) not in made]
            if kept:
                self._store.set_values(replay.id, kept)
            return self._store.get(replay.id)
        except BaseException:
            self._store.discard(replay.id)
            raise


@dataclass(slots=True)
class _Skipped:
    """A document that nothing is done about."""

    step: RestoreStep
    exchange: ExchangeRow


@dataclass(slots=True)
class _Survey:
    """Looks at the documents, one after the other."""

    _archive: Archive
    _history: History
    _request: Request
    _looker: Looker
    _sender: Sender
    _idmap: IdMap
    _absent: dict[str, bool] = field(default_factory=dict)

    def items(self, paths: Iterable[str]) -> tuple[list[Item], list[_Skipped]]:
        """What is to be done, in the order in which it is: makers before users, and what is taken away last, the
        deepest first."""
        found: list[Item] = []
        skipped: list[_Skipped] = []
        for path in paths:
            one = self._document(self._history.documents[path])
            if isinstance(one, Item):
                found.append(one)
            else:
                skipped.append(one)
        found.sort(
            key=lambda item: (item.do is Do.DELETE, -item.path.count("/") if item.do is Do.DELETE else item.first_at)
        )
        return found, skipped

    def needed(self, items: list[Item], chosen: set[str]) -> list[str]:
        """Sentences on documents that those to be made depend on, and that are neither there nor made."""
        others = {path: document for path, document in self._history.documents.items() if path not in chosen}
        if not others:
            return []
        keys = {own_key(path): path for path in others}
        keys.pop(None, None)
        said: dict[str, None] = {}
        for item in items:
            if item.do is Do.DELETE:
                continue
            for path in self._depends_on(item, keys, others):
                if len(said) < MOST_WARNINGS and self._is_absent(others[path]):
                    said[f"{item.path} depends on {path}, which is missing at the target and not asked for."] = None
        return [*said]

    def _depends_on(self, item: Item, keys: dict[Any, str], others: dict[str, Document]) -> set[str]:
        found = {path for path in parents(item.path) if path in others}
        for send in item.way.sends:
            if send.made:
                content = b"" if item.content is None else item.content.data
            else:
                short = send.like.request.size <= INLINE
                content = self._archive.body_bytes(send.like, "request") if short else b""
            for part in request_parts(item.path.encode("latin-1", "replace"), (), "application/json", content):
                path = keys.get(used_key(part))
                if path is not None and path != item.path:
                    found.add(path)
        return found

    def _is_absent(self, document: Document) -> bool:
        if document.path not in self._absent:
            wanted = state_at(self._archive, self._request.destination, document, self._request.at)
            live = self._look(document) if wanted.state is State.PRESENT else None
            self._absent[document.path] = live is not None and live.there is There.ABSENT
        return self._absent[document.path]

    def _look(self, document: Document) -> Live:
        return self._looks(document)[0]

    def _looks(self, document: Document) -> Sequence[Live]:
        try:
            return find(self._looker, self._sender, like_of(document), document.path, self._idmap)
        except Unsendable as error:
            raise BadInput(
                f"The target cannot be asked for {document.path}: {error}.",
                hint="Give --credential NAME=env:VARIABLE (or file:PATH, cmd:COMMAND), or --without-credentials. "
                "Nothing was sent.",
            ) from None

    def _document(self, document: Document) -> Item | _Skipped:
        archive, path = self._archive, document.path
        wanted = state_at(archive, self._request.destination, document, self._request.at)
        kin = self._history.kin(path)
        content, evidence, lack = _content(archive, wanted)
        wanted = replace(wanted, unseen=_is_unseen(archive, wanted, content, kin))
        live, same = self._compared(document, content, kin)
        decision = decide(wanted.state, live, self._request.modes, same=same)
        if decision.do is Do.CANNOT and same is None and lack:
            decision = Decision(Do.CANNOT, lack)
        step = RestoreStep(path, decision.do, decision.why, digest=live.digest, evidence=evidence, shape=kin.shape)
        try:
            way = _way(archive, decision.do, wanted, content, kin)
        except NoWay as error:
            way, step = None, replace(step, do=Do.CANNOT, why=f"{decision.why}: {error}")
        if way is None:
            return _Skipped(step, like_of(document))
        step = replace(step, how=way.how)
        shape = kin.shape
        first = way.sends[0].like.started_at if not way.sends[0].made else wanted.since
        kept = content if any(send.made for send in way.sends) else None  # the others come from the vault when they go
        return Item(path, decision.do, decision.why, way, step, kept, shape, first)

    def _compared(self, document: Document, content: Content | None, kin: Kin) -> tuple[Live, bool | None]:
        """What is there, and whether it is the content; where the document was counts only if it is."""
        found: list[tuple[Live, bool | None]] = []
        for live in self._looks(document):
            same: bool | None = None
            if live.there is There.PRESENT and live.answer is not None and content is not None:
                told = differences(content, live.answer, document.path, shape=kin.shape, idmap=self._idmap, now=live.at)
                same = not decides(told)
            found.append((live, same))
        return next((one for one in found[1:] if one[1]), found[0])


def like_of(document: Document) -> ExchangeRow:
    """The exchange whose headers a look at the document carries: the last read of it, else the last write."""
    reads = [event.row for event in document.events if event.reads and event.row.path == document.path]
    return (reads or [event.row for event in document.events])[-1]


def _content(archive: Archive, wanted: Wanted) -> tuple[Content | None, Evidence | None, str]:
    """The content, where it is, and, if there is none, why."""
    if wanted.state is not State.PRESENT:
        return None, None, ""
    try:
        evidence = evidence_of(wanted)
        return content_of(archive, evidence), evidence, ""
    except NoContent as error:
        return None, None, str(error)
    except (NotFound, Damaged) as error:
        return None, None, error.message.rstrip(".")


def _is_unseen(archive: Archive, wanted: Wanted, content: Content | None, kin: Kin) -> bool:
    """Whether somebody whose writes were not captured changed it after the last of those that were."""
    if wanted.event is None or not wanted.event.reads or content is None or not wanted.writes:
        return False
    try:
        left = evidence_of(Wanted(wanted.path, wanted.state, wanted.writes[-1]))
        return was_changed(content_of(archive, left), content, wanted.path, kin.shape)
    except (NoContent, NotFound, Damaged):
        return False  # what the writes left is not known, and the read tells what it was


def _way(archive: Archive, do: Do, wanted: Wanted, content: Content | None, kin: Kin) -> Way | None:
    if do is Do.CREATE:
        return create(archive, wanted, content, kin)
    if do is Do.UPDATE:
        return update(archive, wanted, content, kin)
    return delete(wanted, kin) if do is Do.DELETE else None


def _skips(skipped: list[_Skipped], seq: int) -> Iterable[StepRow]:
    for number, one in enumerate(skipped, seq):
        reason = f"{one.step.do.value}: {one.step.why}" if one.step.why else one.step.do.value
        yield StepRow(
            *(number, one.exchange.id, "GET", one.step.path, one.exchange.status, 0),
            state=StepState.SKIPPED,
            verdict=Verdict.SKIPPED,
            reason=reason,
            flow=one.step.dump(_NO_FLOW),
        )


def _summary(
    archive: Archive,
    request: Request,
    steps: Steps,
    items: list[Item],
    skipped: list[_Skipped],
) -> dict[str, Any]:
    """The plan as replays have it, and what it does to how many documents."""
    summary = PlanSummary()
    for planned in steps.planned:
        summary.count(replace(planned.exchange, method=planned.row.method), Chosen(None))
        path = recorded_path(planned.exchange) or b""
        summary.secrets(references_of(planned.exchange.request.headers, path))
    where = ExchangeFilter(destination=(request.destination,), until=request.at + 1)
    summary.gaps(archive.catalog.gaps(), Selection(where))
    plan = summary.to_json()
    does = Counter(item.do.value for item in items) + Counter(one.step.do.value for one in skipped)
    plan["considered"] = len(items) + len(skipped)
    plan["skips"] = dict(Counter(f"{one.step.do.value}: {one.step.why}" for one in skipped).most_common())
    plan["lost"] = dict(Counter(one.step.why for one in skipped if one.step.do is Do.CANNOT).most_common())
    plan["restore"] = {"at": to_rfc3339(request.at), "documents": dict(does)}
    plan["warnings"] = [warning for warning in plan["warnings"] if warning["kind"] != "empty"]
    return plan
