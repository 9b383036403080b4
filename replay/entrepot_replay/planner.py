"""Makes a plan: reads the captured exchanges once, in recorded order, and stores which of them will be sent.

Nothing is sent here. Steps go to the store in batches, so a plan of any size needs little memory. What would make a
replay less than whole is said first: gaps in the recording, writes that cannot be replayed, secrets nobody gave.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, ExchangeRow
from entrepot_store.catalog.replays import ReplayRow, ReplayStore, StepRow, StepState, Verdict
from entrepot_store.clock import Clock
from entrepot_store.errors import NotFound
from entrepot_store.model import uuid7

from .credentials import references_of
from .guard import TargetGuard
from .options import RunOptions
from .outgoing import recorded_path
from .selection import Chosen, Selection, choose
from .summary import PlanSummary
from .target import Target

BATCH = 1000


class Planner:
    """Plans replays from one archive into one store."""

    def __init__(self, archive: Archive, store: ReplayStore, clock: Clock) -> None:
        self._archive = archive
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
            steps = self._steps(selection, guard, summary)
            while batch := list(islice(steps, BATCH)):
                self._store.add_steps(replay.id, batch)
            summary.gaps(self._archive.catalog.gaps(), selection)
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

    def _steps(self, selection: Selection, guard: TargetGuard, summary: PlanSummary) -> Iterator[StepRow]:
        seq = 0
        for row in self._archive.catalog.iterate(selection.considered):
            chosen = choose(row, selection)
            summary.count(row, chosen)
            if chosen.skip is None:
                guard.check_exchange(row)
                summary.secrets(references_of(row.request.headers, recorded_path(row) or b""))
            if chosen.skip is None or chosen.listed:
                yield _step(seq, row, chosen)
                seq += 1


def _step(seq: int, row: ExchangeRow, chosen: Chosen) -> StepRow:
    path = "/" + row.url.partition("://")[2].partition("/")[2]
    step = StepRow(seq, row.id, row.method, path, row.status, row.request.size)
    if chosen.skip is None:
        return step
    return replace(step, state=StepState.SKIPPED, verdict=Verdict.SKIPPED, reason=chosen.skip.value)
