"""Answers questions about exchanges, payloads, products and segments, in pages that cost the same at any depth."""

from uuid import UUID

from sqlalchemy import Connection, func, select

from ...errors import BadInput, NotFound
from ..filters import ExchangeFilter, Order
from ..rows import ExchangeRow, Page, PayloadRow, ProductRow, SegmentRow
from . import schema
from .cursor import make_cursor, read_cursor
from .records import (
    exchange_row,
    payload_row,
    segment_row,
    select_exchanges,
    select_payloads,
    select_segments,
)
from .where import begins_with, conditions, path_template

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
    template = None if where.path_template is None else path_template(where.path_template)
    identifier = schema.Exchange.id
    query = select_exchanges().where(*conditions(where)).limit(limit)
    query = query.order_by(identifier if order is Order.OLDEST else identifier.desc())
    items: list[ExchangeRow] = []
    while len(items) < limit:
        behind = query
        if after is not None:
            behind = query.where(identifier > after if order is Order.OLDEST else identifier < after)
        found = connection.execute(behind).all()
        items.extend(exchange_row(row) for row in found if template is None or template.matches(row.path))
        if len(found) < limit:
            break
        after = found[-1].id
    return items[:limit]


def count(connection: Connection, where: ExchangeFilter) -> int:
    if where.path_template is None:
        query = select(func.count()).select_from(schema.Exchange).where(*conditions(where))
        return connection.execute(query).scalar_one()
    template = path_template(where.path_template)
    paths = schema.Exchange.path
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
