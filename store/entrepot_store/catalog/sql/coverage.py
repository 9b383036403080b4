"""The CoverageCatalog port on SQL, in the catalog's database. `flow_counts` fills flows and samples with every
shipment; here is what reads them, and what notes that somebody looked.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from itertools import batched
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, delete, func, select, update

from ...coverage.tally import Tally, merge_values, tally
from ...errors import NotFound
from ..coverage import EventCounts, EventRow, FlowRow, PathRow, SampleRow
from .coverage_schema import Event, Flow, FlowPath, FlowSample, FlowSchema
from .dialect import CHUNK, insert_into, table_of, wait_for_turn
from .engine import Database
from .flow_counts import store_tally
from .records import exchange_row, select_exchanges
from .schema import Exchange, Product

_BATCH = 1000
_NONE = b""
"""The shape of what has none."""
_FLOW = (
    *(Flow.destination, Flow.source, Flow.method, FlowPath.path, Flow.status, Flow.media_type, Flow.rule, Flow.action),
    *(Flow.exchanges, Flow.request_bytes, Flow.response_bytes, Flow.first_seen, Flow.last_seen),
)
_SAMPLE = (
    *(FlowSample.id, FlowPath.destination, FlowPath.path, FlowSample.method, FlowSample.hour, FlowSample.exchange_id),
    *(FlowSample.request_shape, FlowSample.response_shape),
)


class SqlCoverage:
    """Coverage in the database of a SqlCatalog, which owns the connections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def destinations(self) -> list[str]:
        with self._database.reading() as connection:
            return list(connection.execute(select(Flow.destination).distinct().order_by(Flow.destination)).scalars())

    def flows(self, destination: str) -> list[FlowRow]:
        query = _select_flows().where(Flow.destination == destination).order_by(Flow.id)
        with self._database.reading() as connection:
            return [_flow_row(found) for found in connection.execute(query)]

    def paths(self, destination: str) -> list[PathRow]:
        query = select(FlowPath.path, FlowPath.seen_values).where(FlowPath.destination == destination)
        found: dict[str, list[str | None]] = {}
        with self._database.reading() as connection:
            for path, text in connection.execute(query.order_by(FlowPath.id)):
                values: list[str | None] = json.loads(text)
                merge_values(found.setdefault(path, values), values)
        return [PathRow(path, tuple(values)) for path, values in sorted(found.items())]

    def samples(self, destination: str) -> list[SampleRow]:
        query = _select_samples().where(FlowPath.destination == destination, FlowSample.request_shape.is_not(None))
        with self._database.reading() as connection:
            return [SampleRow(*found) for found in connection.execute(query.order_by(FlowSample.hour, FlowSample.id))]

    def schemas(self, digests: Collection[bytes]) -> Mapping[bytes, str]:
        schemas: dict[bytes, str] = {}
        with self._database.reading() as connection:
            for chunk in batched(sorted(digests), CHUNK):
                query = select(FlowSchema.digest, FlowSchema.document).where(FlowSchema.digest.in_(chunk))
                schemas.update((digest, document) for digest, document in connection.execute(query))
        return schemas

    # What is new

    def news(self, limit: int) -> list[tuple[UUID, FlowRow]]:
        query = _select_flows().add_columns(Flow.id).where(Flow.news).order_by(Flow.id).limit(limit)
        with self._database.reading() as connection:
            return [(found[-1], _flow_row(found[:-1])) for found in connection.execute(query)]

    def noticed(self, flows: Collection[UUID], events: Sequence[EventRow]) -> list[EventRow]:
        with self._database.writing() as connection:
            for chunk in batched(sorted(flows), CHUNK):
                connection.execute(update(Flow).where(Flow.id.in_(chunk)).values(news=False))
            return [event for event in sorted(events, key=lambda event: event.id) if _add_event(connection, event)]

    def unread_samples(self, limit: int) -> list[SampleRow]:
        query = _select_samples().where(FlowSample.request_shape.is_(None)).order_by(FlowSample.hour).limit(limit)
        with self._database.reading() as connection:
            return [SampleRow(*found) for found in connection.execute(query)]

    def read_sample(self, sample: SampleRow, request: str | None, response: str | None) -> bool:
        with self._database.writing() as connection:
            wait_for_turn(connection, "flows")  # a recount forgets schemas that nobody refers to
            shapes = [_add_schema(connection, text) for text in (request, response)]
            noted = connection.execute(
                update(FlowSample)
                .where(FlowSample.id == sample.id, FlowSample.exchange_id == sample.exchange)
                .values(request_shape=shapes[0], response_shape=shapes[1])
            )
            return noted.rowcount > 0

    def earlier_samples(self, sample: SampleRow, limit: int) -> list[SampleRow]:
        the_path = select(FlowSample.path_id).where(FlowSample.id == sample.id).scalar_subquery()
        query = (
            _select_samples()
            .where(FlowSample.path_id == the_path, FlowSample.method == sample.method)
            .where(FlowSample.hour <= sample.hour, FlowSample.request_shape.is_not(None))
            .order_by(FlowSample.hour.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [SampleRow(*found) for found in connection.execute(query)][::-1]

    # Delivery

    def claim_events(self, now: int, until: int, limit: int) -> list[EventRow]:
        with self._database.writing() as connection:
            # Two that claim at once must not get the same events; a claim is short.
            wait_for_turn(connection, "events")
            due = select(*Event.__table__.c).where(Event.due_at <= now).order_by(Event.due_at, Event.id).limit(limit)
            events = [_event_row(found) for found in connection.execute(due)]
            claimed = update(Event).where(Event.id.in_([event.id for event in events]))
            connection.execute(claimed.values(due_at=until, attempts=Event.attempts + 1))
            return events

    def settle_event(self, event: UUID, *, delivered_at: int | None, due_at: int | None, error: str = "") -> None:
        with self._database.writing() as connection:
            settled = update(Event).where(Event.id == event)
            connection.execute(settled.values(delivered_at=delivered_at, due_at=due_at, last_error=error))

    def event(self, identifier: UUID) -> EventRow:
        with self._database.reading() as connection:
            found = connection.execute(select(*Event.__table__.c).where(Event.id == identifier)).first()
        if found is None:
            raise NotFound(f"There is no event {identifier}.")
        return _event_row(found)

    def event_counts(self) -> EventCounts:
        by_kind = select(Event.kind, func.count()).group_by(Event.kind)
        open_ended = Event.due_at.is_(None) & Event.delivered_at.is_(None) & (Event.attempts > 0)
        with self._database.reading() as connection:
            raised = {kind: int(number) for kind, number in connection.execute(by_kind)}
            waiting = connection.execute(select(func.count()).where(Event.due_at.is_not(None))).scalar_one()
            given_up = connection.execute(select(func.count()).where(open_ended)).scalar_one()
        return EventCounts(raised, waiting, given_up)

    def flow_counts(self) -> Mapping[str, int]:
        distinct = (
            select(Flow.path_id, Flow.source, Flow.method, Flow.action)
            .join(FlowPath, FlowPath.id == Flow.path_id)
            .where(FlowPath.answered)
            .distinct()
            .subquery()
        )
        with self._database.reading() as connection:
            counted = connection.execute(select(distinct.c.action, func.count()).group_by(distinct.c.action))
            return {action: int(number) for action, number in counted}

    def recount(self, destinations: Collection[str]) -> None:
        with self._database.writing() as connection:
            recount(connection, destinations)


def overcounted(connection: Connection) -> list[str]:
    """Destinations of which flows count other numbers of exchanges than there are: some were removed since."""
    there = select(Product.name, Product.as_destination).where(Product.as_destination > 0)
    counted = select(Flow.destination, func.sum(Flow.exchanges)).group_by(Flow.destination)
    present = {name: int(number) for name, number in connection.execute(there)}
    flows = {name: int(number) for name, number in connection.execute(counted)}
    return sorted(name for name, number in flows.items() if present.get(name) != number)


def recount(connection: Connection, destinations: Collection[str]) -> None:
    """As `SqlCoverage.recount`, in the caller's transaction. What was noticed and looked at stays so."""
    wait_for_turn(connection, "flows")
    found = Tally()
    noticed: list[UUID] = []
    looked_at: list[Any] = []
    for destination in sorted(destinations):
        paths = select(FlowPath.id).where(FlowPath.destination == destination)
        flows, samples = Flow.destination == destination, FlowSample.path_id.in_(paths)
        noticed.extend(connection.execute(select(Flow.id).where(flows, ~Flow.news)).scalars())
        read = FlowSample.request_shape.is_not(None)
        looked_at.extend(connection.execute(select(*FlowSample.__table__.c).where(samples, read)))
        connection.execute(delete(Flow).where(flows))
        connection.execute(delete(FlowSample).where(samples))
        connection.execute(delete(FlowPath).where(FlowPath.destination == destination))
        _add_all(connection, destination, found)
    if found.flows:
        store_tally(connection, found)
    for chunk in batched(noticed, CHUNK):
        connection.execute(update(Flow).where(Flow.id.in_(chunk)).values(news=False))
    for sample in looked_at:
        the_same = FlowSample.id == sample.id, FlowSample.exchange_id == sample.exchange_id
        shapes = {"request_shape": sample.request_shape, "response_shape": sample.response_shape}
        connection.execute(update(FlowSample).where(*the_same).values(shapes))
    _forget_schemas(connection)


def _forget_schemas(connection: Connection) -> None:
    """Those of which there is no sample any more: the names of fields are content, too."""
    referred = select(1).where(
        (FlowSample.request_shape == FlowSchema.digest) | (FlowSample.response_shape == FlowSchema.digest)
    )
    connection.execute(delete(FlowSchema).where(~referred.exists()))


def _add_all(connection: Connection, destination: str, found: Tally) -> None:
    """Tallies every exchange with a destination, a batch at a time."""
    after: UUID | None = None
    while True:
        query = select_exchanges().where(Exchange.destination == destination).order_by(Exchange.id).limit(_BATCH)
        if after is not None:
            query = query.where(Exchange.id > after)
        rows = [exchange_row(row) for row in connection.execute(query)]
        found.add(tally(rows))
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def _select_flows() -> Select[Any]:
    columns: tuple[Any, ...] = _FLOW
    return select(*columns).join(FlowPath, FlowPath.id == Flow.path_id)


def _flow_row(found: Any) -> FlowRow:
    destination, source, method, path, status, *rest = found
    return FlowRow(destination, source, method, path, status or None, *rest)


def _select_samples() -> Select[Any]:
    columns: tuple[Any, ...] = _SAMPLE
    return select(*columns).join(FlowPath, FlowPath.id == FlowSample.path_id)


def _add_event(connection: Connection, event: EventRow) -> bool:
    added = (
        insert_into(connection, table_of(Event))
        .values(
            id=event.id,
            kind=event.kind,
            at=event.at,
            document=json.dumps(event.document, separators=(",", ":")),
            attempts=event.attempts,
            due_at=event.due_at,
            delivered_at=event.delivered_at,
            last_error=event.last_error,
        )
        .on_conflict_do_nothing()
        .returning(table_of(Event).c.id)
    )
    return connection.execute(added).first() is not None


def _event_row(found: Any) -> EventRow:
    identifier, kind, at, document, *rest = found
    return EventRow(identifier, kind, at, json.loads(document), *rest)


def _add_schema(connection: Connection, text: str | None) -> bytes:
    if text is None:
        return _NONE
    digest = sha256(text.encode()).digest()
    connection.execute(
        insert_into(connection, table_of(FlowSchema)).values(digest=digest, document=text).on_conflict_do_nothing()
    )
    return digest
