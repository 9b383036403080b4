"""The report of a replay, and the exit code it amounts to. It leads with what is not back.

Everything comes out of the store, so the report of a replay that somebody else runs, or that was killed, reads the
same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from entrepot_store.catalog.replay_checks import CheckResult, CheckRow, VerificationRow
from entrepot_store.catalog.replays import ReplayRow, ReplayState, ReplayStore, StepCounts, StepRow, StepState, Verdict

from .errors import ALL_IDENTICAL, DIFFERENCES, FAILURES, STOPPED_EARLY

PAGE = 500
NOT_IDENTICAL = (Verdict.FAILED, Verdict.UNKNOWN, Verdict.DIFFERENT)
"""In the order in which a report tells of them: what is missing at the target comes before what looks otherwise."""

NOT_BACK = (CheckResult.MISSING, CheckResult.DIFFERS, CheckResult.EXTRA, CheckResult.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Report:
    """A replay, what came of its steps, and the first of those that are not identical, the gravest first; the same of
    its verification, if there was one."""

    replay: ReplayRow
    counts: StepCounts
    steps: tuple[StepRow, ...]
    unlisted: int
    """Steps that are not identical and not in `steps`."""
    verification: VerificationRow | None = None
    checks: tuple[CheckRow, ...] = ()
    unlisted_checks: int = 0
    """Documents that are not back and not in `checks`."""

    @property
    def lost(self) -> int:
        """Writes that were recorded and cannot be replayed at all."""
        return int(sum(self.replay.plan.get("lost", {}).values()))

    @property
    def exit_code(self) -> int:
        """0 only when every planned step was answered as recorded, nothing was lost, and every document that was read
        back is restored."""
        if self.replay.state is not ReplayState.FINISHED or self.counts.pending or self.counts.sending:
            return STOPPED_EARLY
        found = self.verification
        if found is not None and not found.complete:
            return STOPPED_EARLY
        if self.counts.failed or self.counts.unknown or self.lost:
            return FAILURES
        if found is not None and (found.counts.missing or found.counts.unknown):
            return FAILURES
        if self.counts.different or (found is not None and found.counts.not_back):
            return DIFFERENCES
        return ALL_IDENTICAL

    @property
    def share_back(self) -> float | None:
        """The share of the documents looked for that are back, 0 to 1; None if nothing was looked for."""
        if self.verification is None or not self.verification.counts.total:
            return None
        return self.verification.counts.restored / self.verification.counts.total


def make_report(store: ReplayStore, replay: UUID, *, limit: int = 100) -> Report:
    """`limit` bounds the steps listed, and the documents. Raises NotFound."""
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
    verification = store.verification(replay)
    checks: list[CheckRow] = []
    for result in NOT_BACK if verification is not None else ():
        if len(checks) < limit:
            checks += store.checks(replay, results=[result], limit=limit - len(checks)).items
    return Report(
        *(row, counts, tuple(steps), max(0, not_identical - len(steps)), verification, tuple(checks)),
        unlisted_checks=0 if verification is None else max(0, verification.counts.not_back - len(checks)),
    )


def all_checks(store: ReplayStore, replay: UUID) -> Iterator[CheckRow]:
    """Every check in order, read page by page."""
    cursor: str | None = None
    while True:
        page = store.checks(replay, limit=PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def all_steps(store: ReplayStore, replay: UUID) -> Iterator[StepRow]:
    """Every step in order, read page by page."""
    cursor: str | None = None
    while True:
        page = store.steps(replay, limit=PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return
