"""Plans a restore: looks at every document at the target, and stores what is to be done as the steps of a replay.

Nothing is written. Documents that nothing is done about become skipped steps with the reason, so that the plan accounts
for every one of them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.replays import ReplayRow, ReplayStore, StepRow, StepState, Value, Verdict
from entrepot_store.clock import Clock, SystemClock, to_rfc3339
from entrepot_store.config import Settings
from entrepot_store.model import uuid7

from ..credentials import Credentials, references_of
from ..flow import Flow
from ..guard import TargetGuard
from ..mapping import IdMap
from ..options import RunOptions
from ..outgoing import recorded_path
from ..planner import BATCH
from ..selection import Chosen, Selection
from ..service import Replays, known_servers, reach
from ..simulate import Simulation
from ..summary import PlanSummary
from ..target import Target
from .connection import connection
from .decide import Do
from .history import History
from .live import Looker
from .request import Request
from .selected import select
from .steps import Item, Steps
from .survey import Skipped, Survey

_NO_FLOW = Flow()


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
            survey = Survey(self._archive, history, request, looker, sender, IdMap(values))
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
        skipped: list["Skipped"],
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


def _skips(skipped: list[Skipped], seq: int) -> Iterable[StepRow]:
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
    skipped: list[Skipped],
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
