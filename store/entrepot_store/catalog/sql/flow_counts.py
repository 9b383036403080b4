"""Adds the exchanges of a shipment to the flows, in the shipment's transaction.

What is stored is a function of the exchanges alone, in whatever order they come: sums, the earliest, the latest.
`flow_bounds` keeps their number in bounds, `flow_samples` chooses those whose payloads are looked at.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import batched
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, case, delete, select

from ...coverage.tally import FlowKey, PathKey, Tally, Totals, Values, merge_values, tally
from ..rows import ExchangeRow
from .bulk import insert_rows
from .coverage_schema import Flow, FlowPath, FlowSample, FlowSchema
from .dialect import CHUNK, is_sqlite, table_of, wait_for_turn
from .flow_bounds import within_bounds
from .flow_ids import flow_id, path_id
from .flow_samples import store_samples


def add_flows(connection: Connection, added: Iterable[ExchangeRow]) -> None:
    """`added` are exchanges that are new in the catalog: each is counted once."""
    found = tally(added)
    if found.flows:
        # What is kept depends on what is there: two shippers must not decide at the same time.
        wait_for_turn(connection, "flows")
        store_tally(connection, found)


def store_tally(connection: Connection, found: Tally) -> None:
    """Once in a transaction."""
    ids = {flow_id(key): key for key in found.flows}
    known: set[UUID] = set()
    for chunk in batched(ids, CHUNK):
        known.update(connection.execute(select(Flow.id).where(Flow.id.in_(chunk))).scalars())
    unknown: defaultdict[str, list[FlowKey]] = defaultdict(list)
    for identifier in ids.keys() - known:
        unknown[ids[identifier].path.destination].append(ids[identifier])
    for destination in sorted(unknown):
        found = within_bounds(connection, destination, unknown[destination], found)
    _store_paths(connection, found.paths)
    _store_flows(connection, found.flows)
    store_samples(connection, {key: value for key, value in found.samples.items() if key.path.path[-2:] != "**"})


def clear_flows(connection: Connection) -> None:
    for model in (Flow, FlowPath, FlowSample, FlowSchema):
        connection.execute(delete(model))


def _store_paths(connection: Connection, paths: Mapping[PathKey, Values]) -> None:
    ids = {path_id(key): key for key in paths}
    known: dict[UUID, str] = {}
    for chunk in batched(ids, CHUNK):
        found = connection.execute(select(FlowPath.id, FlowPath.seen_values).where(FlowPath.id.in_(chunk)))
        known.update((identifier, text) for identifier, text in found)
    changed = []
    on_sqlite = is_sqlite(connection)
    for identifier in sorted(ids):
        key = ids[identifier]
        values = list(paths[key])
        if identifier in known:
            merge_values(values, json.loads(known[identifier]))
        text = json.dumps(values, separators=(",", ":"))
        if text != known.get(identifier):
            raw = identifier.bytes if on_sqlite else identifier
            changed.append((raw, key.destination, key.answered, key.path, text))
    if changed:
        table = table_of(FlowPath)
        insert_rows(
            connection,
            table,
            changed,
            lambda insert: insert.on_conflict_do_update(
                index_elements=[table.c.id], set_={"seen_values": insert.excluded.seen_values}
            ),
        )


def _store_flows(connection: Connection, flows: Mapping[FlowKey, Totals]) -> None:
    on_sqlite = is_sqlite(connection)

    def raw(identifier: UUID) -> Any:
        return identifier.bytes if on_sqlite else identifier

    rows = [
        (
            *(raw(identifier), raw(path_id(key.path)), key.path.destination, key.source, key.method, key.status),
            *(key.media_type, key.rule, key.action, totals.exchanges, totals.request_bytes, totals.response_bytes),
            *(totals.first_seen, totals.last_seen, key.path.answered),
        )
        for identifier, (key, totals) in sorted((flow_id(item[0]), item) for item in flows.items())
    ]
    insert_rows(connection, table_of(Flow), rows, _added_up)


def _added_up(insert: Any) -> Any:
    new, old = insert.excluded, table_of(Flow).c
    return insert.on_conflict_do_update(
        index_elements=[old.id],
        set_={
            **{name: old[name] + new[name] for name in ("exchanges", "request_bytes", "response_bytes")},
            "first_seen": case((new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen),
            "last_seen": case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen),
        },
    )
