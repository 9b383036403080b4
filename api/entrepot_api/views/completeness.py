"""Ledger entries and gaps as JSON: what proves that the capture is complete, and where it is not."""

from uuid import UUID

from pydantic import Field

from entrepot_store.catalog.rows import GapRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.model import LedgerEntry

from .base import Moment, View


class LedgerView(View):
    """Counts of one worker run. At rest `seen = stored + ignored + truncated + failed`."""

    worker: str
    at: Moment
    seen: int
    stored: int
    ignored: int
    truncated: int
    failed: int
    in_flight: int
    balanced: bool = Field(description="Every exchange seen is accounted for.")


class GapView(View):
    """A span of time in which captures of one worker are known to be lost. `missing` 0 is an unknown number."""

    id: UUID
    worker: str
    since: Moment
    until: Moment
    missing: int
    reason: str
    acknowledged_at: Moment | None
    acknowledged_by: str | None


def ledger_view(entry: LedgerEntry) -> LedgerView:
    return LedgerView(
        worker=entry.worker,
        at=to_rfc3339(entry.at),
        seen=entry.seen,
        stored=entry.stored,
        ignored=entry.ignored,
        truncated=entry.truncated,
        failed=entry.failed,
        in_flight=entry.in_flight,
        balanced=entry.balanced,
    )


def gap_view(row: GapRow) -> GapView:
    return GapView(
        id=row.id,
        worker=row.gap.worker,
        since=to_rfc3339(row.gap.since),
        until=to_rfc3339(row.gap.until),
        missing=row.gap.missing,
        reason=row.gap.reason,
        acknowledged_at=to_rfc3339(row.acknowledged_at) if row.acknowledged_at is not None else None,
        acknowledged_by=row.acknowledged_by,
    )
