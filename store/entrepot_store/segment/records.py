"""The records of one exchange, formatted by hand: `request`, `response`, their `revisit` forms, and messages.

Formatting through a WARC library costs several times what compressing costs. `docs/format.md` is the specification.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgpack

from ..model import Exchange, WebSocketMessage
from . import facts, http_block, record_ids
from .exact import Exact, as_text, is_plain_text, pack_exact
from .fields import MESSAGES_TYPE, REQUEST_TYPE, RESPONSE_TYPE, REVISIT_PROFILE
from .payload import Payload


@dataclass(slots=True)
class Record:
    """A record up to its payload, and the payload; `payload` is None when `head` is the whole record but its end."""

    head: bytes
    payload: Payload | None


def request_record(exchange: Exchange, payload: Payload, refers_to: UUID | None) -> Record:
    """The request's record: with its payload, or as a revisit of the record `refers_to`."""
    exact: Exact = {}
    request = exchange.request
    block, added = http_block.request_head(request, payload.size, bool(payload.encoding), exact)
    protocol = http_block.protocol_of(request.version, request.scheme, exact)
    date = facts.date_of(exchange, exact)
    own = facts.format_facts(exchange, exact)
    trailers = facts.format_trailers(request.trailers, exact) if request.trailers else b""
    return _record(
        b"request",
        b"%s\r\nWARC-Date: %s" % (record_ids.urns(exchange.id)[0], date),
        own + trailers + _payload_fields(payload, added, exact),
        exact,
        http_block.target_uri(request),
        protocol,
        REQUEST_TYPE,
        block,
        payload,
        refers_to,
    )


def response_record(exchange: Exchange, payload: Payload, refers_to: UUID | None) -> Record:
    """As `request_record`; the exchange has a response."""
    exact: Exact = {}
    request, response = exchange.request, exchange.response
    if response is None:
        raise ValueError("the exchange has no response")
    block, added = http_block.response_head(response, payload.size, bool(payload.encoding), exact)
    protocol = http_block.protocol_of(response.version, request.scheme, exact)
    trailers = facts.format_trailers(response.trailers, exact) if response.trailers else b""
    request_id, own_id = record_ids.urns(exchange.id)
    return _record(
        b"response",
        b"%s\r\nWARC-Concurrent-To: %s\r\nWARC-Date: %s" % (own_id, request_id, facts.date_of(exchange, {})),
        trailers + _payload_fields(payload, added, exact),
        exact,
        http_block.target_uri(request),
        protocol,
        RESPONSE_TYPE,
        block,
        payload,
        refers_to,
    )


def messages_record(exchange: Exchange) -> Record:
    """The WebSocket messages of an exchange, in a record of their own: one msgpack array after the other."""
    block = pack_messages(exchange.messages)
    payload = Payload.of(block)
    head = (
        b"WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: %s\r\nWARC-Concurrent-To: %s\r\nWARC-Date: %s\r\n"
        b"WARC-Target-URI: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        % (
            record_ids.urn(record_ids.messages_id(exchange.id)),
            record_ids.urn(exchange.id),
            facts.date_of(exchange, {}),
            http_block.target_uri(exchange.request),
            MESSAGES_TYPE,
            payload.size,
        )
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


def _record(
    kind: bytes,
    identity: bytes,
    own: bytes,
    exact: Exact,
    uri: bytes,
    protocol: bytes,
    content_type: bytes,
    block: bytes,
    payload: Payload,
    refers_to: UUID | None,
) -> Record:
    if exact:
        own += b"Entrepot-Exact: %s\r\n" % pack_exact(exact)
    length = len(block)
    if refers_to is not None:
        kind = b"revisit"
        own += (
            b"WARC-Payload-Digest: sha256:%s\r\nEntrepot-Payload-Length: %d\r\n"
            b"WARC-Refers-To: %s\r\nWARC-Profile: %s\r\n"
        ) % (
            payload.digest.hex().encode(),
            payload.size,
            record_ids.urn(refers_to),
            REVISIT_PROFILE,
        )
    else:
        length += payload.size
    head = (
        b"WARC/1.1\r\nWARC-Type: %s\r\nWARC-Record-ID: %s\r\n%sWARC-Protocol: %s\r\nWARC-Target-URI: %s\r\n"
        b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (kind, identity, own, protocol, uri, content_type, length, block)
    )
    return Record(head, payload if refers_to is None else None)


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
