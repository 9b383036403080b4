"""Takes exchanges out of the catalog, with all that stands on them, in the caller's transaction.

A payload is known as long as an exchange of its class refers to it, whoever brought it: that is what a rebuild finds as
well (`sweep_payloads`), and what tells a repacking which payloads to keep.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import batched
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, select, text, update

from ...model import id_floor, id_micros
from . import schema
from .dialect import CHUNK, is_sqlite, table_of, wait_for_turn
from .document_schema import LookRow
from .field_schema import Field
from .looks import recount

_LEEWAY = 3000
"""Microseconds by which two ids may be out of the order of their exchanges' starts, and then some."""


def remove_exchanges(connection: Connection, identifiers: Collection[UUID]) -> int:
    """Returns how many of them there were."""
    found = _found(connection, identifiers)
    if not found:
        return 0
    ids = [row.id for row in found]
    for chunk in batched(ids, CHUNK):
        connection.execute(delete(Field).where(Field.exchange_id.in_(chunk)))
        connection.execute(delete(schema.Exchange).where(schema.Exchange.id.in_(chunk)))
    wait_for_turn(connection, "payloads")
    sweep_payloads(
        connection,
        {
            (row.retention_class, digest)
            for row in found
            for digest in (row.request_digest, row.response_digest)
            if digest is not None
        },
    )
    forget_looks(connection, ids)
    _uncount_products(connection, found)
    return len(found)


def forget_looks(connection: Connection, exchanges: Collection[UUID]) -> None:
    """All that these exchanges said about documents."""
    wait_for_turn(connection, "documents")
    documents: set[UUID] = set()
    for chunk in batched(sorted(exchanges), CHUNK):
        of_them = LookRow.exchange_id.in_(chunk)
        documents.update(connection.execute(select(LookRow.document_id).where(of_them).distinct()).scalars())
        connection.execute(delete(LookRow).where(of_them))
    recount(connection, documents)


def sweep_payloads(connection: Connection, candidates: Collection[tuple[str, bytes]] | None = None) -> set[str]:
    """Forgets those of the payloads (None: all) that no exchange of their class refers to; returns the keys of the
    segments that hold them."""
    connection.execute(text(f"CREATE TEMPORARY TABLE unreferenced ({_key(connection)}){_end(connection)}"))
    table = "unreferenced (retention_class, digest)"
    if candidates is None:
        connection.execute(text(f"INSERT INTO {table} SELECT retention_class, digest FROM payloads"))  # noqa: S608 - as below
    else:
        rows = [{"retention_class": name, "digest": digest} for name, digest in sorted(candidates)]
        for chunk in batched(rows, 10 * CHUNK):
            connection.execute(text(f"INSERT INTO {table} VALUES (:retention_class, :digest)"), chunk)  # noqa: S608 - our own names
    for side in ("request", "response"):
        # One pass over the exchanges, however few candidates there are: no index leads from digests to exchanges.
        connection.execute(
            text(
                "DELETE FROM unreferenced WHERE (retention_class, digest) IN (SELECT u.retention_class, u.digest"  # noqa: S608 - our own names
                f" FROM exchanges e CROSS JOIN unreferenced u WHERE u.retention_class = e.retention_class"
                f" AND u.digest = e.{side}_digest)"
            )
        )
    of_them = "(retention_class, digest) IN (SELECT retention_class, digest FROM unreferenced)"
    held = connection.execute(
        text(f"SELECT key FROM segments WHERE id IN (SELECT segment_id FROM payloads WHERE {of_them})")  # noqa: S608 - as above
    )
    segments = set(held.scalars())
    connection.execute(text(f"DELETE FROM payloads WHERE {of_them}"))  # noqa: S608 - as above
    connection.execute(text("DROP TABLE unreferenced"))
    return segments


def _key(connection: Connection) -> str:
    kind, binary = ("TEXT", "BLOB") if is_sqlite(connection) else ('TEXT COLLATE "C"', "BYTEA")
    return f"retention_class {kind} NOT NULL, digest {binary} NOT NULL, PRIMARY KEY (retention_class, digest)"


def _end(connection: Connection) -> str:
    return " WITHOUT ROWID" if is_sqlite(connection) else ""


def _found(connection: Connection, identifiers: Collection[UUID]) -> list[Any]:
    table = table_of(schema.Exchange).c
    columns = (table.id, table.source, table.destination, table.retention_class)
    found: list[Any] = []
    for chunk in batched(sorted(identifiers), CHUNK):
        query = select(*columns, table.request_digest, table.response_digest).where(table.id.in_(chunk))
        found.extend(connection.execute(query))
    return found


def _uncount_products(connection: Connection, removed: Sequence[Any]) -> None:
    """What a rebuild would count: the totals without these, and the first and last of those that stay."""
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in removed:
        totals[row.source][0] += 1
        totals[row.destination][1] += 1
    product = table_of(schema.Product)
    for name in sorted(totals):
        of_it = product.c.name == name
        first, last = _bounds(connection, name, newest=False), _bounds(connection, name, newest=True)
        if first is None or last is None:
            connection.execute(delete(product).where(of_it))
            continue
        as_source, as_destination = totals[name]
        connection.execute(
            update(product)
            .where(of_it)
            .values(
                as_source=product.c.as_source - as_source,
                as_destination=product.c.as_destination - as_destination,
                first_seen=first,
                last_seen=last,
            )
        )


def _bounds(connection: Connection, name: str, *, newest: bool) -> int | None:
    """When the first or the newest exchange of a product started; None without any. Along the index: ids are in the
    order of time but for a millisecond that imports are granted."""
    table = table_of(schema.Exchange).c
    found = []
    for column in (table.source, table.destination):
        query = select(table.id).where(column == name).order_by(table.id.desc() if newest else table.id).limit(1)
        end = connection.execute(query).scalar()
        if end is None:
            continue
        micros = id_micros(end)
        near = table.id >= id_floor(micros - _LEEWAY) if newest else table.id <= id_floor(micros + _LEEWAY)
        bound = func.max(table.started_at) if newest else func.min(table.started_at)
        found.append(connection.execute(select(bound).where(column == name, near)).scalar_one())
    return (max if newest else min)(found, default=None)
