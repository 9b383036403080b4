"""warcio, which knows nothing of us, judges our records: as `.warc.gz` export, and as the frames of a segment."""

import gzip
import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from entrepot_store.export.warc_gz import write_warc_gz
from entrepot_store.model import Body, Exchange, WebSocketMessage
from entrepot_store.segment.walk import SegmentWalk
from tests.support.segments import exchange, hostile_exchanges, write

JSON = (b"Content-Type", b"application/json")


def traffic() -> list[Exchange]:
    """One of everything: gzip, chunked, HTTP/2, a repeated body, no answer, a WebSocket, syntax HTTP/1 cannot hold."""
    body = b'{"name":"value"}' * 40
    zipped = exchange(
        1, received=gzip.compress(b"zipped " * 100), response_headers=(JSON, (b"Content-Encoding", b"gzip"))
    )
    chunked = exchange(2, received=b"x" * 10, response_headers=((b"Transfer-Encoding", b"chunked"),))
    modern = exchange(3, sent=body)
    modern.request = replace(modern.request, version="HTTP/2.0", scheme=b"https", headers=((b"accept", b"a\nb\x00"),))
    hostile = exchange(4)
    hostile.request = replace(hostile.request, method=b"G\xffT", path=b"/a b\r\n", authority=b"")
    broken = replace(exchange(5), response=None, error="reset\r\nby peer")
    socket = exchange(6)
    socket.messages = [WebSocketMessage(1, True, True, b"hello")]
    bomb = exchange(7, received=b"not gzip at all", response_headers=((b"Content-Encoding", b"gzip"),))
    empty = exchange(8, received=b"", response_headers=((b"Content-Encoding", b"gzip"), (b"Content-Length", b"20")))
    return [exchange(0, sent=body), zipped, chunked, modern, hostile, broken, socket, bomb, empty]


def uncompressed(path: Path) -> bytes:
    """The WARC file that a segment is."""
    with path.open("rb") as stream:
        return b"".join(piece for frame, decoder in SegmentWalk(stream).frames() for piece in decoder.pieces(frame))


def records(content: bytes) -> list[Any]:
    found = []
    for record in ArchiveIterator(io.BytesIO(content), check_digests="raise"):
        record.body = record.raw_stream.read()
        found.append(record)
    return found


def check(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail" not in done.stdout


def test_warcio_check_passes_on_the_export(tmp_path: Path) -> None:
    target = tmp_path / "export.warc.gz"
    with target.open("wb") as stream:
        assert write_warc_gz(traffic(), stream) == 9
    check(target)
    found = records(target.read_bytes())
    assert [record.rec_type for record in found].count("request") == 9
    assert [record.rec_type for record in found].count("response") == 8
    assert [record.rec_type for record in found].count("resource") == 1
    checked = [record for record in found if record.rec_headers.get_header("WARC-Payload-Digest")]
    assert len(checked) == 18
    assert all(record.digest_checker.passed for record in checked)


def test_warcio_notices_a_changed_payload_in_the_export() -> None:
    """The test of the test above: the digests are really looked at."""
    sink = io.BytesIO()
    write_warc_gz([exchange(sent=b"payload of the request")], sink)
    content = gzip.decompress(sink.getvalue()).replace(b"payload of the", b"payload of THE")
    with pytest.raises(Exception, match="digest failed"):
        records(content)


def test_warcio_reads_the_records_of_a_segment(tmp_path: Path) -> None:
    write(tmp_path, traffic())
    plain = tmp_path / "plain.warc"
    plain.write_bytes(uncompressed(tmp_path / "segment.warc.zst"))
    check(plain)
    found = records(plain.read_bytes())
    assert found[0].rec_type == "warcinfo"
    revisit = next(record for record in found if record.rec_type == "revisit")
    assert revisit.rec_headers.get_header("WARC-Profile").endswith("identical-payload-digest")
    response = next(record for record in found if record.rec_type == "response")
    assert (response.http_headers.protocol, response.http_headers.statusline) == ("HTTP/1.1", "200 OK")
    assert response.body == b'{"ok":true}'


def test_content_coding_and_chunks_do_not_lie_over_the_stored_body(tmp_path: Path) -> None:
    write(tmp_path, traffic())
    found = [record for record in records(uncompressed(tmp_path / "segment.warc.zst")) if record.rec_type == "response"]
    zipped, chunked = found[1], found[2]
    assert zipped.body == b"zipped " * 100
    assert zipped.http_headers.get_header("Entrepot-Orig-Content-Encoding") == "gzip"
    assert zipped.http_headers.get_header("Content-Length") == "700"
    assert chunked.http_headers.get_header("Entrepot-Orig-Transfer-Encoding") == "chunked"
    assert chunked.http_headers.get_header("Transfer-Encoding") is None


def test_a_segment_decompresses_with_plain_zstd(tmp_path: Path) -> None:
    """As any decoder of `.zst` would: frame after frame, skippable frames skipped."""
    write(tmp_path, traffic())
    raw = (tmp_path / "segment.warc.zst").read_bytes()
    with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as reader:
        assert reader.read() == uncompressed(tmp_path / "segment.warc.zst")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(hostile_exchanges(), max_size=4))
def test_warcio_reads_whatever_was_captured(pairs: list[tuple[Exchange, Exchange]]) -> None:
    sink = io.BytesIO()
    write_warc_gz([captured for captured, _ in pairs], sink)
    found = records(sink.getvalue())
    bodies = [expected.request.body.data for _, expected in pairs]
    assert [record.body for record in found if record.rec_type == "request"] == bodies


def test_an_exported_revisit_is_whole_again(tmp_path: Path) -> None:
    body = b"the same body " * 40
    reader, _ = write(tmp_path, [exchange(0, sent=body), exchange(1, sent=body)])
    sink = io.BytesIO()

    def resolve(digest: bytes) -> AbstractContextManager[BinaryIO]:
        raise AssertionError(digest)

    write_warc_gz(reader.exchanges(resolve), sink)
    requests = [record for record in records(sink.getvalue()) if record.rec_type == "request"]
    assert [record.body for record in requests] == [body, body]


def test_a_revisit_of_another_segment_is_resolved(tmp_path: Path) -> None:
    body = b"the same body " * 40
    _, first = write(tmp_path, [exchange(0, sent=body)])
    known = {payload.digest: payload for payload in first.payloads}
    reader, second = write(tmp_path, [exchange(1, sent=body)], name="second", known=lambda _digests: known)
    assert not second.payloads
    sink = io.BytesIO()
    write_warc_gz(reader.exchanges(lambda _digest: nullcontext(io.BytesIO(body))), sink)
    assert [record.body for record in records(sink.getvalue()) if record.rec_type == "request"] == [body]


def test_long_bodies_are_copied_from_their_files(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8192
    (tmp_path / "body").write_bytes(content)
    captured = exchange()
    captured.request.body = Body(None, "body", len(content))
    sink = io.BytesIO()
    write_warc_gz(iter_once(captured), sink, tmp_path)
    assert records(sink.getvalue())[1].body == content


def iter_once(captured: Exchange) -> Iterator[Exchange]:
    yield captured


def test_the_same_exchanges_make_the_same_export() -> None:
    one, two = io.BytesIO(), io.BytesIO()
    write_warc_gz(traffic(), one)
    write_warc_gz(traffic(), two)
    assert one.getvalue() == two.getvalue()
