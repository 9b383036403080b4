"""What the catalog knows, as plain values. Times are microseconds since the epoch, sizes bytes, digests raw SHA-256."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from ..errors import NotFound
from ..model import Action, Gap, Headers, LedgerEntry
from .fields import FieldRow

if TYPE_CHECKING:
    from .documents import Look


@dataclass(slots=True, frozen=True)
class MessageRow:
    """A request or a response in the index.

    `size` and `digest` are of the body after transfer and content decoding; `digest` is SHA-256 (32 bytes), also for an
    empty body. `content_type` is the media type as sent (empty if none). `offset` and `length` find the compressed
    record in its segment. `encoding` is the `Content-Encoding` that was undone for storage (empty: none).
    """

    headers: Headers
    content_type: str
    size: int
    digest: bytes
    offset: int
    length: int
    truncated: bool = False
    encoding: str = ""


@dataclass(slots=True, frozen=True)
class ExchangeRow:
    """An exchange in the index: everything but the bodies. `path` has no query; `url` is whole."""

    id: UUID
    started_at: int
    duration_us: int
    source: str
    destination: str
    method: str
    url: str
    path: str
    status: int | None
    http_version: str
    rule: str
    action: Action
    retention_class: str
    complete: bool
    error: str | None
    trace_id: str | None
    segment: str
    request: MessageRow
    response: MessageRow | None


@dataclass(slots=True, frozen=True)
class PayloadRow:
    """Where one distinct body is stored within a retention class: the record that holds it and is referred to by
    revisits. `record_id` is the UUID of that WARC record."""

    digest: bytes
    retention_class: str
    size: int
    record_id: UUID
    segment: str
    offset: int
    length: int


@dataclass(slots=True, frozen=True)
class SegmentRow:
    """One segment object. `spool` is the name of the spool file it was made from, `digest` SHA-256 of the whole object,
    `dictionary` the size of its dictionary frame (0: none), which precedes every record and is needed to read it."""

    key: str
    retention_class: str
    worker: str
    spool: str
    size: int
    content_size: int
    digest: bytes
    dictionary: int
    exchanges: int
    first_at: int
    last_at: int


@dataclass(slots=True, frozen=True)
class Shipment:
    """All that one spool file brings into the catalog, in one transaction.

    `refers_to` are payloads, by class and digest, that its segments refer to and other segments hold. `others` are
    ledger entries of further workers, which a segment that was made out of others has."""

    spool: str
    segments: tuple[SegmentRow, ...] = ()
    exchanges: tuple[ExchangeRow, ...] = ()
    payloads: tuple[PayloadRow, ...] = ()
    ledger: LedgerEntry | None = None
    gaps: tuple[Gap, ...] = ()
    others: tuple[LedgerEntry, ...] = ()
    refers_to: frozenset[tuple[str, bytes]] = frozenset()
    looks: "tuple[Look, ...]" = ()
    fields: tuple[FieldRow, ...] = ()


class PayloadGone(NotFound):
    """A shipment refers to a payload that the catalog has forgotten meanwhile; its segments must be written again."""


@dataclass(slots=True, frozen=True)
class Page[T]:
    """One page of a keyset listing. `next` is an opaque cursor, None on the last page."""

    items: list[T] = field(default_factory=list)
    next: str | None = None


@dataclass(slots=True, frozen=True)
class ProductRow:
    """A product as seen in the traffic: how many exchanges it took part in, in which role, and when."""

    name: str
    as_source: int
    as_destination: int
    first_seen: int
    last_seen: int


@dataclass(slots=True, frozen=True)
class TokenRow:
    """An API token. Only the SHA-256 of its secret is kept."""

    id: UUID
    name: str
    digest: bytes
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None


@dataclass(slots=True, frozen=True)
class GapRow:
    """A gap in the index, and who acknowledged it (None: nobody yet)."""

    id: UUID
    gap: Gap
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
