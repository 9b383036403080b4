"""No flipped bit and no cut, at any place of a segment, goes unnoticed; no wrong byte is ever given out."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import pytest
import zstandard

from entrepot_store.errors import Damaged
from entrepot_store.model import Exchange, Gap, LedgerEntry, WebSocketMessage
from entrepot_store.segment import Revisit, SegmentIndex, SegmentReader, verify_segment
from entrepot_store.segment import dictionary as dictionaries
from entrepot_store.segment.frames import SEAL
from tests.support.segments import KEY, exchange, write


class Bytes:
    """A segment in memory."""

    name = KEY
    identity = None

    def __init__(self, content: bytes) -> None:
        self.content = content

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, start: int, length: int) -> bytes:
        return self.content[start : start + length]

    def open(self, start: int, length: int | None = None) -> AbstractContextManager[BinaryIO]:
        end = None if length is None else start + length
        return nullcontext(io.BytesIO(self.content[start:end]))


def traffic() -> list[Exchange]:
    exchanges = [exchange(0, sent=b"{}" * 300), exchange(1, sent=b"{}" * 300)]
    exchanges[1].messages = [WebSocketMessage(1, True, True, b"hello")]
    return exchanges


@pytest.fixture
def segment(tmp_path: Path) -> tuple[bytes, SegmentIndex]:
    """A small one: two exchanges, a revisit, messages, ledger and gap."""
    _, index = write(tmp_path, traffic(), ledger=LedgerEntry("w1", 5, 2, 2), gaps=[Gap("w1", 1, 2, 3, "full")])
    return (tmp_path / "segment.warc.zst").read_bytes(), index


@pytest.fixture
def with_dictionary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, SegmentIndex]:
    samples = [b'{"number":%d,"name":"name %d"}' % (number, number * 7) * 10 for number in range(400)]
    small = zstandard.train_dictionary(1024, samples, k=64, d=8)
    monkeypatch.setattr(dictionaries, "TRAIN_ABOVE", 0)
    monkeypatch.setattr(dictionaries, "train", lambda _samples: small)
    _, index = write(tmp_path, traffic())
    assert index.segment.dictionary > 0
    return (tmp_path / "segment.warc.zst").read_bytes(), index


def flips(content: bytes, masks: tuple[int, ...]) -> Iterator[tuple[int, bytes]]:
    for place in range(len(content)):
        for mask in masks:
            yield place, content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]


EVERY_BIT = tuple(1 << bit for bit in range(8))


def test_every_flipped_bit_is_noticed(segment: tuple[bytes, SegmentIndex]) -> None:
    content, index = segment
    assert SegmentReader(Bytes(content)).index(KEY)[0] == index
    for place, damaged in flips(content, EVERY_BIT):
        with pytest.raises(Damaged):
            SegmentReader(Bytes(damaged)).index(KEY)
            pytest.fail(f"a flip at {place} went unnoticed")


def test_every_flipped_byte_of_a_segment_with_a_dictionary_is_noticed(
    with_dictionary: tuple[bytes, SegmentIndex],
) -> None:
    content, index = with_dictionary
    assert SegmentReader(Bytes(content)).index(KEY)[0] == index
    for place, damaged in flips(content, (0x01, 0x80)):
        with pytest.raises(Damaged):
            SegmentReader(Bytes(damaged)).index(KEY)
            pytest.fail(f"a flip at {place} went unnoticed")


@pytest.mark.parametrize("kind", ["segment", "with_dictionary"])
def test_every_cut_is_noticed(kind: str, request: pytest.FixtureRequest) -> None:
    content, index = request.getfixturevalue(kind)
    for length in range(len(content)):
        with pytest.raises(Damaged):
            SegmentReader(Bytes(content[:length])).index(KEY)
        with pytest.raises(Damaged):
            verify_segment(Bytes(content[:length]), index)
        with pytest.raises(Damaged):
            list(SegmentReader(Bytes(content[:length])).exchanges(lambda _digest: nullcontext(io.BytesIO())))


@pytest.mark.parametrize("tail", [b"\x00", b"more", b"\x50\x2a\x4d\x18\x00\x00\x00\x00"])
def test_bytes_behind_the_seal_are_noticed(segment: tuple[bytes, SegmentIndex], tail: bytes) -> None:
    with pytest.raises(Damaged):
        SegmentReader(Bytes(segment[0] + tail)).index(KEY)


def test_every_flip_is_noticed_when_a_segment_is_verified(segment: tuple[bytes, SegmentIndex]) -> None:
    content, index = segment
    verify_segment(Bytes(content), index)
    for place, damaged in flips(content, EVERY_BIT):
        with pytest.raises(Damaged):
            verify_segment(Bytes(damaged), index)
            pytest.fail(f"a flip at {place} went unnoticed")


@pytest.mark.parametrize("kind", ["segment", "with_dictionary"])
def test_one_record_reads_right_or_not_at_all(kind: str, request: pytest.FixtureRequest) -> None:
    """A reader of one record does not see the whole segment; what it gives out must be right nevertheless."""
    content, index = request.getfixturevalue(kind)
    response = index.exchanges[1].response
    assert response is not None
    noticed = 0
    for _, damaged in flips(content, (0x01, 0x80)):
        try:
            opened = SegmentReader(Bytes(damaged)).open_body(response.offset, response.length)
            assert not isinstance(opened, Revisit)
            with opened as stream:
                assert stream.read() == b'{"ok":true}'
        except Damaged:
            noticed += 1
    assert noticed >= response.length  # two flips at each of its bytes, of which a few may do nothing


@pytest.mark.parametrize("wrong", [(1, 0), (-1, 0), (0, 1), (0, -1), (0, 10**9), (10**9, 0)])
def test_a_wrong_place_is_noticed(segment: tuple[bytes, SegmentIndex], wrong: tuple[int, int]) -> None:
    content, index = segment
    row = index.exchanges[0].request
    with pytest.raises(Damaged):
        SegmentReader(Bytes(content)).open_body(row.offset + wrong[0], row.length + wrong[1])


def test_another_payload_than_the_catalog_says_is_noticed(segment: tuple[bytes, SegmentIndex]) -> None:
    content, index = segment
    row = index.exchanges[0].request
    opened = SegmentReader(Bytes(content)).open_body(row.offset, row.length, bytes(32))
    assert not isinstance(opened, Revisit)
    with opened as stream, pytest.raises(Damaged):
        stream.read()


def test_a_segment_that_lost_whole_frames_is_noticed_even_if_sealed_again(segment: tuple[bytes, SegmentIndex]) -> None:
    from hashlib import sha256

    from entrepot_store.segment.frames import format_seal

    content, index = segment
    cut = content[: index.exchanges[1].request.offset]
    with pytest.raises(Damaged, match="holds 1 exchanges instead of 2"):
        SegmentReader(Bytes(cut + format_seal(3, sha256(cut).digest()))).index(KEY)


def test_the_seal_ends_the_segment(segment: tuple[bytes, SegmentIndex]) -> None:
    assert segment[0][-SEAL.size :].startswith(b"\x5e\x2a\x4d\x18\x30\x00\x00\x00ENTSEAL1")


def test_the_error_names_segment_and_offset(segment: tuple[bytes, SegmentIndex]) -> None:
    content, index = segment
    offset = index.exchanges[1].request.offset
    damaged = bytearray(content)
    damaged[offset + 20] ^= 1
    with pytest.raises(Damaged, match=f"{KEY}: the record at offset {offset} is damaged"):
        SegmentReader(Bytes(bytes(damaged))).index(KEY)
