"""What was captured comes back exactly, and what the writer says of a segment is what a reader finds in it."""

import gzip
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot_store.model import Body, Exchange, Gap, LedgerEntry, WebSocketMessage
from entrepot_store.segment import FileSource, verify_segment
from entrepot_store.segment.info import REVISIT_MIN
from tests.support.segments import KEY, exchange, hostile_exchanges, write


@contextmanager
def nowhere(digest: bytes) -> Iterator[BinaryIO]:
    raise AssertionError(f"{digest.hex()} was asked for although it is in this segment")
    yield  # pragma: no cover


def unique_ids(pairs: list[tuple[Exchange, Exchange]]) -> bool:
    tails = {pair[0].id.int ^ bit for pair in pairs for bit in (0, 1, 2)}
    return len(tails) == 3 * len(pairs)


@settings(max_examples=200, deadline=None)
@given(st.lists(hostile_exchanges(), max_size=5).filter(unique_ids))
def test_hostile_exchanges_come_back_exactly(pairs: list[tuple[Exchange, Exchange]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reader, index = write(folder, [captured for captured, _ in pairs])
        assert list(reader.exchanges(nowhere)) == [expected for _, expected in pairs]
        assert reader.index(KEY) == (index, None, ())
        verify_segment(FileSource(folder / "segment.warc.zst"), index)


@settings(max_examples=100, deadline=None)
@given(st.lists(hostile_exchanges(), max_size=4).filter(unique_ids))
def test_what_was_read_can_be_written_again_without_a_difference(pairs: list[tuple[Exchange, Exchange]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reader, _ = write(folder, [captured for captured, _ in pairs])
        write(folder, list(reader.exchanges(nowhere)), name="again")
        assert (folder / "again").read_bytes() == (folder / "segment.warc.zst").read_bytes()


@settings(max_examples=100, deadline=None)
@given(hostile_exchanges())
def test_one_record_is_read_where_the_index_says(pair: tuple[Exchange, Exchange]) -> None:
    captured, expected = pair
    with tempfile.TemporaryDirectory() as name:
        reader, index = write(Path(name), [captured])
        row = index.exchanges[0]
        head = reader.head(row.request.offset, row.request.length)
        assert head.exchange is not None
        assert head.exchange_id == captured.id
        assert head.exchange.request.headers == row.request.headers == captured.request.headers
        assert head.exchange.request.method == captured.request.method
        opened = reader.open_body(row.request.offset, row.request.length, row.request.digest)
        with opened as stream:  # type: ignore[union-attr]  # the first body of a segment is never a revisit
            assert stream.read() == expected.request.body.data
        if row.response is not None and captured.response is not None:
            head = reader.head(row.response.offset, row.response.length)
            assert head.response is not None
            assert head.exchange_id == captured.id
            assert head.response.headers == row.response.headers == captured.response.headers
            assert head.response.status == row.status == captured.response.status


def test_the_same_input_makes_the_same_bytes(tmp_path: Path) -> None:
    exchanges = [exchange(number, sent=b"%d" % number * 400) for number in range(20)]
    write(tmp_path, exchanges, name="one")
    write(tmp_path, exchanges, name="two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_ledger_and_gaps_come_back(tmp_path: Path) -> None:
    ledger = LedgerEntry("w1", 1_763_800_000_123_456, seen=9, stored=5, ignored=2, truncated=1, failed=1)
    gaps = (Gap("w1", 1, 2, 0, 'disk full\r\nand "more": Zürich \ud800'), Gap("w1", 5, 9, 12, ""))
    reader, index = write(tmp_path, [exchange()], ledger=ledger, gaps=gaps)
    assert reader.index(KEY) == (index, ledger, gaps)


def test_a_segment_may_hold_no_exchange(tmp_path: Path) -> None:
    ledger = LedgerEntry("w1", 1_763_800_000_123_456, seen=3, ignored=3)
    reader, index = write(tmp_path, [], ledger=ledger)
    assert reader.index(KEY) == (index, ledger, ())
    assert index.segment.exchanges == 0
    assert index.segment.first_at == index.segment.last_at == ledger.at


def test_the_file_is_private_and_nothing_else_is_left(tmp_path: Path) -> None:
    write(tmp_path, [exchange()])
    assert [path.name for path in tmp_path.iterdir()] == ["segment.warc.zst"]
    assert (tmp_path / "segment.warc.zst").stat().st_mode & 0o777 == 0o600


def test_the_row_has_the_facts(tmp_path: Path) -> None:
    captured = exchange(sent=b'{"a":1}', request_headers=((b"content-TYPE", b" text/x; charset=utf-8 "),))
    captured.request = replace(captured.request, path=b"/v1/settings?full=1")
    captured.trace_id = "4bf92f3577b34da6"
    _, index = write(tmp_path, [captured])
    row = index.exchanges[0]
    assert (row.path, row.url) == ("/v1/settings", "http://orders.internal/v1/settings?full=1")
    assert (row.method, row.status, row.http_version, row.duration_us) == ("PUT", 200, "HTTP/1.1", 3730)
    assert (row.trace_id, row.complete, row.error, row.segment) == ("4bf92f3577b34da6", True, None, KEY)
    assert (row.request.content_type, row.request.size) == ("text/x; charset=utf-8", 7)


def test_an_exchange_without_answer_is_incomplete(tmp_path: Path) -> None:
    captured = replace(exchange(sent=b"x"), response=None, error="the server closed the connection")
    reader, index = write(tmp_path, [captured, exchange(1)])
    assert index.exchanges[0].response is None
    assert not index.exchanges[0].complete
    assert list(reader.exchanges(nowhere)) == [captured, exchange(1)]


def test_websocket_messages_come_back(tmp_path: Path) -> None:
    captured = exchange()
    captured.messages = [
        WebSocketMessage(1, True, True, b"\xff not UTF-8"),
        WebSocketMessage(2**60, False, False, bytes(100_000)),
    ]
    captured.messages_missing = 3
    reader, index = write(tmp_path, [captured, exchange(1)])
    assert list(reader.exchanges(nowhere)) == [captured, exchange(1)]
    assert not index.exchanges[0].complete
    assert reader.index(KEY)[0] == index


def test_a_large_segment_has_a_dictionary_and_reads_like_any_other(tmp_path: Path) -> None:
    exchanges = [
        exchange(number, sent=b'{"number":%d,"name":"name %d","values":[%d]}' % (number, number * 7, number) * 20)
        for number in range(4000)
    ]
    reader, index = write(tmp_path, exchanges)
    assert index.segment.dictionary > 0
    assert reader.index(KEY)[0] == index
    assert list(reader.exchanges(nowhere)) == exchanges
    verify_segment(FileSource(tmp_path / "segment.warc.zst"), index)
    write(tmp_path, exchanges, name="again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "segment.warc.zst").read_bytes()


@given(data=st.binary(max_size=2000), size=st.integers(1, 700))
@settings(max_examples=30, deadline=None)
def test_a_body_is_read_in_pieces_of_any_size(data: bytes, size: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        reader, index = write(Path(name), [exchange(sent=data)])
        row = index.exchanges[0].request
        opened = reader.open_body(row.offset, row.length)
        found = b""
        with opened as stream:  # type: ignore[union-attr]  # the first body of a segment is never a revisit
            while piece := stream.read(size):
                found += piece
        assert found == data


def test_known_is_asked_once_for_bodies_worth_it(tmp_path: Path) -> None:
    asked: list[Collection[bytes]] = []

    def known(digests: Collection[bytes]) -> dict[bytes, object]:
        asked.append(digests)
        return {}

    write(tmp_path, [exchange(0, sent=b"a" * (REVISIT_MIN - 1)), exchange(1, sent=b"b" * REVISIT_MIN)], known=known)  # type: ignore[arg-type]  # an empty answer
    assert [len(digests) for digests in asked] == [1]


def test_a_body_says_its_size_by_its_bytes(tmp_path: Path) -> None:
    captured = exchange()
    captured.request.body = Body(b"12345", None, 99)
    _, index = write(tmp_path, [captured])
    assert index.exchanges[0].request.size == 5


def test_what_redaction_withheld_and_what_keeps_its_coding_come_back(tmp_path: Path) -> None:
    """And are written again, as when segments are merged, without a difference."""
    captured = exchange()
    assert captured.response is not None
    wire = gzip.compress(b"{}" * 100)
    captured.request.body = Body(b"", None, 0, truncated=True, withheld="it is not valid JSON")
    captured.response.headers += ((b"Content-Encoding", b"gzip"),)
    captured.response.body = Body(wire, None, len(wire), wire=True)
    reader, index = write(tmp_path, [captured])
    (found,) = reader.exchanges(nowhere)
    assert found.response is not None
    assert (found.request.body, found.response.body) == (captured.request.body, captured.response.body)
    assert (index.exchanges[0].request.truncated, index.exchanges[0].complete) == (True, False)
    write(tmp_path, [found], name="again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "segment.warc.zst").read_bytes()
