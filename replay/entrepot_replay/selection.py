"""Which captured exchanges become steps of a plan, and why the others do not.

One decision table. The default is what brings a product back: writes that succeeded. Everything left out has a reason
that the plan counts and prints.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from entrepot_store.catalog import ExchangeFilter, ExchangeRow
from entrepot_store.clock import from_rfc3339, to_rfc3339

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
    TUNNEL = "a tunnel cannot be replayed"
    WEBSOCKET = "a WebSocket cannot be replayed"
    EVENT_STREAM = "an event stream cannot be replayed"
    GRPC = "gRPC cannot be replayed: its status is in trailers"


LOST = frozenset({Skip.UNANSWERED, Skip.INCOMPLETE, Skip.WEBSOCKET, Skip.EVENT_STREAM, Skip.GRPC})
"""Skips of writes that may have happened: what they did cannot be brought back, so no replay without them is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the operator asked for. Empty collections and None mean: no such condition.

    `methods` replaces the default of writes; DELETE needs `allow_delete` even then. Naming `statuses` brings in
    exchanges that failed when they were recorded, if their status is among them.
    `since` (inclusive) and `until` (exclusive) are microseconds since the epoch.
    """

    destination: str
    sources: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    path: str | None = None
    path_prefix: str | None = None
    path_template: str | None = None
    statuses: tuple[int | str, ...] = ()
    since: int | None = None
    until: int | None = None
    allow_delete: bool = False

    @property
    def filter(self) -> ExchangeFilter:
        """The conditions the catalog answers. Methods are not among them: what they leave out is counted too."""
        return ExchangeFilter(
            destination=(self.destination,),
            source=self.sources,
            path=self.path,
            path_prefix=self.path_prefix,
            path_template=self.path_template,
            status=self.statuses,
            since=self.since,
            until=self.until,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "to": self.destination,
            "from": list(self.sources),
            "method": list(self.methods),
            "path": self.path,
            "path_prefix": self.path_prefix,
            "path_template": self.path_template,
            "status": list(self.statuses),
            "since": None if self.since is None else to_rfc3339(self.since),
            "until": None if self.until is None else to_rfc3339(self.until),
            "allow_delete": self.allow_delete,
        }


@dataclass(frozen=True, slots=True)
class Chosen:
    """The decision on one exchange: `skip` None makes it a step. `listed` skips are kept one by one in the plan."""

    skip: Skip | None
    listed: bool = False


def choose(row: ExchangeRow, selection: Selection) -> Chosen:
    """Whether the exchange becomes a step, and if not, why not. What nobody asked for comes before what is broken."""
    method = row.method.upper()
    asked = {name.upper() for name in selection.methods}
    if method == "CONNECT":
        return Chosen(Skip.TUNNEL)
    if _is_websocket(row):
        return Chosen(Skip.WEBSOCKET, listed=True)
    if method in READS:
        if _HEALTH.fullmatch(row.path):
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
    if row.status >= 400 and not selection.statuses:
        return Skip.FAILED
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


def selection_from_json(given: Mapping[str, Any]) -> Selection:
    """The inverse of `Selection.to_json`."""
    return Selection(
        destination=given["to"],
        sources=tuple(given["from"]),
        methods=tuple(given["method"]),
        path=given["path"],
        path_prefix=given["path_prefix"],
        path_template=given["path_template"],
        statuses=tuple(given["status"]),
        since=None if given["since"] is None else from_rfc3339(given["since"]),
        until=None if given["until"] is None else from_rfc3339(given["until"]),
        allow_delete=given["allow_delete"],
    )
