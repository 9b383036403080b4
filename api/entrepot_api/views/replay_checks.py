"""Verification after a replay as JSON."""

from uuid import UUID

from pydantic import Field

from entrepot_store.catalog.replay_checks import CheckRow, VerificationRow
from entrepot_store.clock import to_rfc3339

from .base import Moment, View
from .replay_difference import DifferenceView, difference_view


class CheckCountsView(View):
    """Documents by what became of them."""

    restored: int = Field(ge=0)
    differs: int = Field(ge=0)
    missing: int = Field(ge=0)
    extra: int = Field(ge=0, description="There, and should not be.")
    unknown: int = Field(ge=0, description="It could not be told.")


class VerificationView(View):
    """The latest verification of a replay."""

    as_of: Moment = Field(description="The moment whose state was looked for.")
    expected: int = Field(ge=0, description="Documents to ask for; items of lists are counted beyond them.")
    complete: bool
    reason: str = Field(description="Why it ended early.")
    counts: CheckCountsView
    share_back: float | None = Field(description="Share of the documents that are restored, 0 to 1.")
    started_at: Moment
    ended_at: Moment | None = Field(description="None while it is under way, or if it was killed.")


class CheckView(View):
    """What became of one document, or of one item of a list (`place`)."""

    number: int
    path: str = Field(description="Path and query as recorded.")
    place: str
    result: str = Field(description="restored, differs, missing, extra or unknown.")
    reason: str
    asked: str = Field(description="What the target was asked for.")
    evidence: str = Field(description="What tells how the document was.")
    exchange: UUID | None
    at: Moment | None = Field(description="When it was so.")
    recorded_status: int | None
    live_status: int | None
    differences: list[DifferenceView]
    more_differences: int = Field(ge=0)


def verification_view(row: VerificationRow) -> VerificationView:
    counts = row.counts
    return VerificationView(
        as_of=to_rfc3339(row.as_of),
        expected=row.expected,
        complete=row.complete,
        reason=row.reason,
        counts=CheckCountsView(
            restored=counts.restored,
            differs=counts.differs,
            missing=counts.missing,
            extra=counts.extra,
            unknown=counts.unknown,
        ),
        share_back=counts.restored / counts.total if counts.total else None,
        started_at=to_rfc3339(row.started_at),
        ended_at=None if row.ended_at is None else to_rfc3339(row.ended_at),
    )


def check_view(row: CheckRow) -> CheckView:
    return CheckView(
        number=row.number,
        path=row.path,
        place=row.place,
        result=row.result.value,
        reason=row.reason,
        asked=row.asked,
        evidence=row.evidence,
        exchange=row.exchange,
        at=None if row.at is None else to_rfc3339(row.at),
        recorded_status=row.recorded_status,
        live_status=row.live_status,
        differences=[difference_view(one) for one in row.differences],
        more_differences=row.more_differences,
    )
