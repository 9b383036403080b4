"""Commits what a spool file brought, in the caller's transaction.

Rows are always written in the order of their keys and the tables in one order, so that two shippers on PostgreSQL
wait for each other and never deadlock.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import batched
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, case, select, text

from ..rows import ExchangeRow, PayloadGone, PayloadRow, Shipment
from . import schema
from .bulk import insert_rows
from .completeness import add_gaps, note_ledger
from .dialect import CHUNK, insert_into, is_sqlite, table_of, wait_for_turn
from .fields import add_fields
from .flow_counts import add_flows
from .looks import add_looks
from .records import exchange_values, payload_row, payload_values, segment_columns, select_payloads


def commit_shipment(connection: Connection, shipment: Shipment) -> bool:
    shipments = table_of(schema.Shipment)
    # On PostgreSQL this waits for another transaction that is committing the same spool file.
    first = insert_into(connection, shipments).values(spool=shipment.spool).on_conflict_do_nothing()
    if connection.execute(first.returning(shipments.c.spool)).first() is None:
        return False
    add_contents(connection, shipment)
    _check_references(connection, shipment)
    return True


def add_contents(connection: Connection, shipment: Shipment) -> None:
    """All of a shipment but that it was shipped. What is there already stays as it is."""
    segment_ids = _add_segments(connection, shipment)
    added = _add_exchanges(connection, shipment.exchanges, segment_ids)
    add_payloads(connection, shipment.payloads, segment_ids)
    for entry in (shipment.ledger, *shipment.others):
        if entry is not None:
            note_ledger(connection, entry)
    add_gaps(connection, shipment.gaps)
    if shipment.looks:
        new = {row.id for row in added}
        add_looks(connection, [look for look in shipment.looks if look.exchange in new])
    if shipment.fields:
        new = {row.id for row in added}
        add_fields(connection, [row for row in shipment.fields if row.exchange in new])
    add_flows(connection, added)
    _count_products(connection, added)


def _check_references(connection: Connection, shipment: Shipment) -> None:
    """A payload may have been forgotten between the moment a segment was written that refers to it and now; from here
    to the end of this transaction none is."""
    if not shipment.refers_to:
        return
    wait_for_turn(connection, "payloads")
    by_class: defaultdict[str, set[bytes]] = defaultdict(set)
    for retention_class, digest in shipment.refers_to:
        by_class[retention_class].add(digest)
    for retention_class, digests in by_class.items():
        known = {digest for digest, _ in known_payloads(connection, retention_class, digests)}
        if gone := digests - known:
            raise PayloadGone(f"Class {retention_class} holds no payload sha256:{min(gone).hex()} any more.")


def is_shipped(connection: Connection, spool: str) -> bool:
    return connection.execute(select(1).where(schema.Shipment.spool == spool)).first() is not None


def known_payloads(
    connection: Connection, retention_class: str, digests: Collection[bytes]
) -> Iterator[tuple[bytes, PayloadRow]]:
    for chunk in batched(digests, CHUNK):
        found = connection.execute(
            select_payloads().where(schema.Payload.retention_class == retention_class, schema.Payload.digest.in_(chunk))
        )
        for row in map(payload_row, found):
            yield row.digest, row


def known_exchanges(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    known: set[UUID] = set()
    for chunk in batched(ids, CHUNK):
        known.update(connection.execute(select(schema.Exchange.id).where(schema.Exchange.id.in_(chunk))).scalars())
    return known


def _add_segments(connection: Connection, shipment: Shipment) -> dict[str, int]:
    """Adds the segments that are new, and finds the ids of all that the shipment speaks of."""
    segments = table_of(schema.Segment)
    rows = [segment_columns(row) for row in sorted(shipment.segments, key=attrgetter("key"))]
    if rows:
        connection.execute(insert_into(connection, segments).on_conflict_do_nothing(), rows)
    keys = {row.key for row in shipment.segments}
    keys.update(row.segment for row in shipment.exchanges)
    keys.update(row.segment for row in shipment.payloads)
    ids: dict[str, int] = {}
    for chunk in batched(sorted(keys), CHUNK):
        found = connection.execute(select(segments.c.key, segments.c.id).where(segments.c.key.in_(chunk)))
        ids.update((key, identifier) for key, identifier in found)
    return ids


def _add_exchanges(
    connection: Connection, exchanges: Sequence[ExchangeRow], segment_ids: dict[str, int]
) -> list[ExchangeRow]:
    """Adds those whose id is new, and returns them."""
    rows = {row.id: row for row in reversed(exchanges)}  # the first of two with one id wins
    on_sqlite = is_sqlite(connection)
    if on_sqlite:
        # This transaction is the only writer, so what is not known now is new; PostgreSQL tells afterwards.
        for identifier in known_exchanges(connection, rows):
            del rows[identifier]
    if not rows:
        return []
    values = [
        exchange_values(row, segment_ids, binary_ids=on_sqlite)
        for row in sorted(rows.values(), key=lambda row: row.id.int)
    ]
    added = insert_rows(
        connection, table_of(schema.Exchange), values, lambda insert: insert.on_conflict_do_nothing(), returning="id"
    )
    return list(rows.values()) if on_sqlite else [rows[identifier] for identifier in added]


def add_payloads(connection: Connection, payloads: Sequence[PayloadRow], segment_ids: dict[str, int]) -> None:
    """A payload that two shippers stored at the same time keeps the place whose segment comes first by key: the
    outcome must not depend on who committed first, or a rebuilt catalog would differ."""
    first: dict[tuple[str, bytes], PayloadRow] = {}
    for row in payloads:
        place = (row.retention_class, row.digest)
        if place not in first or (row.segment, row.offset) < (first[place].segment, first[place].offset):
            first[place] = row
    if not first:
        return
    # The comparison below must see the segments of every payload that is there, also of those committed just now.
    wait_for_turn(connection, "payloads")
    table = table_of(schema.Payload)
    on_sqlite = is_sqlite(connection)
    values = [payload_values(first[place], segment_ids, binary_ids=on_sqlite) for place in sorted(first)]
    insert_rows(connection, table, values, _first_place)


def _first_place(insert: Any) -> Any:
    old = table_of(schema.Payload).c
    return insert.on_conflict_do_update(
        index_elements=[old.retention_class, old.digest],
        set_={name: insert.excluded[name] for name in ("size", "record_id", "segment_id", "offset", "length")},
        # As text: SQLAlchemy takes the outer tables into these subqueries, as nothing of a SELECT is around them.
        where=text(
            "(SELECT key FROM segments WHERE id = excluded.segment_id)"
            " < (SELECT key FROM segments WHERE id = payloads.segment_id)"
            ' OR excluded.segment_id = payloads.segment_id AND excluded."offset" < payloads."offset"'
        ),
    )


def _count_products(connection: Connection, added: Sequence[ExchangeRow]) -> None:
    totals: defaultdict[str, dict[str, int]] = defaultdict(
        lambda: {"as_source": 0, "as_destination": 0, "first_seen": 1 << 62, "last_seen": -(1 << 62)}
    )
    for row in added:
        for name, role in ((row.source, "as_source"), (row.destination, "as_destination")):
            total = totals[name]
            total[role] += 1
            total["first_seen"] = min(total["first_seen"], row.started_at)
            total["last_seen"] = max(total["last_seen"], row.started_at)
    if not totals:
        return
    table = table_of(schema.Product)
    insert = insert_into(connection, table)
    new, old = insert.excluded, table.c
    statement = insert.on_conflict_do_update(
        index_elements=[old.name],
        set_={
            "as_source": old.as_source + new.as_source,
            "as_destination": old.as_destination + new.as_destination,
            "first_seen": case((new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen),
            "last_seen": case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen),
        },
    )
    # The last statement, because its rows are the ones that every other shipper waits for.
    connection.execute(statement, [{"name": name, **totals[name]} for name in sorted(totals)])
