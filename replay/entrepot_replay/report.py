"""The report of a replay, and the exit code it amounts to. It leads with what is not identical.

Everything comes out of the store, so the report of a replay that somebody else runs, or that was killed, reads the
same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from entrepot_store.catalog.replays import ReplayRow, ReplayState, ReplayStore, StepCounts, StepRow, StepState, Verdict

from .errors import ALL_IDENTICAL, DIFFERENCES, FAILURES, STOPPED_EARLY

PAGE = 500
NOT_IDENTICAL = (Verdict.FAILED, Verdict.UNKNOWN, Verdict.DIFFERENT)
"""In the order in which a report tells of them: what is missing at the target comes before what looks otherwise."""


@dataclass(frozen=True, slots=True)
class Report:
    """A replay, what came of its steps, and the first of those that are not identical, the gravest first."""

    replay: ReplayRow
    counts: StepCounts
    steps: tuple[StepRow, ...]
    unlisted: int
    """Steps that are not identical and not in `steps`."""

    @property
    def lost(self) -> int:
        """Writes that were recorded and cannot be replayed at all."""
        return int(sum(self.replay.plan.get("lost", {}).values()))

    @property
    def exit_code(self) -> int:
        """0 only when every planned step is identical and nothing was lost."""
        if self.replay.state is not ReplayState.FINISHED or self.counts.pending or self.counts.sending:
            return STOPPED_EARLY
        if self.counts.failed or self.counts.unknown or self.lost:
            return FAILURES
        return DIFFERENCES if self.counts.different else ALL_IDENTICAL


def make_report(store: ReplayStore, replay: UUID, *, limit: int = 100) -> Report:
    """`limit` bounds the steps listed. Raises NotFound."""
    row = store.get(replay)
    counts = store.counts(replay)
    steps: list[StepRow] = []
    for verdict in NOT_IDENTICAL:
        if len(steps) < limit:
            steps += store.steps(replay, verdicts=[verdict], limit=limit - len(steps)).items
    if len(steps) < limit:
        # Nobody knows whether these reached the target, unless their run is still at work.
        steps += store.steps(replay, states=[StepState.SENDING], limit=limit - len(steps)).items
    not_identical = counts.failed + counts.unknown + counts.different + counts.sending
    return Report(row, counts, tuple(steps), max(0, not_identical - len(steps)))


def all_steps(store: ReplayStore, replay: UUID) -> Iterator[StepRow]:
    """Every step in order, read page by page."""
    cursor: str | None = None
    while True:
        page = store.steps(replay, limit=PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return
