"""The records of one exchange, formatted by hand: `request`, `response`, their `revisit` forms, and messages.

Formatting through a WARC library costs several times what compressing costs. `docs/format.md` is the specification.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgpack

from ..model import Exchange, Request, WebSocketMessage
from . import facts, http_block, record_ids
from .exact import Exact, as_text, is_plain_text, pack_exact
from .fields import MESSAGES_TYPE, REQUEST_TYPE, RESPONSE_TYPE, REVISIT_PROFILE, format_digest
from .payload import Payload


@dataclass(slots=True)
class Record:
    """A record up to its payload, and the payload; `payload` is None when `head` is the whole record but its end."""

    head: bytes
    payload: Payload | None


@dataclass(slots=True, frozen=True)
class Storing:
    """How a payload is stored: in full, or as a revisit of the record `refers_to`. A revisit states the payload's
    digest; with `digest` a record in full does too, for readers that have neither catalog nor seal."""

    refers_to: UUID | None = None
    digest: bool = False


IN_FULL = Storing()


def request_record(exchange: Exchange, payload: Payload, storing: Storing = IN_FULL) -> Record:
    exact: Exact = {}
    request = exchange.request
    block, added = http_block.request_head(request, payload.size, bool(payload.encoding), exact)
    identity = b"%s\r\nWARC-Date: %s" % (record_ids.urns(exchange.id)[0], facts.date_of(exchange, exact))
    own = facts.format_facts(exchange, exact)
    if request.trailers:
        own += facts.format_trailers(request.trailers, exact)
    own += _payload_fields(payload, added, exact)
    about = _about(request.version, request, REQUEST_TYPE, exact)
    if exact:
        own += b"Entrepot-Exact: %s\r\n" % pack_exact(exact)
    return _record((b"request", identity, own, about), block, payload, storing)


def response_record(exchange: Exchange, payload: Payload, storing: Storing = IN_FULL) -> Record:
    """Raises ValueError if the exchange has no response."""
    response = exchange.response
    if response is None:
        raise ValueError("the exchange has no response")
    exact: Exact = {}
    block, added = http_block.response_head(response, payload.size, bool(payload.encoding), exact)
    # The date is the request's, and is exact there.
    identity = b"%s\r\nWARC-Concurrent-To: %s\r\nWARC-Date: %s" % (
        *reversed(record_ids.urns(exchange.id)),
        facts.date_of(exchange, {}),
    )
    own = _payload_fields(payload, added, exact)
    if response.trailers:
        own += facts.format_trailers(response.trailers, exact)
    about = _about(response.version, exchange.request, RESPONSE_TYPE, exact)
    if exact:
        own += b"Entrepot-Exact: %s\r\n" % pack_exact(exact)
    return _record((b"response", identity, own, about), block, payload, storing)


def messages_record(exchange: Exchange, *, digest: bool = False) -> Record:
    """The WebSocket messages of an exchange, in a record of their own: one msgpack array after the other."""
    payload = Payload.of(pack_messages(exchange.messages))
    head = (
        b"WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: %s\r\nWARC-Concurrent-To: %s\r\nWARC-Date: %s\r\n%s"
        b"WARC-Target-URI: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    ) % (
        record_ids.urn(record_ids.messages_id(exchange.id)),
        record_ids.urn(exchange.id),
        facts.date_of(exchange, {}),
        b"WARC-Payload-Digest: %s\r\n" % format_digest(payload.digest) if digest else b"",
        http_block.target_uri(exchange.request),
        MESSAGES_TYPE,
        payload.size,
    )
    return Record(head, payload)


def pack_messages(messages: Sequence[WebSocketMessage]) -> bytes:
    return b"".join(msgpack.packb((m.at, m.from_client, m.text, m.data), use_bin_type=True) for m in messages)


def unpack_messages(block: bytes) -> list[WebSocketMessage]:
    """Raises ValueError or a msgpack error."""
    unpacker = msgpack.Unpacker(use_list=False, raw=False, max_buffer_size=0)
    unpacker.feed(block)
    messages = [WebSocketMessage(*fields) for fields in unpacker]
    if unpacker.tell() != len(block):
        raise ValueError("the last message is cut short")
    return messages


def _record(parts: tuple[bytes, bytes, bytes, bytes], block: bytes, payload: Payload, storing: Storing) -> Record:
    kind, identity, own, about = parts
    length = len(block)
    if storing.refers_to is not None:
        kind = b"revisit"
        own += (
            b"WARC-Payload-Digest: %s\r\nEntrepot-Payload-Length: %d\r\nWARC-Refers-To: %s\r\nWARC-Profile: %s\r\n"
        ) % (
            format_digest(payload.digest),
            payload.size,
            record_ids.urn(storing.refers_to),
            REVISIT_PROFILE,
        )
    else:
        length += payload.size
        if storing.digest:
            own += b"WARC-Payload-Digest: %s\r\n" % format_digest(payload.digest)
    head = b"WARC/1.1\r\nWARC-Type: %s\r\nWARC-Record-ID: %s\r\n%s%s\r\nContent-Length: %d\r\n\r\n%s" % (
        kind,
        identity,
        own,
        about,
        length,
        block,
    )
    return Record(head, payload if storing.refers_to is None else None)


def _about(version: str, request: Request, content_type: bytes, exact: Exact) -> bytes:
    return b"WARC-Protocol: %s\r\nWARC-Target-URI: %s\r\nContent-Type: %s" % (
        http_block.protocol_of(version, request.scheme, exact),
        http_block.target_uri(request),
        content_type,
    )


def _payload_fields(payload: Payload, added: bool, exact: Exact) -> bytes:
    lines = b""
    if payload.truncated:
        lines += b"WARC-Truncated: length\r\n"
    if payload.encoding:
        encoding = payload.encoding
        if not is_plain_text(encoding):
            exact["encoding"] = encoding
            encoding = as_text(encoding)
        lines += b"Entrepot-Undone: %s\r\n" % encoding.encode()
    if payload.kept:
        lines += b"Entrepot-Kept: %s\r\n" % as_text(payload.kept).encode()
    if added:
        lines += b"Entrepot-Added: Content-Length\r\n"
    return lines
