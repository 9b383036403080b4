"""What can be asked of the exchanges. The command line and the HTTP API build these; the catalog answers them."""

from dataclasses import dataclass
from enum import StrEnum

from .fields import FieldCondition


class Order(StrEnum):
    """By time of start."""

    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(slots=True, frozen=True, kw_only=True)
class ExchangeFilter:
    """Every given condition must hold; several values of one condition are alternatives.

    `path` is exact, `path_prefix` a prefix, `path_template` an OpenAPI-style template (`/v1/settings/{user}`, `*`
    within a segment, `**` across segments); all without the query. `status` holds numbers and classes (`4xx`).
    `content_type` matches the response's media type without parameters (`application/json`, `text/*`).
    `since` (inclusive) and `until` (exclusive) are microseconds since the epoch and bound `started_at`.
    `fields` are conditions on what rules index, all of which must hold.
    `min_size` and `max_size` (both inclusive) bound the bytes of request and response body together.
    """

    source: tuple[str, ...] = ()
    destination: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    path: str | None = None
    path_prefix: str | None = None
    path_template: str | None = None
    status: tuple[int | str, ...] = ()
    content_type: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    min_size: int | None = None
    max_size: int | None = None
    complete: bool | None = None
    rule: tuple[str, ...] = ()
    retention_class: tuple[str, ...] = ()
    trace_id: str | None = None
    fields: tuple[FieldCondition, ...] = ()
