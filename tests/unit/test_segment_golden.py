"""The records spelled out in docs/format.md are the records that we write, byte by byte."""

import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard

from entrepot_store.model import Exchange, Gap, LedgerEntry, WebSocketMessage
from entrepot_store.segment.frames import frame_length, parse_frame_header
from tests.support.segments import ENCODE, exchange, write

PAGE = Path(__file__).parents[2] / "docs" / "format.md"


def golden(name: str) -> bytes:
    """A record of the page. Its lines end with CRLF but for the payload's own ends, of which these have none; bytes
    that are not ASCII are written as in a Python literal."""
    found = re.search(rf"```text golden-{name}\n(.*?)\n?```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found, f"docs/format.md has no golden-{name}"
    text = found[1].replace("\n", "\r\n") + "\r\n\r\n"
    return text.encode("ascii").decode("unicode_escape").encode("latin-1")


def traffic() -> list[Exchange]:
    """What the page's records were captured from."""
    body = (
        b'{"theme":"dark","language":"de","notifications":{'
        + b",".join(b'"topic%d":{"email":true,"push":false}' % number for number in range(13))
        + b"}}"
    )
    first = exchange(
        0,
        sent=body,
        request_headers=(
            (b"Host", b"orders.internal"),
            (b"content-type", b"application/json"),
            (b"Content-Length", b"%d" % len(body)),
        ),
        received=ENCODE["deflate"](b'{"ok":true}'),
        response_headers=(
            (b"Content-Type", b"application/json"),
            (b"Content-Encoding", b"deflate"),
            (b"Transfer-Encoding", b"chunked"),
            (b"Set-Cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
        ),
    )
    assert first.response is not None
    first.response = replace(first.response, trailers=((b"Server-Timing", b"db;dur=3"),))
    second = replace(exchange(1, sent=body), response=None, error="the server closed the connection")
    third = exchange(2)
    third.request = replace(
        third.request, version="HTTP/2.0", scheme=b"https", path=b"/a b", headers=((b"x-note", b"one\ntwo"),)
    )
    third.messages = [WebSocketMessage(third.started_at, True, True, b"hello")]
    return [first, second, third]


@pytest.fixture
def segment(tmp_path: Path) -> bytes:
    ledger = LedgerEntry("w1", 1_763_800_001_000_000, seen=4, stored=2, ignored=1, failed=1)
    gap = Gap("w1", 1_763_799_999_000_000, 1_763_800_000_000_000, 0, "the disk was full")
    write(tmp_path, traffic(), ledger=ledger, gaps=[gap])
    return (tmp_path / "segment.warc.zst").read_bytes()


def frames(segment: bytes) -> list[bytes]:
    """By hand and by the page: no code of the reader's walk."""
    found, at = [], 0
    while not segment.startswith(b"\x5e\x2a\x4d\x18", at):
        length = frame_length(segment, at, parse_frame_header(segment, at))
        found.append(segment[at : at + length])
        at += length
    return found


@pytest.mark.parametrize(
    ("place", "name"),
    list(enumerate(["warcinfo", "request", "response", "revisit", "exact", "answer", "messages"])),
)
def test_records_are_those_of_the_page(segment: bytes, place: int, name: str) -> None:
    record = zstandard.ZstdDecompressor().decompress(frames(segment)[place])
    assert record == golden(name)


def test_the_page_spells_out_every_record(segment: bytes) -> None:
    assert len(frames(segment)) == len(re.findall(r"```text golden-", PAGE.read_text("utf-8")))


def test_the_seal_is_that_of_the_page(segment: bytes) -> None:
    content, seal = segment[:-56], segment[-56:]
    assert seal[:16] == bytes.fromhex("5E2A4D18 30000000") + b"ENTSEAL1"
    assert seal[16:24] == (7).to_bytes(8, "little")
    assert seal[24:] == sha256(content).digest()


def test_frames_have_content_size_and_checksum(segment: bytes) -> None:
    for frame in frames(segment):
        parameters = zstandard.get_frame_parameters(frame)
        assert parameters.has_checksum
        assert parameters.content_size == len(zstandard.ZstdDecompressor().decompress(frame))


def test_a_dictionary_frame_is_that_of_the_page(tmp_path: Path) -> None:
    exchanges = [exchange(number, sent=b'{"name":"n %d"}' % (number * 7919) * 40) for number in range(5000)]
    _, index = write(tmp_path, exchanges)
    raw = (tmp_path / "segment.warc.zst").read_bytes()
    assert raw[:4] == bytes.fromhex("5D2A4D18")
    length = int.from_bytes(raw[4:8], "little")
    assert index.segment.dictionary == 8 + length
    content = zstandard.ZstdDecompressor().decompress(raw[8 : 8 + length])
    assert content[:4] == bytes.fromhex("37A430EC")
    identifier = int.from_bytes(content[4:8], "little")
    assert zstandard.get_frame_parameters(raw[8 + length :]).dict_id == identifier
    dictionary = zstandard.ZstdCompressionDict(content)
    with zstandard.ZstdDecompressor(dict_data=dictionary).stream_reader(raw[8 + length :]) as reader:
        assert reader.read(30) == b"WARC/1.1\r\nWARC-Type: warcinfo\r\n"[:30]
