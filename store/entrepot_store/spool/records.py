"""What a spool frame holds: msgpack arrays that begin with a kind. The order of fields is the format.

Written down in `docs/format.md`. Arrays and not maps, because one is written for every exchange on the capture path:
field names would cost a third of the record. A reader ignores fields behind those it knows, and refuses kinds it does
not know.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgpack

from ..errors import Damaged, TooNew
from ..model import Action, Body, Exchange, Gap, LedgerEntry, Request, Response, WebSocketMessage

EXCHANGE, LEDGER, GAP, HEAD = 1, 2, 3, 4
FORMAT = 1
"""Version of the spool format that this module writes and reads; also in the file magic."""

type Record = Exchange | LedgerEntry | Gap | Head
type _Fields = Sequence[Any]


@dataclass(slots=True, frozen=True)
class Head:
    """First record of every file: who wrote it, its number in that worker's run, when it was begun, in which format.

    The format is said again here, under a checksum, because the file magic has none.
    """

    worker: str
    sequence: int
    created: int
    version: int = FORMAT


def pack_exchange(exchange: Exchange) -> bytes:
    """The payload of its frame. Bodies that are files are named, not read."""
    request, response = exchange.request, exchange.response
    return _pack(
        (
            EXCHANGE,
            exchange.id.bytes,
            exchange.started_at,
            (exchange.request_us, exchange.waiting_us, exchange.response_us),
            exchange.source,
            exchange.destination,
            exchange.client_address,
            exchange.server_address,
            exchange.rule,
            exchange.action.value,
            exchange.retention_class,
            exchange.trace_id,
            exchange.error,
            (
                request.method,
                request.scheme,
                request.authority,
                request.path,
                request.version,
                request.headers,
                _body_fields(request.body),
                request.trailers,
            ),
            None
            if response is None
            else (
                response.version,
                response.status,
                response.reason,
                response.headers,
                _body_fields(response.body),
                response.trailers,
            ),
            [(m.at, m.from_client, m.text, m.data) for m in exchange.messages],
            exchange.messages_missing,
        )
    )


def pack_ledger(entry: LedgerEntry) -> bytes:
    return _pack(
        (
            LEDGER,
            entry.worker,
            entry.at,
            entry.seen,
            entry.stored,
            entry.ignored,
            entry.truncated,
            entry.failed,
            entry.in_flight,
        )
    )


def pack_gap(gap: Gap) -> bytes:
    return _pack((GAP, gap.worker, gap.since, gap.until, gap.missing, gap.reason))


def pack_head(head: Head) -> bytes:
    return _pack((HEAD, head.worker, head.sequence, head.created, head.version))


def unpack(payload: bytes | memoryview) -> Record:
    """The record in a frame whose checksum held. Raises TooNew for an unknown kind, Damaged for a malformed record."""
    try:
        fields = msgpack.unpackb(payload, use_list=False, raw=False, strict_map_key=False)
        kind = fields[0]
        if kind == EXCHANGE:
            return _exchange(fields)
        if kind == LEDGER:
            return LedgerEntry(*fields[1:9])
        if kind == GAP:
            return Gap(*fields[1:6])
        if kind == HEAD:
            return Head(*fields[1:5])
    except (ValueError, TypeError, IndexError, KeyError, msgpack.UnpackException) as error:
        raise Damaged(f"A spool record does not decode although its checksum holds: {error!r}.") from error
    raise TooNew(
        f"A spool record is of kind {kind!r}, which this version does not know.",
        hint="Ship it with the version that wrote it.",
    )


def _exchange(fields: _Fields) -> Exchange:
    return Exchange(
        id=UUID(bytes=fields[1]),
        started_at=fields[2],
        request_us=fields[3][0],
        waiting_us=fields[3][1],
        response_us=fields[3][2],
        source=fields[4],
        destination=fields[5],
        client_address=fields[6],
        server_address=fields[7],
        rule=fields[8],
        action=Action(fields[9]),
        retention_class=fields[10],
        trace_id=fields[11],
        error=fields[12],
        request=_request(fields[13]),
        response=None if fields[14] is None else _response(fields[14]),
        messages=[WebSocketMessage(*message) for message in fields[15]],
        messages_missing=fields[16],
    )


def _request(fields: _Fields) -> Request:
    method, scheme, authority, path, version, headers, body, trailers = fields[:8]
    return Request(method, scheme, authority, path, version, headers, _body(body), trailers)


def _response(fields: _Fields) -> Response:
    version, status, reason, headers, body, trailers = fields[:6]
    return Response(version, status, reason, headers, _body(body), trailers)


def _body_fields(body: Body) -> tuple[Any, ...]:
    if body.withheld or body.wire:
        return body.data, body.file, body.size, body.truncated, body.decoded, body.withheld, body.wire
    return body.data, body.file, body.size, body.truncated, body.decoded


def _body(fields: _Fields) -> Body:
    return Body(*fields[:7])


def _pack(fields: tuple[Any, ...]) -> bytes:
    # Texts come from names, addresses and error messages; one that no encoding holds must not cost the exchange.
    packed: bytes = msgpack.packb(fields, use_bin_type=True, unicode_errors="replace")
    return packed
