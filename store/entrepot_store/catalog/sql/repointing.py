"""Lets a segment take the place of others, in the caller's transaction: every row that led into the old ones leads into
the new one, or nothing is changed.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, delete, func, select, text

from ...errors import Busy, Damaged
from ..retention import Replacement, StoredExchange
from . import schema
from .bulk import copy_rows
from .dialect import insert_into, is_sqlite, table_of, wait_for_turn
from .records import segment_columns
from .retention_schema import Due, Repacking, Superseded
from .shipping import add_payloads

_PLACES = ("id", "request_offset", "request_length", "response_offset", "response_length")


def replace_segments(connection: Connection, new: Replacement) -> bool:
    wait_for_turn(connection, "payloads")
    segments = table_of(schema.Segment).c
    if connection.execute(select(segments.id).where(segments.key == new.segment.key)).first() is not None:
        connection.execute(delete(Repacking).where(Repacking.key == new.segment.key))
        return False
    old = {
        row.id: row
        for key in new.replaces
        for row in connection.execute(
            select(segments.id, segments.key, segments.retention_class, segments.size).where(segments.key == key)
        )
    }
    known = {row.key for row in old.values()}
    pending = set(connection.execute(select(Superseded.key)).scalars())
    if missing := set(new.replaces) - known - pending:
        raise Busy(
            f"{min(missing)} is not in the catalog any more; another process has replaced it, or is rebuilding.",
            hint="Nothing was changed. Run it again.",
        )
    connection.execute(insert_into(connection, table_of(schema.Segment)), [segment_columns(new.segment)])
    identifier = connection.execute(select(segments.id).where(segments.key == new.segment.key)).scalar_one()
    _move_exchanges(connection, new.exchanges, identifier, sorted(old))
    _move_payloads(connection, new, {new.segment.key: identifier}, sorted(old))
    connection.execute(delete(schema.Segment).where(schema.Segment.id.in_(sorted(old))))
    connection.execute(delete(Due).where(Due.segment.in_(sorted(known))))
    rows = [
        {
            "key": row.key,
            "retention_class": row.retention_class,
            "size": row.size,
            "replaced_by": new.segment.key,
            "since": new.since,
        }
        for row in sorted(old.values(), key=attrgetter("key"))
    ]
    connection.execute(insert_into(connection, table_of(Superseded)).on_conflict_do_nothing(), rows)
    connection.execute(delete(Repacking).where(Repacking.key == new.segment.key))
    return True


def _move_exchanges(connection: Connection, rows: Sequence[StoredExchange], to: int, old: Sequence[int]) -> None:
    places = [
        (
            row.id.bytes if is_sqlite(connection) else row.id,
            *(row.request.offset, row.request.length),
            *((row.response.offset, row.response.length) if row.response else (None, None)),
        )
        for row in sorted(rows, key=lambda row: row.id.int)
    ]
    of_old = select(func.count()).select_from(schema.Exchange).where(schema.Exchange.segment_id.in_(old))
    known = connection.execute(of_old).scalar_one()
    numbers = ",".join(map(str, old))
    if is_sqlite(connection):
        if places:
            connection.exec_driver_sql(
                f"UPDATE exchanges SET segment_id = {to}, request_offset = ?2, request_length = ?3,"  # noqa: S608 - numbers
                f" response_offset = ?4, response_length = ?5 WHERE id = ?1 AND segment_id IN ({numbers})",
                places,
            )
    else:
        _stage(connection, places)
        moved = ", ".join(f"{name} = moved.{name}" for name in _PLACES[1:])
        connection.execute(
            text(
                f"UPDATE exchanges SET segment_id = {to}, {moved} FROM moved"  # noqa: S608 - numbers and our own names
                f" WHERE exchanges.id = moved.id AND exchanges.segment_id IN ({numbers})"
            )
        )
    left = connection.execute(of_old).scalar_one()
    if left or known != len(rows):
        raise Damaged(
            f"The segment that is to replace others has {len(rows)} exchanges; the catalog knows {known} in those,"
            f" of which it lacks {left}.",
            hint="Nothing was changed. Run it again: the catalog may have changed in between.",
        )


def _stage(connection: Connection, places: Sequence[tuple[Any, ...]]) -> None:
    columns = ", ".join(f"{name} bigint" for name in _PLACES[1:])
    connection.execute(text(f"CREATE TEMPORARY TABLE moved (id uuid PRIMARY KEY, {columns}) ON COMMIT DROP"))
    copy_rows(connection, "moved", places)


def _move_payloads(connection: Connection, new: Replacement, ids: dict[str, int], old: Sequence[int]) -> None:
    table = table_of(schema.Payload).c
    gone = set(connection.execute(select(table.digest).where(table.segment_id.in_(old))).scalars())
    if not gone <= {row.digest for row in new.payloads}:
        raise Damaged(
            "A payload that others refer to is not in the segment that is to replace its own.",
            hint="Nothing was changed. Run it again: an exchange may have come in between.",
        )
    connection.execute(delete(schema.Payload).where(schema.Payload.segment_id.in_(old)))
    add_payloads(connection, new.payloads, ids)
