"""Flows, samples of their shape, and events: the rows, and the CoverageCatalog port. `sql.coverage.SqlCoverage`
implements it; `sql.flow_counts` fills flows and samples as part of every shipment.

A *flow* is who sends what to whom: source, destination, method and a path without its values. Everything here but the
events is made again from the exchanges by a rebuild; events and what became of their delivery live in SQL only.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(slots=True, frozen=True)
class FlowRow:
    """One line of the count. `path` has `{kind}` for the values left out; `status` is None without an answer; `rule`
    and `action` are those at the time of capture. Sizes are of bodies, bytes; times microseconds since the epoch."""

    destination: str
    source: str
    method: str
    path: str
    status: int | None
    media_type: str
    rule: str
    action: str
    exchanges: int
    request_bytes: int
    response_bytes: int
    first_seen: int
    last_seen: int

    @property
    def answered(self) -> bool:
        """The server knew the path: any answer but a refusal or a failure."""
        return self.status is not None and 100 <= self.status < 400


@dataclass(slots=True, frozen=True)
class PathRow:
    """What stood in the places of a path's `{kind}`s: the one value there was, or None for several."""

    path: str
    values: tuple[str | None, ...]


@dataclass(slots=True, frozen=True)
class SampleRow:
    """One exchange of a flow, the first of its hour, to look at the shape of. A shape is the digest of a schema;
    empty for what has none (no JSON, or not to be read), None as long as nobody has looked."""

    id: UUID
    destination: str
    path: str
    method: str
    hour: int
    exchange: UUID
    request_shape: bytes | None
    response_shape: bytes | None


@dataclass(slots=True, frozen=True)
class EventRow:
    """A CloudEvent, its delivery, and what came of it. `due_at` None: nobody is to be told (any more)."""

    id: UUID
    kind: str
    at: int
    document: Mapping[str, Any]
    attempts: int = 0
    due_at: int | None = None
    delivered_at: int | None = None
    last_error: str = ""


@dataclass(slots=True, frozen=True)
class EventCounts:
    """By kind; `waiting` are still to be delivered, `given_up` were tried for long enough."""

    raised: Mapping[str, int]
    waiting: int
    given_up: int


class CoverageCatalog(Protocol):
    """What traffic there is. Raises as Catalog does; safe to use from several threads."""

    def destinations(self) -> list[str]:
        """Those that have flows, in byte order."""
        ...

    def flows(self, destination: str) -> list[FlowRow]:
        """All lines of a destination; their number is bounded (`flow_counts`)."""
        ...

    def paths(self, destination: str) -> list[PathRow]:
        """The paths of its answered flows and of the others; one may be in both."""
        ...

    def samples(self, destination: str) -> list[SampleRow]:
        """Those that have been looked at, by time."""
        ...

    def schemas(self, digests: Collection[bytes]) -> Mapping[bytes, str]:
        """As JSON text."""
        ...

    # What is new

    def news(self, limit: int) -> list[tuple[UUID, FlowRow]]:
        """Answered flows that nobody has taken notice of."""
        ...

    def noticed(self, flows: Collection[UUID], events: Sequence[EventRow]) -> list[EventRow]:
        """Takes flows off the news and adds events, in one transaction. Returns the events that were not known."""
        ...

    def unread_samples(self, limit: int) -> list[SampleRow]:
        """Samples whose shape nobody has looked at."""
        ...

    def read_sample(self, sample: SampleRow, request: str | None, response: str | None) -> bool:
        """Notes the shapes of a sample, schemas as JSON text or None. False if the sample is another exchange by now,
        and nothing is noted."""
        ...

    def earlier_samples(self, sample: SampleRow, limit: int) -> list[SampleRow]:
        """Those of the same flow that have been looked at, up to and with this one, by time; the last `limit`."""
        ...

    # Delivery

    def claim_events(self, now: int, until: int, limit: int) -> list[EventRow]:
        """Events that are due, oldest first; they are due again at `until`, unless settled before."""
        ...

    def settle_event(self, event: UUID, *, delivered_at: int | None, due_at: int | None, error: str = "") -> None:
        """What came of an attempt: delivered, to be tried again at `due_at`, or (both None) given up."""
        ...

    def event(self, identifier: UUID) -> EventRow:
        """Raises NotFound."""
        ...

    def event_counts(self) -> EventCounts: ...

    def flow_counts(self) -> Mapping[str, int]:
        """How many flows were captured, by the action of the rule at the time."""
        ...

    def recount(self, destinations: Collection[str]) -> None:
        """Counts the flows of these destinations anew, from the exchanges that the catalog (still) has."""
        ...
