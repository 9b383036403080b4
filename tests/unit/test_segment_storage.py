"""How bodies are stored: decoded where they can be, once in a class, under headers that do not lie over them."""

import gzip
import io
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest

from entrepot_store.errors import Damaged
from entrepot_store.model import Body, Exchange, Headers
from entrepot_store.segment import Revisit, SegmentIndex, SegmentReader, shape
from entrepot_store.segment.info import REVISIT_MIN
from tests.support.segments import ENCODE, KEY, exchange, write

LONG = b'{"name":"value"}' * 40


def answered(wire: bytes, *headers: tuple[bytes, bytes], truncated: bool = False) -> Exchange:
    captured = exchange(response_headers=headers)
    assert captured.response is not None
    captured.response.body = Body(wire, None, len(wire), truncated)
    return captured


def nowhere(digest: bytes) -> AbstractContextManager[BinaryIO]:
    raise AssertionError(digest.hex())


def block(reader: SegmentReader, index: SegmentIndex) -> bytes:
    """The stored HTTP head of the first response."""
    row = index.exchanges[0].response
    assert row is not None
    raw = reader.head(row.offset, row.length).raw
    return raw.split(b"\r\n\r\n", 1)[1]


@pytest.mark.parametrize("coding", sorted(ENCODE))
def test_a_content_coding_is_undone_and_recorded(tmp_path: Path, coding: str) -> None:
    wire = ENCODE[coding](LONG)
    sent = ((b"CONTENT-Encoding", coding.upper().encode()), (b"Content-Length", b"%d" % len(wire)), (b"ETag", b"1"))
    reader, index = write(tmp_path, [answered(wire, *sent)])
    row = index.exchanges[0].response
    assert row is not None
    assert (row.size, row.digest, row.encoding) == (len(LONG), sha256(LONG).digest(), coding.removeprefix("x-"))
    assert row.headers == sent
    assert block(reader, index) == (
        b"HTTP/1.1 200 OK\r\nEntrepot-Orig-CONTENT-Encoding: %s\r\nEntrepot-Orig-Content-Length: %d\r\nETag: 1\r\n"
        b"Content-Length: 640\r\n\r\n" % (coding.upper().encode(), len(wire))
    )
    restored = next(reader.exchanges(nowhere)).response
    assert restored is not None
    assert restored.headers == sent
    assert restored.body == Body(LONG, None, len(LONG), decoded=coding.removeprefix("x-"))


@pytest.mark.parametrize(
    ("wire", "coding", "truncated", "reason"),
    [
        (b"not gzip", b"gzip", False, b"gzip: "),
        (gzip.compress(LONG, mtime=0)[:-1], b"gzip", False, b"gzip: cut short"),
        (gzip.compress(LONG)[:-9], b"gzip", True, b"truncated"),
        (b"anything", b"aes128gcm", False, b"unknown coding aes128gcm"),
        (gzip.compress(LONG), b"br, gzip", False, b"br: "),
        (gzip.compress(bytes(60 * 2**20)), b"gzip", False, b"gzip: over "),
    ],
    ids=["malformed", "cut short", "truncated", "unknown", "wrong order", "bomb"],
)
def test_what_cannot_be_decoded_stays_as_on_the_wire(
    tmp_path: Path, wire: bytes, coding: bytes, truncated: bool, reason: bytes
) -> None:
    sent = ((b"Content-Encoding", coding), (b"Content-Length", b"%d" % len(wire)))
    reader, index = write(tmp_path, [answered(wire, *sent, truncated=truncated)])
    row = index.exchanges[0].response
    assert row is not None
    assert (row.size, row.digest, row.encoding) == (len(wire), sha256(wire).digest(), "")
    head = reader.head(row.offset, row.length)
    assert (head.fields.get(b"Entrepot-Kept") or b"").startswith(reason)
    assert b"Entrepot-Orig" not in head.raw
    restored = next(reader.exchanges(nowhere)).response
    assert restored is not None
    assert restored.body == Body(wire, None, len(wire), truncated)


@pytest.mark.parametrize(
    ("headers", "body", "stored"),
    [
        ([], b"", []),
        ([], b"ab", [b"Content-Length: 2"]),
        ([(b"Content-Length", b"2")], b"ab", [b"Content-Length: 2"]),
        ([(b"content-length", b"02")], b"ab", [b"Entrepot-Orig-content-length: 02", b"Content-Length: 2"]),
        ([(b"Content-Length", b"40")], b"", [b"Entrepot-Orig-Content-Length: 40"]),  # an answer to HEAD
        (
            [(b"Content-Length", b"2"), (b"Content-Length", b"2")],
            b"ab",
            [b"Entrepot-Orig-Content-Length: 2", b"Entrepot-Orig-Content-Length: 2", b"Content-Length: 2"],
        ),
        ([(b"Transfer-Encoding", b"chunked")], b"", [b"Entrepot-Orig-Transfer-Encoding: chunked"]),
        (
            [(b"entrepot-ORIG-Content-Length", b"7"), (b"Entrepot-Orig-Entrepot-Orig-X", b"")],
            b"",
            [b"Entrepot-Orig-entrepot-ORIG-Content-Length: 7", b"Entrepot-Orig-Entrepot-Orig-Entrepot-Orig-X: "],
        ),
        ([(b"Content-Encoding", b"gzip")], b"", [b"Content-Encoding: gzip"]),
        ([(b"100%-Natural", b"%s %d")], b"", [b"100%-Natural: %s %d"]),
    ],
)
def test_headers_are_renamed_only_where_they_would_lie(
    tmp_path: Path, headers: list[tuple[bytes, bytes]], body: bytes, stored: list[bytes]
) -> None:
    reader, index = write(tmp_path, [answered(body, *headers)])
    assert block(reader, index).split(b"\r\n")[1:-2] == stored
    restored = next(reader.exchanges(nowhere)).response
    assert restored is not None
    assert restored.headers == tuple(headers)


@pytest.mark.parametrize(
    "headers",
    [
        ((b"X", b"a\r\nY: b"),),
        ((b"X", b"a\nb"),),
        ((b"X", b"a\rb"),),
        ((b"X", b"\x00"),),
        ((b"X: Y", b"b"),),
        ((b"", b"b"),),
        ((b" X", b"b"),),
        ((b"X\r\nY", b"b"),),
        ((b"\xc3\xa9", b"\xff"),),
    ],
)
def test_headers_that_http_cannot_hold_come_back_and_the_block_stays_readable(tmp_path: Path, headers: Headers) -> None:
    reader, index = write(tmp_path, [answered(b"body", *headers)])
    lines = block(reader, index).split(b"\r\n")
    assert len(lines) == 1 + len(headers) + 1 + 2
    assert all(b"\n" not in line and b"\r" not in line and b"\x00" not in line for line in lines)
    restored = next(reader.exchanges(nowhere)).response
    assert restored is not None
    assert restored.headers == headers


def test_hostile_headers_do_not_fill_the_memory(tmp_path: Path) -> None:
    before = shape._shape.cache_info().currsize
    many = tuple((b"X-%d" % number, b"") for number in range(5000))
    long = ((b"X" * 10_000, b"v"), (b"Content-Type", b"y" * 10_000))
    captured = [answered(b"", *many), answered(b"", *long)]
    captured[1] = replace(captured[1], id=UUID(int=captured[1].id.int + 16), destination="d" * 10_000)
    reader, index = write(tmp_path, captured)
    assert list(reader.exchanges(nowhere)) == captured
    assert reader.index(KEY)[0] == index
    assert shape._shape.cache_info().currsize <= before + 2  # those of the two requests


def test_a_repeated_body_is_stored_once(tmp_path: Path) -> None:
    exchanges = [exchange(0, sent=LONG), exchange(1, sent=LONG, received=LONG), exchange(2, sent=LONG + b" ")]
    reader, index = write(tmp_path, exchanges)
    first = index.exchanges[0].request
    assert [(row.offset, row.size) for row in index.payloads] == [
        (first.offset, 640),
        (index.exchanges[2].request.offset, 641),
    ]
    assert index.payloads[0].record_id == exchanges[0].id
    again = index.exchanges[1].request
    assert (again.digest, again.size) == (first.digest, first.size)
    assert reader.open_body(again.offset, again.length) == Revisit(first.digest, exchanges[0].id)
    assert list(reader.exchanges(nowhere)) == exchanges


def test_an_answer_that_was_stored_first_is_what_a_request_refers_to(tmp_path: Path) -> None:
    reader, index = write(tmp_path, [exchange(0, received=LONG), exchange(1, sent=LONG)])
    answer = index.exchanges[0].response
    assert answer is not None
    found = reader.open_body(index.exchanges[1].request.offset, index.exchanges[1].request.length)
    assert isinstance(found, Revisit)
    assert found.record_id == index.payloads[0].record_id == reader.head(answer.offset, answer.length).record_id


@pytest.mark.parametrize("size", [REVISIT_MIN - 1, REVISIT_MIN])
def test_short_bodies_are_not_worth_a_revisit(tmp_path: Path, size: int) -> None:
    body = b"x" * size
    _, index = write(tmp_path, [exchange(0, sent=body), exchange(1, sent=body)])
    assert len(index.payloads) == (size >= REVISIT_MIN)


def test_a_body_that_the_class_already_stores_is_referred_to(tmp_path: Path) -> None:
    _, first = write(tmp_path, [exchange(0, sent=LONG)])
    payload = first.payloads[0]
    reader, second = write(tmp_path, [exchange(1, sent=LONG)], known=lambda _: {payload.digest: payload}, name="second")
    assert second.payloads == ()
    row = second.exchanges[0].request
    assert reader.open_body(row.offset, row.length) == Revisit(payload.digest, payload.record_id)
    assert reader.index(KEY)[0] == second
    restored = next(reader.exchanges(lambda digest: nullcontext(io.BytesIO(LONG if digest == payload.digest else b""))))
    assert restored.request.body == Body.of(LONG)


def test_a_resolver_that_brings_something_else_is_found_out(tmp_path: Path) -> None:
    _, first = write(tmp_path, [exchange(0, sent=LONG)])
    known = {row.digest: row for row in first.payloads}
    reader, _ = write(tmp_path, [exchange(1, sent=LONG)], known=lambda _: known, name="second")
    with pytest.raises(Damaged, match="not of its digest"):
        list(reader.exchanges(lambda _: nullcontext(io.BytesIO(LONG[:-1] + b"x"))))


def test_a_compressed_and_a_plain_body_of_the_same_content_are_one(tmp_path: Path) -> None:
    zipped = answered(gzip.compress(LONG), (b"Content-Encoding", b"gzip"))
    reader, index = write(tmp_path, [zipped, exchange(1, sent=LONG)])
    assert len(index.payloads) == 1
    assert next(iter(reader.exchanges(nowhere))).response is not None
