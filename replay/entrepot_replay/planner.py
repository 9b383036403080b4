"""Makes a plan: reads the captured exchanges in recorded order, once for the data flow and once for the steps, and
stores which of them will be sent.

Nothing is sent here. Steps go to the store in batches, so a plan of any size needs little memory. What would make a
replay less than whole is said first: gaps in the recording, writes that cannot be replayed, secrets nobody gave.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, ExchangeRow
from entrepot_store.catalog.replays import ReplayRow, ReplayStore, StepRow, StepState, Verdict
from entrepot_store.clock import Clock
from entrepot_store.errors import NotFound
from entrepot_store.model import uuid7

from .credentials import references_of
from .flow import Flow
from .guard import TargetGuard
from .options import RunOptions
from .outgoing import recorded_path
from .selection import Chosen, Selection
from .summary import PlanSummary
from .target import Target
from .tracing import Tracing

BATCH = 1000


class Planner:
    """Plans replays from one archive into one store."""

    def __init__(
        self, archive: Archive, store: ReplayStore, clock: Clock, hide: Callable[[bytes], str] | None = None
    ) -> None:
        """`hide` gives the digest by which redaction refers to a secret; without it, tokens that were answered are not
        recognised in the headers that carried them."""
        self._archive = archive
        self._hide = hide
        self._store = store
        self._clock = clock

    def plan(
        self,
        selection: Selection,
        target: Target,
        options: RunOptions,
        *,
        allow_captured_host: bool = False,
        known_servers: Iterable[tuple[str, str]] = (),
        behind: float = 0.0,
    ) -> ReplayRow:
        """A stored plan, ready to be started.

        `known_servers` are (scheme, host[:port]) of the destination that the configuration names; `behind` is how many
        seconds of captures wait to be shipped. Raises BadInput if
        the target is a server that was captured from, NotFound if nothing was captured from that destination.
        """
        self._check_destination(selection)
        guard = TargetGuard(target, self._archive, allowed=allow_captured_host)
        guard.check(known_servers)
        now = self._clock.now()
        replay = ReplayRow(
            id=uuid7(now),
            created_at=now,
            destination=selection.destination,
            target=target.url,
            selection=selection.to_json(),
            options={**options.to_json(), "allow_captured_host": allow_captured_host},
        )
        self._store.create(replay)
        try:
            summary = PlanSummary(behind)
            tracing = self._traced(selection)
            steps = self._steps(selection, tracing, guard, summary)
            while batch := list(islice(steps, BATCH)):
                self._store.add_steps(replay.id, batch)
            summary.gaps(self._archive.catalog.gaps(), selection)
            summary.unread(tracing.unread)
            return self._store.planned(replay.id, summary.to_json())
        except BaseException:
            self._store.discard(replay.id)
            raise

    def _check_destination(self, selection: Selection) -> None:
        catalog = self._archive.catalog
        if any(True for _ in islice(catalog.iterate(ExchangeFilter(destination=(selection.destination,))), 1)):
            return
        known = [product.name for product in catalog.products() if product.as_destination]
        shown = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
        raise NotFound(
            f"Nothing to {selection.destination!r} was captured.",
            hint=f"Captured are: {shown}." if known else "Nothing at all was captured yet.",
        )

    def _traced(self, selection: Selection) -> Tracing:
        tracing = Tracing(self._archive, selection, self._hide)
        for row in self._archive.catalog.iterate(selection.considered):
            tracing.watch(row)
        tracing.close()
        return tracing

    def _steps(
        self, selection: Selection, tracing: Tracing, guard: TargetGuard, summary: PlanSummary
    ) -> Iterator[StepRow]:
        for row in self._archive.catalog.iterate(selection.considered):
            seq = tracing.number(row.id)
            chosen = tracing.chosen(row)
            if seq is None:
                if chosen.skip is None or chosen.listed:
                    continue  # shipped while we were planning: it belongs to the next plan
                summary.count(row, chosen)
                continue
            flow = tracing.flow(seq, row) if chosen.skip is None else Flow()
            summary.count(row, chosen, flow)
            if chosen.skip is None:
                guard.check_exchange(row)
                path = recorded_path(row) or b""
                summary.secrets(references_of(row.request.headers, path), flow)
            yield _step(seq, row, chosen, flow)


def _step(seq: int, row: ExchangeRow, chosen: Chosen, flow: Flow) -> StepRow:
    path = "/" + row.url.partition("://")[2].partition("/")[2]
    step = StepRow(seq, row.id, row.method, path, row.status, row.request.size, flow=flow.dump())
    if chosen.skip is None:
        return step
    return replace(step, state=StepState.SKIPPED, verdict=Verdict.SKIPPED, reason=chosen.skip.value)
