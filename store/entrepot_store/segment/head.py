"""A record up to its payload, understood: what it is, whose it is, and the HTTP message as it was captured."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ..model import Body, Exchange, Request, Response
from . import facts, http_block, record_ids
from .fields import (
    END_OF_HEAD,
    MESSAGES_TYPE,
    PAYLOAD_TYPE,
    REQUEST_TYPE,
    RESPONSE_TYPE,
    Fields,
    parse_digest,
    parse_fields,
)
from .payload import WIRE

MAX_HEAD = 64 * 1024 * 1024
"""Bound on fields and HTTP headers together. What `model.bounds` lets through is shorter, however it is written."""


class Kind(StrEnum):
    """What a record is in a segment; a revisit is of the kind of the record that it stands for. PAYLOAD holds a payload
    whose exchange is gone, for the revisits that refer to it."""

    INFO = "warcinfo"
    REQUEST = "request"
    RESPONSE = "response"
    MESSAGES = "messages"
    PAYLOAD = "payload"


@dataclass(slots=True, frozen=True)
class Revisit:
    """The payload is stored elsewhere in the class: in the record with this id, under this SHA-256."""

    digest: bytes
    record_id: UUID


@dataclass(slots=True)
class RecordHead:
    """A record without its payload.

    `raw` is its bytes up to the payload. `size` is the payload's in bytes, also when it is stored elsewhere
    (`revisit`). `exchange` (kind REQUEST) has the request and every fact, `response` (kind RESPONSE) the response;
    their bodies hold no bytes yet, but say size, truncation and the coding that was undone. Both are None where only
    the record's own fields were parsed.
    """

    kind: Kind
    record_id: UUID
    fields: Fields
    raw: bytes
    size: int
    revisit: Revisit | None = None
    exchange: Exchange | None = None
    response: Response | None = None

    @property
    def exchange_id(self) -> UUID:
        """The exchange that the record belongs to; for the warcinfo record the id of the record itself."""
        if self.kind is Kind.RESPONSE:
            return record_ids.exchange_of_response(self.record_id)
        if self.kind is Kind.MESSAGES:
            return record_ids.exchange_of_messages(self.record_id)
        return self.record_id


def parse_head(data: bytes, *, http: bool = True) -> RecordHead | None:
    """The head of the record that `data` begins with; None if more bytes are needed. Without `http` the HTTP message in
    it is not parsed, which is two thirds of the work. Raises ValueError."""
    end = data.find(END_OF_HEAD)
    if end < 0:
        return None
    fields = parse_fields(data[:end])
    start = end + len(END_OF_HEAD)
    kind = _kind(fields)
    length = int(fields.need(b"Content-Length"))
    block = b""
    if kind in (Kind.REQUEST, Kind.RESPONSE):
        end = data.find(END_OF_HEAD, start, start + length)
        if end < 0:
            if len(data) >= start + length:
                raise ValueError("the block has no end of headers")
            return None
        block = data[start:end]
        length -= end + len(END_OF_HEAD) - start
        start = end + len(END_OF_HEAD)
    if length < 0:
        raise ValueError("Content-Length is negative")
    head = _head(kind, fields, length)
    head.raw = data[:start]
    if block and http:
        _add_message(head, block)
    return head


def _kind(fields: Fields) -> Kind:
    record_type, content_type = fields.need(b"WARC-Type"), fields.need(b"Content-Type")
    if record_type in (b"request", b"revisit") and content_type == REQUEST_TYPE:
        return Kind.REQUEST
    if record_type in (b"response", b"revisit") and content_type == RESPONSE_TYPE:
        return Kind.RESPONSE
    if record_type == b"resource" and content_type == MESSAGES_TYPE:
        return Kind.MESSAGES
    if record_type == b"resource" and content_type == PAYLOAD_TYPE:
        return Kind.PAYLOAD
    if record_type == b"warcinfo":
        return Kind.INFO
    raise ValueError(f"a record of type {record_type!r} with {content_type!r} is not one of ours")


def _head(kind: Kind, fields: Fields, length: int) -> RecordHead:
    record_id = record_ids.parse_urn(fields.need(b"WARC-Record-ID"))
    revisit = None
    if fields.need(b"WARC-Type") == b"revisit":
        if length:
            raise ValueError("a revisit has a payload")
        digest = parse_digest(fields.need(b"WARC-Payload-Digest"))
        revisit = Revisit(digest, record_ids.parse_urn(fields.need(b"WARC-Refers-To")))
        length = int(fields.need(b"Entrepot-Payload-Length"))
    return RecordHead(kind, record_id, fields, b"", length, revisit)


def _add_message(head: RecordHead, block: bytes) -> None:
    fields = head.fields
    exact = fields.exact
    added = fields.get(b"Entrepot-Added") is not None
    version = http_block.version_of(fields.need(b"WARC-Protocol"))
    body = Body(
        data=None,
        size=head.size,
        truncated=fields.get(b"WARC-Truncated") is not None,
        decoded=exact.get("encoding", fields.text(b"Entrepot-Undone") or ""),
        withheld=fields.text(b"Entrepot-Withheld") or "",
        wire=fields.get(b"Entrepot-Kept") == WIRE.encode(),
    )
    trailers = facts.parse_trailers(fields, exact)
    if head.kind is Kind.REQUEST:
        uri = fields.need(b"WARC-Target-URI")
        request: Request = http_block.parse_request(block, uri, version, added, exact)
        request.body, request.trailers = body, trailers
        head.exchange = facts.parse_facts(head.record_id, fields, exact, request)
    else:
        head.response = http_block.parse_response(block, version, added, exact)
        head.response.body, head.response.trailers = body, trailers
