"""Which exchanges are looked at for the shape of a flow: the first of every hour, and in the long run the first of
every day. A function of the exchanges alone, like the counts (`flow_counts`).

Kept are the hours of the newest KEPT_HOURS in which the flow was seen, and of every day before them the earliest.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from uuid import UUID

from sqlalchemy import Connection, delete, func, select

from ...coverage.tally import SampleKey
from .bulk import insert_rows
from .coverage_schema import FlowSample
from .dialect import CHUNK, is_sqlite, table_of
from .flow_ids import path_id, sample_id

KEPT_HOURS = 48
DAY = 24
"""Hours."""


def store_samples(connection: Connection, found: Mapping[SampleKey, UUID]) -> None:
    ids = {sample_id(key): key for key in found}
    known: dict[UUID, UUID] = {}
    for chunk in batched(ids, CHUNK):
        listed = connection.execute(select(FlowSample.id, FlowSample.exchange_id).where(FlowSample.id.in_(chunk)))
        known.update((identifier, exchange) for identifier, exchange in listed)
    earlier = sorted(
        identifier for identifier, key in ids.items() if identifier not in known or found[key] < known[identifier]
    )
    if not earlier:
        return
    on_sqlite = is_sqlite(connection)
    rows = []
    for identifier in earlier:
        key = ids[identifier]
        uuids = identifier, path_id(key.path), found[key]
        first, path, exchange = (each.bytes for each in uuids) if on_sqlite else uuids
        rows.append((first, path, key.method, key.hour, exchange, None, None))
    table = table_of(FlowSample)
    insert_rows(
        connection,
        table,
        rows,
        lambda insert: insert.on_conflict_do_update(
            index_elements=[table.c.id],
            set_={name: insert.excluded[name] for name in ("exchange_id", "request_shape", "response_shape")},
        ),
    )
    hours: defaultdict[tuple[UUID, str], list[int]] = defaultdict(list)
    for identifier in earlier:
        if identifier not in known:
            key = ids[identifier]
            hours[path_id(key.path), key.method].append(key.hour)
    for flow in sorted(_crowded(connection, {path for path, _ in hours}) & hours.keys()):
        _thin_out(connection, *flow, hours[flow])


def _crowded(connection: Connection, paths: Iterable[UUID]) -> set[tuple[UUID, str]]:
    """Path and method of flows with more samples than the newest: asked for all at once, because nearly none has."""
    flow = FlowSample.path_id, FlowSample.method
    found: set[tuple[UUID, str]] = set()
    for chunk in batched(sorted(paths), CHUNK):
        counted = select(*flow).where(FlowSample.path_id.in_(chunk)).group_by(*flow)
        found.update((path, method) for path, method in connection.execute(counted.having(func.count() > KEPT_HOURS)))
    return found


def _thin_out(connection: Connection, path: UUID, method: str, new: Sequence[int]) -> None:
    """Removes what `new` hours put beyond the newest, but for the first of each day."""
    flow = (FlowSample.path_id == path, FlowSample.method == method)
    newest = list(
        connection.execute(
            select(FlowSample.hour).where(*flow).order_by(FlowSample.hour.desc()).limit(KEPT_HOURS + len(new))
        ).scalars()
    )
    floor = newest[KEPT_HOURS - 1]
    days = {hour // DAY for hour in (*new, *newest[KEPT_HOURS:]) if hour < floor}
    gone: list[UUID] = []
    for day in sorted(days):
        of_the_day = (FlowSample.hour >= day * DAY, FlowSample.hour < min((day + 1) * DAY, floor))
        gone.extend(
            connection.execute(
                select(FlowSample.id).where(*flow, *of_the_day).order_by(FlowSample.hour).offset(1)
            ).scalars()
        )
    _delete(connection, gone)


def _delete(connection: Connection, samples: Iterable[UUID]) -> None:
    for chunk in batched(samples, CHUNK):
        connection.execute(delete(FlowSample).where(FlowSample.id.in_(chunk)))
