"""What a shipment's exchanges add to the flows: sums, and the earliest and latest of each, told apart by few words.

Runs for every exchange that is shipped, so it does little; and what it makes is the same whichever exchanges are
tallied together, so that shipping and rebuilding agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from ..catalog.rows import ExchangeRow
from .segments import generalise

HOUR = 3_600_000_000
"""Microseconds; of every hour, a flow's first exchange is a sample of its shape."""

_METHODS = frozenset(
    {
        *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "LINK", "UNLINK"),
        *("COPY", "MOVE", "MKCOL", "LOCK", "UNLOCK", "PROPFIND", "PROPPATCH", "REPORT", "SEARCH", "PURGE"),
    }
)
OTHER_METHOD = "OTHER"
"""Stands for methods that nobody registered: peers invent them."""


class PathKey(NamedTuple):
    """`answered` tells what servers knew (statuses below 400) from what they refused, which scanners fill."""

    destination: str
    answered: bool
    path: str


class FlowKey(NamedTuple):
    """One line of the tally. `status` 0: no answer."""

    path: PathKey
    source: str
    method: str
    status: int
    media_type: str
    rule: str
    action: str


class SampleKey(NamedTuple):
    """The hour (since the epoch) of an answered flow."""

    path: PathKey
    method: str
    hour: int


@dataclass(slots=True)
class Totals:
    """Sizes are of bodies, bytes; times microseconds since the epoch."""

    exchanges: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    first_seen: int = 1 << 62
    last_seen: int = -(1 << 62)


type Values = list[str | None]
"""Per `{kind}` of a path the one value it had, None when it had several."""


@dataclass(slots=True)
class Tally:
    """`samples` holds the earliest exchange, by id."""

    flows: dict[FlowKey, Totals] = field(default_factory=dict)
    paths: dict[PathKey, Values] = field(default_factory=dict)
    samples: dict[SampleKey, UUID] = field(default_factory=dict)

    def add_flow(self, key: FlowKey, more: Totals) -> None:
        known = self.flows.setdefault(key, Totals())
        known.exchanges += more.exchanges
        known.request_bytes += more.request_bytes
        known.response_bytes += more.response_bytes
        known.first_seen = min(known.first_seen, more.first_seen)
        known.last_seen = max(known.last_seen, more.last_seen)

    def add_path(self, key: PathKey, values: Iterable[str | None]) -> None:
        known = self.paths.get(key)
        if known is None:
            self.paths[key] = list(values)
        else:
            merge_values(known, values)

    def add_sample(self, key: SampleKey, exchange: UUID) -> None:
        earliest = self.samples.get(key)
        if earliest is None or exchange.int < earliest.int:
            self.samples[key] = exchange

    def add(self, other: "Tally") -> None:
        for flow, totals in other.flows.items():
            self.add_flow(flow, totals)
        for path, values in other.paths.items():
            self.add_path(path, values)
        for sample, exchange in other.samples.items():
            self.add_sample(sample, exchange)


def tally(exchanges: Iterable[ExchangeRow]) -> Tally:
    result = Tally()
    flows, paths = result.flows, result.paths
    for row in exchanges:
        request, response = row.request, row.response
        path, values = generalise(row.path)
        if response is None or row.status is None:
            status, media_type, received = 0, "", 0
        else:
            status = row.status if 100 <= row.status < 1000 else 0
            received = response.size
            media_type = plain_media_type(response.content_type)
        place = PathKey(row.destination, 100 <= status < 400, path)
        method = row.method if row.method in _METHODS else OTHER_METHOD
        key = FlowKey(place, row.source, method, status, media_type, row.rule, row.action.value)
        totals = flows.get(key)
        if totals is None:
            totals = flows[key] = Totals()
        at = row.started_at
        totals.exchanges += 1
        totals.request_bytes += request.size
        totals.response_bytes += received
        # Not min() and max(): this runs for every exchange.
        if at < totals.first_seen:  # noqa: PLR1730
            totals.first_seen = at
        if at > totals.last_seen:  # noqa: PLR1730
            totals.last_seen = at
        if values or place not in paths:
            result.add_path(place, values)
        if 200 <= status < 300 and row.complete and (is_json(media_type) or is_json(request.content_type)):
            result.add_sample(SampleKey(place, method, at // HOUR), row.id)
    return result


def merge_values(known: Values, values: Iterable[str | None]) -> None:
    """Adds what another exchange of the path had in its places."""
    for place, value in enumerate(values):
        if known[place] != value:
            known[place] = None


_KNOWN_TYPES: dict[str, str] = {}
_MOST_TYPES = 4096


def plain_media_type(content_type: str) -> str:
    """In lower case and without parameters; empty for what is none."""
    found = _KNOWN_TYPES.get(content_type)
    if found is None:
        found = content_type.partition(";")[0].strip().lower()
        if len(found) > 80 or found.count("/") != 1 or not found.isascii() or not found.isprintable():
            found = ""
        if len(content_type) <= 255:
            if len(_KNOWN_TYPES) >= _MOST_TYPES:
                _KNOWN_TYPES.clear()
            _KNOWN_TYPES[content_type] = found
    return found


def is_json(content_type: str) -> bool:
    """A quick look, also at types with parameters; whether the body is JSON shows when it is read."""
    return "json" in content_type and bool(content_type)
