"""How many paths, sources and media types of a destination are told apart: peers make them up without end.

The first by an order that the names themselves give are kept (short paths before long ones, names before addresses).
Whatever is kept at the end has been kept since it was first seen, so its counts are whole, and what is kept does not
depend on the order in which captures arrive. All else is counted together, as the path `/**` or as `*`.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from itertools import batched
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, select

from ...coverage.segments import ANYTHING
from ...coverage.tally import FlowKey, PathKey, Tally, Totals
from .coverage_schema import Flow, FlowPath, FlowSample
from .dialect import CHUNK

MOST_PATHS = {True: 2000, False: 500}
"""Paths per destination, among the answered flows and among the others."""
MOST_SOURCES = 100
MOST_MEDIA_TYPES = 40
REST = "*"
"""The name of sources, and of media types, beyond the bound."""


@dataclass(slots=True, frozen=True)
class _Bounds:
    """What is kept under its name; None keeps everything."""

    sources: Collection[str] | None
    media_types: Collection[str] | None
    paths: Mapping[bool, Collection[str] | None]

    @property
    def binding(self) -> bool:
        return any(kept is not None for kept in (self.sources, self.media_types, *self.paths.values()))

    def path(self, key: PathKey) -> PathKey:
        kept = self.paths[key.answered]
        return key if kept is None or key.path in kept else key._replace(path=ANYTHING)

    def flow(self, key: FlowKey) -> FlowKey:
        return key._replace(
            path=self.path(key.path),
            source=key.source if self.sources is None or key.source in self.sources else REST,
            media_type=key.media_type if self.media_types is None or key.media_type in self.media_types else REST,
        )


def within_bounds(connection: Connection, destination: str, unknown: Iterable[FlowKey], found: Tally) -> Tally:
    """`found` with what there is no room for put together. `unknown` are its flows to `destination` that are not stored
    yet; stored ones that have to make room for them move from the database into the tally."""
    bounds = _bounds(connection, destination, unknown)
    if not bounds.binding:
        return found
    result = Tally()
    for part in (found, _take_out(connection, destination, bounds)):
        for flow, totals in part.flows.items():
            result.add_flow(bounds.flow(flow) if flow.path.destination == destination else flow, totals)
        for path, values in part.paths.items():
            place = bounds.path(path) if path.destination == destination else path
            result.add_path(place, values if place == path else ())
    for sample, exchange in found.samples.items():
        if sample.path.destination != destination or bounds.path(sample.path) == sample.path:
            result.samples[sample] = exchange
    return result


def _bounds(connection: Connection, destination: str, unknown: Iterable[FlowKey]) -> _Bounds:
    pairs = select(Flow.source, Flow.media_type).where(Flow.destination == destination).distinct()
    sources, media_types = set(), set()
    for source, media_type in connection.execute(pairs):
        sources.add(source)
        media_types.add(media_type)
    paths: dict[bool, set[str]] = {True: set(), False: set()}
    listed = select(FlowPath.answered, FlowPath.path).where(FlowPath.destination == destination)
    for answered, path in connection.execute(listed):
        paths[bool(answered)].add(path)
    for key in unknown:
        sources.add(key.source)
        media_types.add(key.media_type)
        paths[key.path.answered].add(key.path.path)
    return _Bounds(
        _kept(sources, MOST_SOURCES, REST, _names_before_addresses),
        _kept(media_types, MOST_MEDIA_TYPES, REST, _short_first),
        {answered: _kept(found, MOST_PATHS[answered], ANYTHING, _shallow_first) for answered, found in paths.items()},
    )


def _kept(names: Collection[str], most: int, rest: str, order: Callable[[str], Any]) -> Collection[str] | None:
    named = [name for name in names if name != rest]
    return None if len(named) <= most else {*nsmallest(most, named, key=order), rest}


def _shallow_first(path: str) -> tuple[int, int, str]:
    return path.count("/"), len(path), path


def _short_first(name: str) -> tuple[int, str]:
    return len(name), name


def _names_before_addresses(source: str) -> tuple[bool, int, str]:
    return source[:1].isdigit() or ":" in source, len(source), source


def _take_out(connection: Connection, destination: str, bounds: _Bounds) -> Tally:
    """Deletes what has to make room, and returns it."""
    taken = Tally()
    flows: list[UUID] = []
    columns = (*Flow.__table__.c, FlowPath.answered, FlowPath.path)
    query = select(*columns).join(FlowPath, FlowPath.id == Flow.path_id).where(Flow.destination == destination)
    for row in connection.execute(query).all():
        path = PathKey(destination, bool(row.answered), row.path)
        flow = FlowKey(path, row.source, row.method, row.status, row.media_type, row.rule, row.action)
        if bounds.flow(flow) != flow:
            flows.append(row.id)
            sizes = row.exchanges, row.request_bytes, row.response_bytes
            taken.flows[flow] = Totals(*sizes, row.first_seen, row.last_seen)
    paths: list[UUID] = []
    for row in connection.execute(select(*FlowPath.__table__.c).where(FlowPath.destination == destination)).all():
        path = PathKey(destination, bool(row.answered), row.path)
        if bounds.path(path) != path:
            paths.append(row.id)
            taken.paths[path] = json.loads(row.seen_values)
    for chunk in batched(flows, CHUNK):
        connection.execute(delete(Flow).where(Flow.id.in_(chunk)))
    for chunk in batched(paths, CHUNK):
        connection.execute(delete(FlowPath).where(FlowPath.id.in_(chunk)))
        connection.execute(delete(FlowSample).where(FlowSample.path_id.in_(chunk)))
    return taken
