"""Catalog rows for tests and benchmarks: realistic ones in any number, and single ones with chosen fields."""

import random
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from entrepot_store.catalog import ExchangeRow, MessageRow, PayloadRow, SegmentRow, Shipment
from entrepot_store.model import Action, Gap, Headers, LedgerEntry, derived_tail, exchange_id

START = 1_780_000_000_000_000
"""Microseconds; when the first exchange of these started."""


def segment_row(spool: str, retention_class: str = "default", **fields: Any) -> SegmentRow:
    row = SegmentRow(
        key=f"segments/{retention_class}/2026/11/22/{spool}.warc.zst",
        retention_class=retention_class,
        worker="w1",
        spool=spool,
        size=1000,
        content_size=5000,
        digest=sha256(spool.encode()).digest(),
        dictionary=0,
        exchanges=0,
        first_at=START,
        last_at=START,
    )
    return replace(row, **fields)


def message_row(body: bytes = b"", **fields: Any) -> MessageRow:
    row = MessageRow(
        headers=((b"Content-Type", b"application/json"), (b"content-length", b"%d" % len(body))),
        content_type="application/json",
        size=len(body),
        digest=sha256(body).digest(),
        offset=100,
        length=200,
    )
    return replace(row, **fields)


def exchange_row(number: int, segment: str = "segments/default/s.warc.zst", **fields: Any) -> ExchangeRow:
    """The exchange that started `number` milliseconds after START; the same number gives the same id."""
    started_at = fields.pop("started_at", START + number * 1000)
    row = ExchangeRow(
        id=exchange_id(started_at, derived_tail(b"%d" % number)),
        started_at=started_at,
        duration_us=1500,
        source="billing",
        destination="orders",
        method="GET",
        url=f"http://orders.internal/v1/orders/{number}?x=1",
        path=f"/v1/orders/{number}",
        status=200,
        http_version="HTTP/1.1",
        rule="default",
        action=Action.CAPTURE,
        retention_class="default",
        complete=True,
        error=None,
        trace_id=None,
        segment=segment,
        request=message_row(),
        response=message_row(b"%d" % number),
    )
    return replace(row, **fields)


def payload_row(body: bytes, segment: str, **fields: Any) -> PayloadRow:
    digest = sha256(body).digest()
    row = PayloadRow(
        digest=digest,
        retention_class="default",
        size=len(body),
        record_id=UUID(bytes=digest[:16]),
        segment=segment,
        offset=100,
        length=200,
    )
    return replace(row, **fields)


def shipment(
    spool: str,
    exchanges: Sequence[ExchangeRow] = (),
    *,
    ledger: LedgerEntry | None = None,
    gaps: Sequence[Gap] = (),
    payloads: Sequence[PayloadRow] = (),
) -> Shipment:
    """One spool file with one segment, to which all the exchanges are moved."""
    segment = segment_row(spool, exchanges=len(exchanges))
    return Shipment(
        spool=spool,
        segments=(segment,),
        exchanges=tuple(replace(row, segment=segment.key) for row in exchanges),
        payloads=tuple(replace(row, segment=segment.key) for row in payloads),
        ledger=ledger,
        gaps=tuple(gaps),
    )


def realistic(count: int, seed: int = 1, first: int = 0) -> list[ExchangeRow]:
    """Traffic of a few products: headers as clients and servers send them, ids that differ, some failures."""
    chance = random.Random(seed)

    def hexadecimal(length: int) -> bytes:
        return chance.randbytes(length).hex().encode()

    def request_headers(size: int) -> Headers:
        return (
            (b"Host", b"orders.internal:9001"),
            (b"User-Agent", b"python-requests/2.32.3"),
            (b"Accept-Encoding", b"gzip, deflate, br"),
            (b"Accept", b"*/*"),
            (b"Connection", b"keep-alive"),
            (b"Authorization", b"{{secret:authorization:" + hexadecimal(8) + b"}}"),
            (b"traceparent", b"00-" + hexadecimal(16) + b"-" + hexadecimal(8) + b"-01"),
            (b"Content-Type", b"application/json"),
            (b"Content-Length", b"%d" % size),
        )

    def response_headers(size: int) -> Headers:
        return (
            (b"Content-Type", b"application/json; charset=utf-8"),
            (b"Content-Length", b"%d" % size),
            (b"ETag", b'W/"' + hexadecimal(8) + b'"'),
            (b"Date", b"Sun, 22 Nov 2026 13:%02d:%02d GMT" % (chance.randrange(60), chance.randrange(60))),
            (b"Server", b"gunicorn"),
            (b"Cache-Control", b"no-cache"),
            (b"X-Request-ID", hexadecimal(16)),
        )

    rows = []
    for number in range(first, first + count):
        started_at = START + number * 700
        kind = chance.choice(("orders", "settings", "customers", "stock"))
        path = f"/v1/{kind}/{chance.randrange(20_000)}"
        sent, received = chance.randrange(2000), chance.randrange(4000)
        status = chance.choices((200, 201, 404, 500), (90, 7, 2, 1))[0]
        rows.append(
            exchange_row(
                number,
                started_at=started_at,
                source=chance.choice(("billing", "shop", "mobile", "partner-import")),
                destination=chance.choice(("orders", "crm", "warehouse")),
                method=chance.choices(("GET", "PUT", "POST"), (7, 2, 1))[0],
                url=f"http://orders.internal:9001{path}?expand=lines",
                path=path,
                status=status,
                trace_id=hexadecimal(16).decode() if chance.random() < 0.8 else None,
                request=message_row(
                    headers=request_headers(sent), size=sent, digest=chance.randbytes(32), offset=number * 500
                ),
                response=message_row(
                    headers=response_headers(received),
                    content_type="application/json; charset=utf-8",
                    size=received,
                    digest=chance.randbytes(32),
                    offset=number * 500 + 250,
                ),
            )
        )
    return rows
