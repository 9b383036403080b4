"""Segments for tests: written into a folder with one call, and exchanges of every hostile shape from Hypothesis."""

import gzip
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import brotli
import zstandard
from hypothesis import strategies as st

from entrepot_store.catalog.rows import PayloadRow
from entrepot_store.model import (
    Action,
    Body,
    Exchange,
    Gap,
    Headers,
    LedgerEntry,
    Request,
    Response,
    WebSocketMessage,
    exchange_id,
)
from entrepot_store.segment import FileSource, SegmentIndex, SegmentReader, write_segment

KEY = "segments/default/2025/11/22/20251122T082640000000Z-w1-000001.warc.zst"
START = 1_763_800_000_000_000

ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


def nothing_known(_digests: Collection[bytes]) -> Mapping[bytes, PayloadRow]:
    return {}


def write(
    folder: Path,
    exchanges: Sequence[Exchange],
    *,
    ledger: LedgerEntry | None = None,
    gaps: Sequence[Gap] = (),
    known: Callable[[Collection[bytes]], Mapping[bytes, PayloadRow]] = nothing_known,
    name: str = "segment.warc.zst",
    key: str = KEY,
) -> tuple[SegmentReader, SegmentIndex]:
    """The segment of these exchanges in `folder/name`; bodies in files are looked for in `folder`."""
    index = write_segment(
        folder / name,
        key=key,
        retention_class="default",
        worker="w1",
        spool="20251122T082640000000Z-w1-000001",
        exchanges=exchanges,
        ledger=ledger,
        gaps=gaps,
        bodies=folder,
        known=known,
        software="entrepot/0.1.0",
    )
    return SegmentReader(FileSource(folder / name)), index


def exchange(
    number: int = 0,
    *,
    sent: bytes = b"",
    received: bytes = b'{"ok":true}',
    request_headers: Headers = ((b"Host", b"orders.internal"),),
    response_headers: Headers = ((b"Content-Type", b"application/json"),),
) -> Exchange:
    """A plain exchange, a millisecond after the one before."""
    started = START + number * 1000
    return Exchange(
        id=exchange_id(started, (number * 16).to_bytes(8)),
        started_at=started,
        source="billing",
        destination="orders",
        client_address="10.0.0.4:51234",
        server_address="10.0.3.7:9001",
        rule="settings",
        action=Action.PROTECT,
        retention_class="default",
        request=Request(
            b"PUT", b"http", b"orders.internal", b"/v1/settings/7", "HTTP/1.1", request_headers, Body.of(sent)
        ),
        response=Response("HTTP/1.1", 200, b"OK", response_headers, Body.of(received)),
        request_us=210,
        waiting_us=3400,
        response_us=120,
    )


def with_decoded(body: Body, data: bytes, encoding: str) -> Body:
    """What a body must read back as once its content coding was undone."""
    return replace(body, data=data, file=None, size=len(data), decoded=encoding)


# Hostile exchanges

_HEADER_NAMES = st.one_of(
    st.sampled_from(
        b"Host,X-A,x-a,Set-Cookie,Content-Type,Content-Length,content-length,Transfer-Encoding,Entrepot-Orig-X,"
        b"entrepot-orig-content-length,Content-Encoding: x,%s".split(b",")
    ),
    st.binary(max_size=12),
)
_HEADER_VALUES = st.one_of(
    st.sampled_from(
        [b"", b" ", b"5", b"chunked", b"a\r\nB: c", b"\x00", b"\xff\xfe", b"a: b", b"%d", b"\n", b" tail "]
    ),
    st.binary(max_size=30),
)
_HEADERS = st.lists(st.tuples(_HEADER_NAMES, _HEADER_VALUES), max_size=6).map(tuple)
_TEXT = st.one_of(
    st.sampled_from(["", "orders", " a", "b\r\nc", "Zürich", "\ud800", "::1", "[::1]:80"]), st.text(max_size=10)
)
_TIMES = st.one_of(st.integers(0, 2**53), st.sampled_from([-1, -(10**18), 2**62, START]))
_VERSIONS = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/3", "HTTP/0.9", "", "HTTP/1.1\r\n"])
_PATHS = st.one_of(
    st.sampled_from([b"/", b"", b"*", b"/a b", b"/?q=%20", b"http://x/y", b"/\r\n", b"/<>"]), st.binary(max_size=20)
)


@st.composite
def _bodies(draw: st.DrawFn, headers: Headers) -> tuple[Headers, Body, Body]:
    """Headers with the coding, the body as captured, and the body as it must read back."""
    data = draw(st.one_of(st.binary(max_size=600), st.sampled_from([b"", b"x" * 600, b"{}" * 400])))
    truncated = draw(st.booleans())
    codings = draw(st.lists(st.sampled_from(sorted(ENCODE)), max_size=3))
    # A coding that the random headers bring along by themselves would make the expectation a second implementation.
    headers = tuple(pair for pair in headers if pair[0].lower() != b"content-encoding")
    if not codings:
        decoded = draw(st.sampled_from(["", "", "gzip", "br, gzip", "odd\n"]))
        body = Body(data, None, len(data), truncated, decoded)
        return headers, body, body
    headers = (*headers, (b"Content-Encoding", ", ".join(codings).encode()))
    if draw(st.integers(0, 9)) == 0 or truncated:
        body = Body(data, None, len(data), truncated=truncated)
        undecodable = truncated or not data or codings[-1] in ("gzip", "x-gzip", "zstd")  # these begin with a magic
        return (headers, body, body) if undecodable else (headers, Body(), Body())
    wire = data
    for coding in codings:
        wire = ENCODE[coding](wire)
    body = Body(wire, None, len(wire))
    return headers, body, with_decoded(body, data, ", ".join(codings).replace("x-gzip", "gzip"))


@st.composite
def hostile_exchanges(draw: st.DrawFn) -> tuple[Exchange, Exchange]:
    """An exchange that no HTTP syntax holds, and the same as it must read back (bodies decoded)."""
    request_headers, sent, sent_back = draw(_bodies(draw(_HEADERS)))
    response_headers, received, received_back = draw(_bodies(draw(_HEADERS)))
    request = Request(
        method=draw(st.one_of(st.sampled_from([b"GET", b"PUT", b"", b"G ET"]), st.binary(max_size=8))),
        scheme=draw(st.sampled_from([b"http", b"https", b"", b"ftp", b"h\n"])),
        authority=draw(st.one_of(st.sampled_from([b"a.b:80", b"", b"a/b", b"[::1]:8"]), st.binary(max_size=12))),
        path=draw(_PATHS),
        version=draw(_VERSIONS),
        headers=request_headers,
        body=sent,
        trailers=draw(_HEADERS),
    )
    response = None
    if draw(st.booleans()):
        response = Response(
            version=draw(_VERSIONS),
            status=draw(st.sampled_from([200, 204, 304, 100, 999, 0, 7, 1000, -1])),
            reason=draw(st.one_of(st.sampled_from([b"OK", b"", b"a\r\nb", b" "]), st.binary(max_size=8))),
            headers=response_headers,
            body=received,
            trailers=draw(_HEADERS),
        )
    messages = draw(
        st.lists(
            st.builds(
                WebSocketMessage,
                at=st.integers(0, 2**60),
                from_client=st.booleans(),
                text=st.booleans(),
                data=st.binary(max_size=40),
            ),
            max_size=3,
        )
    )
    captured = Exchange(
        id=draw(st.one_of(st.uuids(), st.builds(lambda n: UUID(int=n), st.integers(0, 2**128 - 1)))),
        started_at=draw(_TIMES),
        source=draw(_TEXT),
        destination=draw(_TEXT),
        client_address=draw(_TEXT),
        server_address=draw(_TEXT),
        rule=draw(_TEXT),
        action=draw(st.sampled_from(Action)),
        retention_class=draw(_TEXT),
        request=request,
        response=response,
        error=draw(st.one_of(st.none(), _TEXT)),
        request_us=draw(st.integers(0, 2**40)),
        waiting_us=draw(st.integers(0, 2**40)),
        response_us=draw(st.integers(0, 2**40)),
        trace_id=draw(st.one_of(st.none(), _TEXT)),
        messages=messages,
        messages_missing=draw(st.integers(0, 5)),
    )
    expected = replace(
        captured,
        request=replace(request, body=sent_back),
        response=None if response is None else replace(response, body=received_back),
    )
    return captured, expected
