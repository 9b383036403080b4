"""Answers questions about exchanges, payloads, products and segments, in pages that cost the same at any depth."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from ...errors import BadInput, NotFound
from ..filters import ExchangeFilter, Order
from ..rows import ExchangeRow, Page, PayloadRow, ProductRow, SegmentRow
from . import schema
from .cursor import make_cursor, read_cursor
from .dialect import is_sqlite
from .field_schema import Field
from .fields import field_conditions
from .plan import Index, Walk, walks
from .prefix import begins_with
from .records import (
    exchange_row,
    payload_row,
    segment_row,
    select_exchanges,
    select_payloads,
    select_segments,
)
from .where import Columns, conditions, hiding, path_template, plain

MAX_LIMIT = 10_000


def exchange(connection: Connection, identifier: UUID) -> ExchangeRow:
    found = connection.execute(select_exchanges().where(schema.Exchange.id == identifier)).first()
    if found is None:
        raise NotFound(f"There is no exchange {identifier}.", hint="`entrepot exchanges` lists them.")
    return exchange_row(found)


def exchanges(
    connection: Connection, where: ExchangeFilter, limit: int, cursor: str | None, order: Order
) -> Page[ExchangeRow]:
    if not 1 <= limit <= MAX_LIMIT:
        raise BadInput(f"limit is {limit}; a page holds 1 to {MAX_LIMIT} exchanges.")
    listing = f"exchanges {order.value} {where!r}"
    after = None if cursor is None else read_cursor(listing, cursor)
    items = page(connection, where, limit + 1, after, order)
    more = len(items) > limit
    return Page(items[:limit], make_cursor(listing, items[limit - 1].id) if more else None)


def page(
    connection: Connection, where: ExchangeFilter, limit: int, after: UUID | None, order: Order
) -> list[ExchangeRow]:
    """At most `limit` matching exchanges behind `after` (None: from the beginning)."""
    found = [row for walk in walks(connection, where) for row in _walk(connection, walk, limit, after, order)]
    found.sort(key=lambda row: row.id.int, reverse=order is Order.NEWEST)
    return found[:limit]


def _walk(connection: Connection, walk: Walk, limit: int, after: UUID | None, order: Order) -> list[ExchangeRow]:
    column = _columns(connection, walk.index)
    identifier: Any = column("id")
    query = select_exchanges().where(*conditions(walk.where, column)).limit(limit)
    if walk.field is not None:
        query = query.join(Field, Field.exchange_id == schema.Exchange.id).where(*field_conditions(walk.field))
        identifier = Field.exchange_id
    query = query.order_by(identifier if order is Order.OLDEST else identifier.desc())
    template = None if walk.where.path_template is None else path_template(walk.where.path_template)
    items: list[ExchangeRow] = []
    while len(items) < limit:
        behind = query
        if after is not None:
            behind = query.where(identifier > after if order is Order.OLDEST else identifier < after)
        found = [exchange_row(row) for row in connection.execute(behind)]
        items.extend(row for row in found if template is None or template.matches(row.path))
        if len(found) < limit:
            break
        after = found[-1].id
    return items[:limit]


def _columns(connection: Connection, index: Index) -> Columns:
    """On SQLite only the column of the chosen index is in sight; see `plan`."""
    if not is_sqlite(connection):
        return plain
    served = {"path"} if index is Index.PATH_RANGE else {"id", index.value}
    return hiding(*({"id", "source", "destination", "path", "trace_id"} - served))


def count(connection: Connection, where: ExchangeFilter) -> int:
    if where.path_template is None:
        query = select(func.count()).select_from(schema.Exchange).where(*conditions(where))
        return connection.execute(query).scalar_one()
    template, paths = path_template(where.path_template), schema.Exchange.path
    found = connection.execute(select(paths, func.count()).where(*conditions(where)).group_by(paths))
    return sum(number for path, number in found if template.matches(path))


def payload(connection: Connection, retention_class: str, digest: bytes) -> PayloadRow:
    table = schema.Payload
    query = select_payloads().where(table.retention_class == retention_class, table.digest == digest)
    found = connection.execute(query).first()
    if found is None:
        raise NotFound(f"Class {retention_class} holds no payload sha256:{digest.hex()}.")
    return payload_row(found)


def products(connection: Connection) -> list[ProductRow]:
    table = schema.Product
    query = select(table.name, table.as_source, table.as_destination, table.first_seen, table.last_seen)
    return [ProductRow(*found) for found in connection.execute(query.order_by(table.name))]


def segment(connection: Connection, key: str) -> SegmentRow:
    found = connection.execute(select_segments().where(schema.Segment.key == key)).first()
    if found is None:
        raise NotFound(f"The catalog knows no segment {key}.")
    return segment_row(found)


def segments(connection: Connection, prefix: str, after: str, limit: int) -> list[SegmentRow]:
    """At most `limit` of them behind the key `after`."""
    key = schema.Segment.key
    query = select_segments().where(key > after).order_by(key).limit(limit)
    if prefix:
        query = query.where(begins_with(key, prefix))
    return [segment_row(found) for found in connection.execute(query)]
