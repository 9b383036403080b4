"""Spool files as a proxy would have left them, for tests that begin at the shipper."""

import os
from collections.abc import Sequence
from pathlib import Path

from entrepot_store.model import Action, Body, Exchange, Gap, LedgerEntry, Request, Response, exchange_id
from entrepot_store.spool.files import SpoolFolder, SpoolName
from entrepot_store.spool.frames import FILE_MAGIC, encode_frame
from entrepot_store.spool.records import Head, pack_exchange, pack_gap, pack_head, pack_ledger

START = 1_763_800_000_000_000
"""2025-11-22, in microseconds: when the traffic of the tests begins."""


def make_exchange(number: int, *, retention_class: str = "default", body: bytes | None = None) -> Exchange:
    """The `number`th exchange: a PUT of a setting, a millisecond after the one before; always the same bytes."""
    started = START + number * 1000
    sent = body if body is not None else b'{"user": %d, "theme": "dark"}' % number
    answer = b'{"ok": true, "user": %d}' % number
    return Exchange(
        id=exchange_id(started, number.to_bytes(8)),
        started_at=started,
        source="billing",
        destination="orders",
        client_address="127.0.0.1:50000",
        server_address="127.0.0.1:9001",
        rule="settings",
        action=Action.CAPTURE,
        retention_class=retention_class,
        request=Request(
            method=b"PUT",
            scheme=b"http",
            authority=b"orders.internal",
            path=b"/v1/settings/%d?full=1" % number,
            version="HTTP/1.1",
            headers=(
                (b"Host", b"orders.internal"),
                (b"content-type", b"application/json"),
                (b"Content-Length", b"%d" % len(sent)),
            ),
            body=Body.of(sent),
        ),
        response=Response(
            version="HTTP/1.1",
            status=200,
            reason=b"OK",
            headers=((b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(answer))),
            body=Body.of(answer),
        ),
        request_us=200,
        waiting_us=1500,
        response_us=300,
    )


def spool_bytes(
    name: SpoolName, exchanges: Sequence[Exchange], ledger: LedgerEntry | None = None, gaps: Sequence[Gap] = ()
) -> bytes:
    """A whole spool file."""
    frames = [encode_frame(pack_head(Head(name.worker, name.sequence, name.created)))]
    frames += [encode_frame(pack_exchange(exchange)) for exchange in exchanges]
    frames += [encode_frame(pack_gap(gap)) for gap in gaps]
    if ledger is not None:
        frames.append(encode_frame(pack_ledger(ledger)))
    return FILE_MAGIC + b"".join(frames)


def write_sealed(
    spool: SpoolFolder,
    exchanges: Sequence[Exchange],
    *,
    worker: str = "w1",
    sequence: int = 1,
    ledger: LedgerEntry | None = None,
    gaps: Sequence[Gap] = (),
) -> SpoolName:
    """Puts a sealed file into the spool; with a ledger that says all of it was stored unless one is given."""
    name = SpoolName(START + sequence * 1_000_000, worker, sequence)
    entry = ledger or LedgerEntry(worker, name.created + 1000, seen=len(exchanges), stored=len(exchanges))
    write_file(spool.sealed_path(name), spool_bytes(name, exchanges, entry, gaps))
    return name


def write_file(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
