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
from .fields import MESSAGES_TYPE, REQUEST_TYPE, RESPONSE_TYPE, REVISIT_PROFILE, format_digest
from .payload import Payload, Prepared


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


class ExchangeRecords:
    """The records of one exchange. What they share is formatted once."""

    __slots__ = ("_date", "_exact", "_exchange", "_request_id", "_response_id", "_uri")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._exact: Exact = {}
        self._date = facts.date_of(exchange, self._exact)
        self._request_id, self._response_id = record_ids.urns(exchange.id)
        self._uri = http_block.target_uri(exchange.request)

    def request(self, prepared: Prepared, storing: Storing = IN_FULL) -> Record:
        request, exact = self._exchange.request, dict(self._exact)
        block, added = http_block.request_head(request, prepared, exact)
        own = facts.format_facts(self._exchange, exact)
        if request.trailers:
            own += facts.format_trailers(request.trailers, exact)
        own += _payload_fields(prepared.payload, added, exact)
        own += self._protocol(request.version, exact)
        if exact:
            own += b"Entrepot-Exact: %s\r\n" % pack_exact(exact)
        identity = b"%s\r\nWARC-Date: %s\r\n" % (self._request_id, self._date)
        return self._record((b"request", identity, own, REQUEST_TYPE), block, prepared.payload, storing)

    def response(self, prepared: Prepared, storing: Storing = IN_FULL) -> Record:
        """Raises ValueError if the exchange has no response."""
        response = self._exchange.response
        if response is None:
            raise ValueError("the exchange has no response")
        exact: Exact = {}  # the date is the request's, and exact there
        block, added = http_block.response_head(response, prepared, exact)
        own = _payload_fields(prepared.payload, added, exact)
        if response.trailers:
            own += facts.format_trailers(response.trailers, exact)
        own += self._protocol(response.version, exact)
        if exact:
            own += b"Entrepot-Exact: %s\r\n" % pack_exact(exact)
        identity = b"%s\r\nWARC-Concurrent-To: %s\r\nWARC-Date: %s\r\n" % (
            self._response_id,
            self._request_id,
            self._date,
        )
        return self._record((b"response", identity, own, RESPONSE_TYPE), block, prepared.payload, storing)

    def messages(self, *, digest: bool = False) -> Record:
        """The WebSocket messages, in a record of their own: one msgpack array after the other."""
        payload = Payload.of(pack_messages(self._exchange.messages))
        head = (
            b"WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: %s\r\nWARC-Concurrent-To: %s\r\nWARC-Date: %s\r\n%s"
            b"WARC-Target-URI: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        ) % (
            record_ids.urn(record_ids.messages_id(self._exchange.id)),
            self._request_id,
            self._date,
            b"WARC-Payload-Digest: %s\r\n" % format_digest(payload.digest) if digest else b"",
            self._uri,
            MESSAGES_TYPE,
            payload.size,
        )
        return Record(head, payload)

    def _protocol(self, version: str, exact: Exact) -> bytes:
        return b"WARC-Protocol: %s\r\n" % http_block.protocol_of(version, self._exchange.request.scheme, exact)

    def _record(
        self, parts: tuple[bytes, bytes, bytes, bytes], block: bytes, payload: Payload, storing: Storing
    ) -> Record:
        kind, identity, own, content_type = parts
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
        head = (
            b"WARC/1.1\r\nWARC-Type: %s\r\nWARC-Record-ID: %s%sWARC-Target-URI: %s\r\n"
            b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
        ) % (kind, identity, own, self._uri, content_type, length, block)
        return Record(head, payload if storing.refers_to is None else None)


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
    if payload.withheld:
        lines += b"Entrepot-Withheld: %s\r\n" % as_text(payload.withheld).encode()
    if added:
        lines += b"Entrepot-Added: Content-Length\r\n"
    return lines
