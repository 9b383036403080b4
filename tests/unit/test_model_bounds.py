"""However large a head is and however it has to be written, a segment that holds it can be read back."""

from dataclasses import replace
from pathlib import Path

from entrepot_store.model import Body, Exchange, cut_heads
from entrepot_store.model.bounds import LONGEST_HEADERS, LONGEST_PART
from entrepot_store.segment.reader import FileSource, SegmentReader
from entrepot_store.segment.writer import write_segment
from tests.support.spooled import make_exchange

MIB = 1024 * 1024


def bomb() -> Exchange:
    """Of what takes the most room in storage: what no syntax holds is there a second time, exactly."""
    exchange = make_exchange(1)
    assert exchange.response is not None
    long = b"a" * (2 * MIB)
    headers = tuple((b"X-%d" % number, b"\x00" * MIB) for number in range(6))
    request = replace(
        exchange.request,
        **{
            "method": long,
            "authority": long,
            "path": b"/\xff" + long,
            "headers": headers,
            "trailers": headers,
        },  # type: ignore[arg-type]  # by name
    )
    response = replace(exchange.response, reason=long, headers=((b"X", long * 3), *headers), trailers=headers)
    return replace(exchange, request=request, response=response)


def test_a_bomb_is_cut_and_its_segment_can_be_read(tmp_path: Path) -> None:
    exchanges = [make_exchange(0), bomb(), make_exchange(2)]
    assert [cut_heads(exchange) for exchange in exchanges] == [False, True, False]
    cut = exchanges[1]
    assert cut.response is not None
    assert not cut.complete
    assert len(cut.request.path) == len(cut.response.reason) == LONGEST_PART
    for headers in (cut.request.headers, cut.request.trailers, cut.response.headers, cut.response.trailers):
        assert LONGEST_HEADERS - 2 * MIB < sum(len(name) + len(value) for name, value in headers) <= LONGEST_HEADERS
    target = tmp_path / "segment.warc.zst"
    written = write_segment(
        target, key="segments/default/s.warc.zst", retention_class="default", worker="w", spool="s",
        exchanges=exchanges, ledger=None, gaps=(), bodies=tmp_path, known=lambda _: {},
    )  # fmt: skip
    read, _, _ = SegmentReader(FileSource(target)).index(written.segment.key)
    assert read == written


def test_an_ordinary_exchange_is_left_as_it_is() -> None:
    exchange = make_exchange(1)
    exchange.request.body = Body(b"", None, 0, truncated=True)
    assert not cut_heads(exchange)
    assert exchange.request.body.truncated
    assert exchange == replace(make_exchange(1), request=replace(make_exchange(1).request, body=exchange.request.body))
