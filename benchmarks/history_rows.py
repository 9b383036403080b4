"""A catalog of any size for `history`: readings of many documents, as the shipper would have left them there.

Exchanges are made up and put through what the shipper puts them through: `exchange_row` makes their rows, Interpreter
their looks, and `commit_shipment` the one transaction of a spool file. What is left out is what the catalog does not
see: spool, segments and vault, with places in segments that are made up. A test ships the same exchanges for real and
compares the two catalogs.
"""

import random
from collections.abc import Iterator, Sequence
from hashlib import sha256
from uuid import UUID

from entrepot_store.catalog.documents import Side
from entrepot_store.catalog.rows import ExchangeRow, MessageRow, PayloadRow, SegmentRow, Shipment
from entrepot_store.catalog.sql import SqlCatalog
from entrepot_store.documents import Interpreter
from entrepot_store.documents.identity import document_id
from entrepot_store.model import Action, Body, Exchange, LedgerEntry, Request, Response, derived_tail, exchange_id
from entrepot_store.segment.rows import exchange_row

BATCH = 5_000
"""Exchanges of one spool file."""
START = 1_780_000_000_000_000
"""Microseconds; when the first exchange started."""
STEP = 700
"""Microseconds between two exchanges."""
CONTENTS = 8
"""Different contents of one document, in no order: seven looks of eight start a version."""
DESTINATIONS = ("orders", "crm", "warehouse")
CLASS = "config"
_FILLER = "x" * 520


def document(number: int) -> tuple[str, str]:
    """Destination and key of a document."""
    return DESTINATIONS[number % len(DESTINATIONS)], f"/v1/documents/{number}"


def document_uuid(number: int) -> UUID:
    return document_id(*document(number))


def started(number: int) -> int:
    return START + number * STEP


def exchange_uuid(number: int) -> UUID:
    return exchange_id(started(number), derived_tail(b"%d" % number))


def readings(first: int, last: int, documents: int) -> Iterator[Exchange]:
    """The exchanges from the one of number `first` to before `last`, each a GET of one of the documents."""
    for number in range(first, last):
        pick = random.Random(number)
        path = pick.randrange(documents)
        destination, key = document(path)
        # Canonical JSON, of the size of a small document.
        content = b'{"filler":"%s","id":%d,"revision":%d}' % (_FILLER.encode(), path, pick.randrange(CONTENTS))
        trace = pick.randbytes(16).hex()
        yield Exchange(
            id=exchange_uuid(number),
            started_at=started(number),
            source=pick.choice(("billing", "shop", "mobile", "partner-import")),
            destination=destination,
            client_address="10.20.7.5:40000",
            server_address="10.20.4.11:9001",
            rule="settings",
            action=Action.PROTECT,
            retention_class=CLASS,
            request=Request(
                method=b"GET",
                scheme=b"http",
                authority=b"orders.internal:9001",
                path=key.encode(),
                version="HTTP/1.1",
                headers=(
                    (b"Host", b"orders.internal:9001"),
                    (b"User-Agent", b"python-requests/2.32.3"),
                    (b"Accept-Encoding", b"gzip, deflate, br"),
                    (b"Accept", b"*/*"),
                    (b"Connection", b"keep-alive"),
                    (b"Authorization", b"{{secret:authorization:%s}}" % pick.randbytes(8).hex().encode()),
                    (b"traceparent", b"00-%s-%s-01" % (trace.encode(), pick.randbytes(8).hex().encode())),
                ),
            ),
            response=Response(
                version="HTTP/1.1",
                status=200,
                reason=b"OK",
                headers=(
                    (b"Content-Type", b"application/json; charset=utf-8"),
                    (b"Content-Length", b"%d" % len(content)),
                    (b"ETag", b'W/"%s"' % pick.randbytes(8).hex().encode()),
                    (b"Date", b"Sun, 22 Nov 2026 13:%02d:%02d GMT" % (pick.randrange(60), pick.randrange(60))),
                    (b"Server", b"gunicorn"),
                    (b"Cache-Control", b"no-cache"),
                    (b"X-Request-ID", pick.randbytes(16).hex().encode()),
                ),
                body=Body.of(content),
            ),
            request_us=200,
            waiting_us=1000,
            response_us=300,
            trace_id=trace,
        )


def fill(catalogs: Sequence[SqlCatalog], exchanges: int, documents: int) -> Iterator[int]:
    """Brings the same exchanges into empty catalogs; says after every batch how many there are."""
    interpreter = Interpreter({})
    stored: set[bytes] = set()
    for first in range(0, exchanges, BATCH):
        shipment = _shipment(list(readings(first, min(first + BATCH, exchanges), documents)), interpreter, stored)
        for catalog in catalogs:
            catalog.commit_shipment(shipment)
        yield first + shipment.segments[0].exchanges


class _Bodies:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def read(self, side: Side) -> bytes:
        assert side == "response"
        assert self._exchange.response is not None
        return self._exchange.response.body.data or b""


def _shipment(exchanges: Sequence[Exchange], interpreter: Interpreter, stored: set[bytes]) -> Shipment:
    spool = f"{exchanges[0].started_at}-w1-1"
    key = f"segments/{CLASS}/2026/05/28/{spool}.warc.zst"
    rows: list[ExchangeRow] = []
    payloads: list[PayloadRow] = []
    looks = []
    for place, exchange in enumerate(exchanges):
        assert exchange.response is not None
        row = exchange_row(
            exchange,
            key,
            _message(exchange.request, 100_000 + place * 300),
            _message(exchange.response, 100_150 + place * 300),
        )
        rows.append(row)
        looks.extend(interpreter.looks(row, _Bodies(exchange)))
        answer = row.response
        assert answer is not None
        if answer.digest not in stored:
            stored.add(answer.digest)
            record = UUID(bytes=answer.digest[:16])
            payloads.append(PayloadRow(answer.digest, CLASS, answer.size, record, key, answer.offset, answer.length))
    segment = SegmentRow(
        key=key,
        retention_class=CLASS,
        worker="w1",
        spool=spool,
        size=300 * len(rows),
        content_size=1200 * len(rows),
        digest=sha256(key.encode()).digest(),
        dictionary=100_000,
        exchanges=len(rows),
        first_at=rows[0].started_at,
        last_at=rows[-1].started_at,
    )
    done = len(rows) + (exchanges[0].started_at - START) // STEP
    ledger = LedgerEntry("w1", rows[-1].started_at, seen=done, stored=done)
    return Shipment(spool, (segment,), tuple(rows), tuple(payloads), ledger, looks=tuple(looks))


def _message(message: Request | Response, offset: int) -> MessageRow:
    content = message.body.data or b""
    kind = next((value.decode() for name, value in message.headers if name == b"Content-Type"), "")
    return MessageRow(message.headers, kind, len(content), sha256(content).digest(), offset, 140)
