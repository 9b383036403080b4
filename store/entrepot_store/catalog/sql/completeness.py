"""Ledger and gaps: what proxies said about their own completeness, and who took note of what is missing."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, delete, or_, select

from ...errors import NotFound
from ...model import Gap, LedgerEntry, derived_tail, exchange_id
from ..rows import GapRow
from . import schema
from .dialect import insert_into, table_of

_LEDGER = ("worker", "at", "seen", "stored", "ignored", "truncated", "failed", "in_flight")
_GAP = ("worker", "since", "until", "missing", "reason")


def gap_id(gap: Gap) -> UUID:
    """Made of the gap's content and of nothing else: a rebuild finds the same gap under the same id."""
    numbers = (gap.since, gap.until, gap.missing)
    tail = derived_tail(gap.worker.encode(), *(b"%d" % number for number in numbers), gap.reason.encode())
    return exchange_id(gap.since, tail)


def add_gaps(connection: Connection, gaps: Collection[Gap]) -> None:
    rows = {gap_id(gap): {name: getattr(gap, name) for name in _GAP} for gap in gaps}
    if rows:
        connection.execute(
            insert_into(connection, table_of(schema.Gap)).on_conflict_do_nothing(),
            [{"id": identifier, **rows[identifier]} for identifier in sorted(rows)],
        )


def remove_gap(connection: Connection, gap: Gap) -> None:
    connection.execute(delete(schema.Gap).where(schema.Gap.id == gap_id(gap)))


def gaps(connection: Connection, acknowledged: bool | None) -> list[GapRow]:
    taken = schema.GapAcknowledgement
    query = _select_gaps().order_by(schema.Gap.since, schema.Gap.id)
    if acknowledged is not None:
        query = query.where(taken.gap_id.is_not(None) if acknowledged else taken.gap_id.is_(None))
    return [_gap_row(found) for found in connection.execute(query)]


def acknowledge_gap(connection: Connection, identifier: UUID, by: str, at: int) -> GapRow:
    query = _select_gaps().where(schema.Gap.id == identifier)
    if connection.execute(query).first() is None:
        raise NotFound(f"There is no gap {identifier}.", hint="`entrepot gaps --all` lists them.")
    connection.execute(
        insert_into(connection, table_of(schema.GapAcknowledgement))
        .values(gap_id=identifier, acknowledged_at=at, acknowledged_by=by)
        .on_conflict_do_nothing()
    )
    return _gap_row(connection.execute(query).one())


def note_ledger(connection: Connection, entry: LedgerEntry) -> None:
    """Keeps the later of two entries of a worker: spool files may be committed in any order. Its counts only grow, so
    they tell which is later; its clock may have been set back."""
    insert = insert_into(connection, table_of(schema.Ledger)).values({name: getattr(entry, name) for name in _LEDGER})
    new, old = insert.excluded, table_of(schema.Ledger).c
    settled = [entry.stored + entry.ignored + entry.truncated + entry.failed for entry in (new, old)]
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[old.worker],
            set_={name: new[name] for name in _LEDGER[1:]},
            where=or_(
                new.seen > old.seen,
                and_(new.seen == old.seen, settled[0] > settled[1]),
                and_(new.seen == old.seen, settled[0] == settled[1], new.at > old.at),
            ),
        )
    )


def ledger(connection: Connection) -> list[LedgerEntry]:
    table = table_of(schema.Ledger).c
    query = select(*(table[name] for name in _LEDGER)).order_by(table.worker)
    return [LedgerEntry(**found._mapping) for found in connection.execute(query)]


def _select_gaps() -> Any:
    gap, taken = schema.Gap, schema.GapAcknowledgement
    return select(
        gap.id, gap.worker, gap.since, gap.until, gap.missing, gap.reason, taken.acknowledged_at, taken.acknowledged_by
    ).outerjoin(taken, taken.gap_id == gap.id)


def _gap_row(found: Any) -> GapRow:
    identifier, worker, since, until, missing, reason, at, by = found
    return GapRow(identifier, Gap(worker, since, until, missing, reason), at, by)
