"""Which captured exchanges become steps of a plan, and why the others do not.

One decision table. The default is what brings a product back: writes that succeeded. Everything left out has a reason
that the plan counts and prints.
"""

import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from entrepot_store.catalog import ExchangeFilter, ExchangeRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.errors import BadInput

WRITES = frozenset({"POST", "PUT", "PATCH"})
READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
IDEMPOTENT = READS | {"PUT", "DELETE"}
"""RFC 9110 §9.2.2: sending one of these twice has the effect of sending it once."""

_HEALTH = re.compile(r"/(.*/)?_*(healthz?|livez?|readyz?|liveness|readiness|ping|(lb)?heartbeat)_*/?")


class Skip(StrEnum):
    """Why an exchange is not a step."""

    READ = "read"
    HEALTH_CHECK = "health check"
    DELETE = "DELETE is not allowed without --allow-delete"
    OTHER_METHOD = "method was not asked for"
    FAILED = "the recorded request failed"
    UNANSWERED = "no answer was recorded"
    INCOMPLETE = "the recorded request is incomplete"
    REDIRECTED = "the recorded answer sent it elsewhere"
    REPEATED = "a repetition of a write that had succeeded"
    TUNNEL = "a tunnel cannot be replayed"
    WEBSOCKET = "a WebSocket cannot be replayed"
    EVENT_STREAM = "an event stream cannot be replayed"
    GRPC = "gRPC cannot be replayed: its status is in trailers"


LOST = frozenset({Skip.UNANSWERED, Skip.INCOMPLETE, Skip.WEBSOCKET, Skip.EVENT_STREAM, Skip.GRPC})
"""Skips of writes that may have happened: what they did cannot be brought back, so no replay without them is whole."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the operator asked for: exchanges with one destination that meet `where`.

    Naming methods replaces the default of writes; DELETE needs `allow_delete` even then. Naming statuses brings in
    exchanges that failed when they were recorded, if their status is among them.
    """

    where: ExchangeFilter
    allow_delete: bool = False

    def __post_init__(self) -> None:
        """Raises BadInput unless there is one destination."""
        if len(self.where.destination) != 1:
            raise BadInput("A replay is of the traffic to one product.", hint="Name it with --to, once.")

    @property
    def destination(self) -> str:
        return self.where.destination[0]

    @property
    def considered(self) -> ExchangeFilter:
        """What the catalog is asked for. Methods are not among it: what they leave out is counted too."""
        return replace(self.where, method=())

    def to_json(self) -> dict[str, Any]:
        """Only what was given."""
        given = {name: value for name, value in asdict(self.where).items() if value not in (None, ())}
        for name in ("since", "until"):
            if name in given:
                given[name] = to_rfc3339(given[name])
        return {**given, "allow_delete": self.allow_delete}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The decision on one exchange: `skip` None makes it a step. `listed` skips are kept one by one in the plan."""

    skip: Skip | None
    listed: bool = False


def is_health_check(path: str) -> bool:
    """Whether a path (without query) is one that monitors ask."""
    return _HEALTH.fullmatch(path) is not None


def choose(row: ExchangeRow, selection: Selection) -> Chosen:
    """Whether the exchange becomes a step, and if not, why not. What nobody asked for comes before what is broken."""
    method = row.method.upper()
    asked = {name.upper() for name in selection.where.method}
    if method == "CONNECT":
        return Chosen(Skip.TUNNEL)
    if _is_websocket(row):
        return Chosen(Skip.WEBSOCKET, listed=True)
    if method in READS:
        if is_health_check(row.path):
            return Chosen(Skip.HEALTH_CHECK)
        if method not in asked:
            return Chosen(Skip.READ)
    elif method not in (asked or WRITES | {"DELETE"}):
        return Chosen(Skip.OTHER_METHOD, listed=True)
    elif method == "DELETE" and not selection.allow_delete:
        return Chosen(Skip.DELETE, listed=True)
    reason = _unfit(row, selection)
    return Chosen(reason, listed=reason is not None)


def _unfit(row: ExchangeRow, selection: Selection) -> Skip | None:
    """Why the exchange could not be replayed whatever was asked for, or is better not."""
    if row.status is None:
        return Skip.UNANSWERED
    if row.status >= 400 and not selection.where.status:
        return Skip.FAILED
    if row.status in (307, 308):
        return Skip.REDIRECTED  # nothing was done; the request that followed it there is a step of its own
    if row.request.truncated:
        return Skip.INCOMPLETE
    if row.request.content_type.lower().startswith("application/grpc"):
        return Skip.GRPC
    if row.response is not None and row.response.content_type.lower().startswith("text/event-stream"):
        return Skip.EVENT_STREAM
    return None


def _is_websocket(row: ExchangeRow) -> bool:
    return row.status == 101 or any(
        name.lower() == b"upgrade" and value.strip().lower() == b"websocket" for name, value in row.request.headers
    )
