"""Content codings are undone exactly, within bounds, or not at all."""

import gzip
import io
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.content import Limits, Undecodable, content_codings, undo_bytes, undo_stream

MIB = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


ENCODE = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


def encode(data: bytes, codings: tuple[str, ...]) -> bytes:
    for coding in codings:
        data = ENCODE[coding](data)
    return data


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ()),
        ([b"gzip"], ("gzip",)),
        ([b"X-GZip"], ("gzip",)),
        ([b"identity"], ()),
        ([b" , ,"], ()),
        ([b"gzip, br"], ("gzip", "br")),
        ([b"gzip", b"br ,zstd"], ("gzip", "br", "zstd")),
        ([b"aws-chunked"], ("aws-chunked",)),
        ([b"\xff"], ("\\xff",)),
    ],
)
def test_header_lines_become_codings(lines: list[bytes], expected: tuple[str, ...]) -> None:
    headers = tuple((b"CONTENT-encoding", line) for line in lines)
    assert content_codings(((b"Content-Type", b"a/b"), *headers)) == expected


@given(data=st.binary(max_size=4000), codings=st.lists(st.sampled_from(sorted(ENCODE)), min_size=1, max_size=4))
def test_every_chain_comes_back(data: bytes, codings: list[str]) -> None:
    chain = tuple(codings)
    assert undo_bytes(encode(data, chain), chain, Limits()) == data


@given(data=st.binary(max_size=400), coding=st.sampled_from(sorted(ENCODE)), size=st.integers(1, 50))
def test_pieces_of_any_size_make_no_difference(data: bytes, coding: str, size: int) -> None:
    coded = ENCODE[coding](data)
    chunks = [coded[start : start + size] for start in range(0, len(coded), size)]
    assert b"".join(undo_stream(chunks, (coding,), Limits())) == data


def test_raw_deflate_is_recognised() -> None:
    data = b'{"a": 1}' * 50
    assert undo_bytes(raw_deflate(data), ("deflate",), Limits()) == data


def test_gzip_members_and_zstd_frames_are_joined() -> None:
    assert undo_bytes(gzip.compress(b"one ") + gzip.compress(b"two"), ("gzip",), Limits()) == b"one two"
    assert undo_bytes(zstandard.compress(b"one ") + zstandard.compress(b"two"), ("zstd",), Limits()) == b"one two"


@pytest.mark.parametrize("coding", sorted(ENCODE))
def test_every_cut_is_noticed(coding: str) -> None:
    coded = ENCODE[coding](b'{"name": "value", "list": [1, 2, 3, 4, 5, 6, 7]}')
    for length in range(len(coded)):
        with pytest.raises(Undecodable):
            undo_bytes(coded[:length], (coding,), Limits())


@pytest.mark.parametrize("coding", sorted(ENCODE))
def test_bytes_behind_the_end_are_not_dropped_silently(coding: str) -> None:
    with pytest.raises(Undecodable):
        undo_bytes(ENCODE[coding](b"data") + b"tail", (coding,), Limits())


def test_raw_deflate_with_bytes_behind_the_end_is_not_decoded() -> None:
    with pytest.raises(Undecodable):
        undo_bytes(raw_deflate(b"data") + b"tail", ("deflate",), Limits())


@pytest.mark.parametrize(
    ("codings", "reason"), [(("compress",), "unknown coding compress"), (("gzip",) * 5, "5 codings"), ((), "no coding")]
)
def test_unknown_chains_are_refused(codings: tuple[str, ...], reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        undo_bytes(b"data", codings, Limits())


@pytest.mark.parametrize("coding", sorted(ENCODE))
def test_a_regular_body_is_no_bomb(coding: str) -> None:
    data = bytes(8 * MIB)
    assert undo_bytes(ENCODE[coding](data), (coding,), Limits()) == data


@pytest.mark.parametrize("codings", [(coding,) for coding in sorted(ENCODE)] + [("gzip", "gzip"), ("br", "zstd")])
def test_bombs_are_stopped_before_they_are_in_memory(codings: tuple[str, ...]) -> None:
    bomb = encode(bytes(64 * MIB), codings)
    tracemalloc.start()
    try:
        with pytest.raises(Undecodable, match="over"):
            for _ in undo_stream((bomb,), codings, Limits(free_bytes=4 * MIB)):
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * MIB


def test_the_absolute_bound_holds_for_incompressible_bodies() -> None:
    data = bytes(range(256)) * 64
    coded = gzip.compress(data, compresslevel=0)
    assert undo_bytes(coded, ("gzip",), Limits(max_bytes=len(data))) == data
    with pytest.raises(Undecodable, match="over"):
        undo_bytes(coded, ("gzip",), Limits(max_bytes=len(data) - 1))


def test_a_zstd_window_over_the_rfc_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=25)
    sink = io.BytesIO()
    with zstandard.ZstdCompressor(compression_params=parameters).stream_writer(sink, closefd=False) as writer:
        writer.write(bytes(1000))
    with pytest.raises(Undecodable, match="zstd"):
        undo_bytes(sink.getvalue(), ("zstd",), Limits())
