"""What retention must know to decide: histories of documents, the journal, and what of each segment is still alive."""

from collections.abc import Collection, Iterator
from itertools import batched, groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exists, func, select, tuple_

from ...model import id_floor
from ..documents import Effect
from ..retention import History, HistoryLook, JournalEntry, Stored, StoredExchange, Weight
from ..rows import PayloadRow
from .dialect import CHUNK
from .document_schema import Document, LookRow
from .engine import Database
from .records import payload_row, segment_row, select_payloads, select_segments
from .schema import Exchange, Payload, Segment

_BATCH = 5000
_STORED = Exchange.request_length + func.coalesce(Exchange.response_length, 0)


def histories(database: Database, rules: Collection[str] | None) -> Iterator[History]:
    """In pages: a transaction held open for all of it would keep SQLite's WAL growing."""
    query = (
        select(
            *(LookRow.document_id, Document.destination, Document.key, Document.rule),
            *(LookRow.id, LookRow.at, LookRow.exchange_id, LookRow.effect, LookRow.starts),
            *(func.coalesce(Exchange.method, ""), func.coalesce(_STORED, 0)),
        )
        .join(Document, Document.id == LookRow.document_id)
        .outerjoin(Exchange, Exchange.id == LookRow.exchange_id)
        .order_by(LookRow.document_id, LookRow.id)
        .limit(_BATCH)
    )
    if rules is not None:
        query = query.where(Document.rule.in_(sorted(rules)))
    for (document, destination, key, rule), rows in groupby(_pages(database, query), key=lambda row: tuple(row[:4])):
        looks = tuple(
            HistoryLook(identifier, at, exchange, Effect(effect), starts, method, stored)
            for *_, identifier, at, exchange, effect, starts, method, stored in rows
        )
        yield History(document, destination, key, rule, looks)


def _pages(database: Database, query: Any) -> Iterator[Any]:
    after = None
    while True:
        behind = query if after is None else query.where(tuple_(LookRow.document_id, LookRow.id) > after)
        with database.reading() as connection:
            found = connection.execute(behind).all()
        yield from found
        if len(found) < _BATCH:
            return
        after = (found[-1][0], found[-1][4])


def journal(database: Database, rule: str, until: int) -> Iterator[JournalEntry]:
    columns = (Exchange.id, Exchange.started_at, Exchange.rule, Exchange.retention_class, Segment.key, _STORED)
    query = (
        select(*columns)
        .join(Segment, Segment.id == Exchange.segment_id)
        .where(Exchange.rule == rule, Exchange.id < id_floor(until), Exchange.started_at < until)
        .where(~exists().where(LookRow.exchange_id == Exchange.id))
        .order_by(Exchange.id)
        .limit(_BATCH)
    )
    after = None
    while True:
        with database.reading() as connection:
            behind = query if after is None else query.where(Exchange.id > after)
            found = [JournalEntry(*row) for row in connection.execute(behind)]
        yield from found
        if len(found) < _BATCH:
            return
        after = found[-1].id


def weights(database: Database, retention_class: str | None) -> Iterator[Weight]:
    alive = (
        select(Exchange.segment_id, func.count().label("count"), func.sum(_STORED).label("bytes"))
        .group_by(Exchange.segment_id)
        .subquery()
    )
    query = (
        select_segments()
        .add_columns(Segment.id, alive.c.count, alive.c.bytes)
        .outerjoin(alive, alive.c.segment_id == Segment.id)
        .order_by(Segment.key)
    )
    if retention_class is not None:
        query = query.where(Segment.retention_class == retention_class)
    with database.reading() as connection:
        found = connection.execute(query).all()
        for *values, identifier, count, alive_bytes in found:
            yield Weight(segment_row(values), count or 0, int(alive_bytes or 0) + _apart(connection, identifier))


def _apart(connection: Connection, segment: int) -> int:
    """Bytes of payloads that are known in the segment without an exchange of theirs."""
    offsets: set[int | None] = set()
    for pair in connection.execute(
        select(Exchange.request_offset, Exchange.response_offset).where(Exchange.segment_id == segment)
    ):
        offsets.update(pair)
    rows = connection.execute(select(Payload.offset, Payload.length).where(Payload.segment_id == segment))
    return sum(length for offset, length in rows if offset not in offsets)


def exchanges_of(database: Database, segment: str) -> Iterator[StoredExchange]:
    def side(name: str) -> Iterator[Any]:
        return (Exchange.__table__.c[f"{name}_{column}"] for column in ("size", "digest", "offset", "length"))

    query = (
        select(Exchange.id, Exchange.started_at, Exchange.rule, *side("request"), *side("response"))
        .where(Exchange.segment_id == select(Segment.id).where(Segment.key == segment).scalar_subquery())
        .order_by(Exchange.request_offset)
    )
    with database.reading() as connection:
        for found in connection.execution_options(yield_per=_BATCH).execute(query):
            request, response = Stored(*found[3:7]), Stored(*found[7:11]) if found[7] is not None else None
            yield StoredExchange(found[0], found[1], found[2], request, response)


def payloads_of(connection: Connection, segment: str) -> list[PayloadRow]:
    return [payload_row(found) for found in connection.execute(select_payloads().where(Segment.key == segment))]


def looks_of(connection: Connection, exchanges: Collection[UUID]) -> dict[UUID, set[UUID]]:
    found: dict[UUID, set[UUID]] = {}
    for chunk in batched(sorted(exchanges), CHUNK):
        query = select(LookRow.exchange_id, LookRow.id).where(LookRow.exchange_id.in_(chunk))
        for exchange, look in connection.execute(query):
            found.setdefault(exchange, set()).add(look)
    return found


def places(connection: Connection, exchanges: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    found: dict[UUID, tuple[str, str]] = {}
    for chunk in batched(sorted(exchanges), CHUNK):
        query = select(Exchange.id, Exchange.retention_class, Segment.key).join(
            Segment, Segment.id == Exchange.segment_id
        )
        for identifier, retention_class, key in connection.execute(query.where(Exchange.id.in_(chunk))):
            found[identifier] = (retention_class, key)
    return found
