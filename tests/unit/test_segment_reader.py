"""Readers of a vault: how often they ask it, what they remember, and what they refuse."""

import io
import random
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import pytest
import zstandard

from entrepot_store.errors import BadInput, Damaged, NotFound, TooNew
from entrepot_store.model import Exchange
from entrepot_store.segment import FileSource, Revisit, SegmentIndex, SegmentReader, VaultSource, verify_segment
from entrepot_store.segment.frames import format_seal
from entrepot_store.segment.sources import BoundedCache
from entrepot_store.vault import ObjectStat
from tests.support.segments import KEY, exchange, write


class CountingVault:
    """A vault with one object in memory that counts what is asked of it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[tuple[str, int, int | None]] = []
        self._location = f"memory:{uuid4()}"

    @property
    def location(self) -> str:
        return self._location

    def check(self) -> None: ...

    def put(self, key: str, source: Path) -> ObjectStat:
        raise NotImplementedError

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        self.asked.append(("get", start, length))
        if start > len(self.content):
            raise BadInput(f"{key} has no byte {start}.")
        return self.content[start : None if length is None else start + length]

    def open(self, key: str, start: int = 0, length: int | None = None) -> AbstractContextManager[BinaryIO]:
        self.asked.append(("open", start, length))
        return nullcontext(io.BytesIO(self.content[start : None if length is None else start + length]))

    def stat(self, key: str) -> ObjectStat:
        self.asked.append(("stat", 0, None))
        return ObjectStat(key, len(self.content), 0)

    def list(self, prefix: str = "") -> Iterator[ObjectStat]:
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError


def many() -> list[Exchange]:
    return [exchange(number, sent=b'{"number":%d,"name":"n %d"}' % (number, number * 7) * 20) for number in range(4000)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, SegmentIndex]:
    """A segment with a dictionary."""
    folder = tmp_path_factory.mktemp("segment")
    _, index = write(folder, many())
    assert index.segment.dictionary
    return (folder / "segment.warc.zst").read_bytes(), index


def body_of(reader: SegmentReader, offset: int, length: int) -> bytes:
    opened = reader.open_body(offset, length)
    assert not isinstance(opened, Revisit)
    with opened as stream:
        return stream.read()


def test_a_record_costs_one_request_once_the_dictionary_is_known(stored: tuple[bytes, SegmentIndex]) -> None:
    content, index = stored
    vault = CountingVault(content)
    for row in index.exchanges[5:8]:
        body_of(SegmentReader(VaultSource(vault, KEY)), row.request.offset, row.request.length)
    assert [name for name, _, _ in vault.asked].count("get") == 4
    assert vault.asked[0] == ("get", 0, 64 * 1024)
    assert len(vault.asked) <= 5  # and at most one question for the size


def test_what_one_vault_holds_is_not_taken_for_what_another_holds(
    stored: tuple[bytes, SegmentIndex], tmp_path: Path
) -> None:
    content, index = stored
    row = index.exchanges[5].request
    assert body_of(SegmentReader(VaultSource(CountingVault(content), KEY)), row.offset, row.length)
    _, other = write(tmp_path, [exchange(1, sent=b"other")])
    vault = CountingVault((tmp_path / "segment.warc.zst").read_bytes())
    row = other.exchanges[0].request
    assert body_of(SegmentReader(VaultSource(vault, KEY)), row.offset, row.length) == b"other"


def test_a_whole_segment_is_read_with_one_request(stored: tuple[bytes, SegmentIndex]) -> None:
    content, index = stored
    vault = CountingVault(content)
    assert SegmentReader(VaultSource(vault, KEY)).index(KEY)[0] == index
    verify_segment(VaultSource(vault, KEY), index)
    assert vault.asked == [("open", 0, None)] * 2


def test_a_head_does_not_read_a_long_body(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(6 * 2**20)
    _, index = write(tmp_path, [exchange(sent=content)])
    row = index.exchanges[0].request
    vault = CountingVault((tmp_path / "segment.warc.zst").read_bytes())
    head = SegmentReader(VaultSource(vault, KEY)).head(row.offset, row.length)
    assert head.size == len(content)
    assert not [length for name, _, length in vault.asked if name == "get" and (length or 0) > 64 * 1024]


@pytest.mark.parametrize("beyond", [0, 1, 10**9])
def test_a_place_beyond_the_end_is_damage(stored: tuple[bytes, SegmentIndex], beyond: int) -> None:
    content, _ = stored
    with pytest.raises(Damaged):
        SegmentReader(VaultSource(CountingVault(content), KEY)).open_body(len(content) + beyond, 100)


def test_an_object_that_lost_its_bytes_is_damage() -> None:
    for content in (b"", b"\x5d\x2a", b"\x5d\x2a\x4d\x18\x00\x01\x00\x00"):
        with pytest.raises(Damaged):
            SegmentReader(VaultSource(CountingVault(content), KEY)).open_body(5000, 100)


def test_several_threads_share_a_dictionary(stored: tuple[bytes, SegmentIndex]) -> None:
    content, index = stored
    vault = CountingVault(content)
    wrong: list[int] = []

    def read(start: int) -> None:
        for number in range(start, 4000, 40):
            row = index.exchanges[number].request
            found = body_of(SegmentReader(VaultSource(vault, KEY)), row.offset, row.length)
            if sha256(found).digest() != row.digest:
                wrong.append(number)

    threads = [threading.Thread(target=read, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_cache_is_bounded_by_weight_and_drops_the_oldest() -> None:
    cache = BoundedCache[str](100)
    for name in "abcd":
        cache.put((name, ""), name, 30)
        cache.get(("a", ""))
    assert [cache.get((name, "")) for name in "abcd"] == ["a", None, "c", "d"]
    cache.put(("e", ""), "e", 500)
    assert [cache.get((name, "")) for name in "acde"] == [None, None, None, "e"]
    cache.put(("e", ""), "f", 10)
    cache.put(("g", ""), "g", 80)
    assert cache.get(("e", "")) == "f"


def rewritten(content: bytes, old: bytes, new: bytes) -> bytes:
    """A whole and sealed segment whose first record says something else."""
    first = zstandard.ZstdDecompressor().decompressobj()
    record = first.decompress(content)
    rest = first.unused_data[:-56]
    assert old in record
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(record.replace(old, new))
    return frame + rest + format_seal(3, sha256(frame + rest).digest())


def test_a_newer_format_is_refused_by_every_way_of_reading(tmp_path: Path) -> None:
    reader, index = write(tmp_path, [exchange()])
    path = tmp_path / "segment.warc.zst"
    path.write_bytes(rewritten(path.read_bytes(), b"entrepot-segment: 1", b"entrepot-segment: 3"))
    row = index.exchanges[0].request
    with pytest.raises(TooNew, match="format 3; this version reads up to 2"):
        reader.index(KEY)
    with pytest.raises(TooNew):
        list(reader.exchanges(lambda _: pytest.fail("asked")))
    with pytest.raises(TooNew):
        list(reader.records())
    with pytest.raises(TooNew):
        reader.open_body(row.offset, row.length)
    with pytest.raises(TooNew):
        reader.head(row.offset, row.length)


def test_a_newer_format_is_refused_before_what_is_new_in_it_is_called_damage(tmp_path: Path) -> None:
    reader, _ = write(tmp_path, [exchange()])
    path = tmp_path / "segment.warc.zst"
    path.write_bytes(rewritten(path.read_bytes(), b"entrepot-segment: 1", b"entrepot-segment: 3")[:-56] + b"new seal")
    with pytest.raises(TooNew):
        reader.index(KEY)


@pytest.mark.parametrize("line", [b"entrepot-exchanges: 2", b"entrepot-exchanges: 0"])
def test_another_number_of_exchanges_is_damage(tmp_path: Path, line: bytes) -> None:
    reader, _ = write(tmp_path, [exchange()])
    path = tmp_path / "segment.warc.zst"
    path.write_bytes(rewritten(path.read_bytes(), b"entrepot-exchanges: 1", line))
    with pytest.raises(Damaged, match="1 exchanges instead of"):
        reader.index(KEY)


def test_a_revisit_bound_of_another_time_is_honoured(tmp_path: Path) -> None:
    reader, index = write(tmp_path, [exchange(sent=b"x" * 600)])
    path = tmp_path / "segment.warc.zst"
    path.write_bytes(rewritten(path.read_bytes(), b"entrepot-revisit-min: 512", b"entrepot-revisit-min: 700"))
    assert len(index.payloads) == 1
    assert reader.index(KEY)[0].payloads == ()


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        SegmentReader(FileSource(tmp_path / "none")).index(KEY)


@pytest.mark.parametrize(
    "content", [b"", b"WARC/1.1\r\n", b"\x1f\x8b\x08\x00", bytes(100), b"\x5d\x2a\x4d\x18\xff\xff\xff\xff"]
)
def test_what_is_no_segment_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "none").write_bytes(content)
    reader = SegmentReader(FileSource(tmp_path / "none"))
    with pytest.raises(Damaged):
        reader.index(KEY)
    with pytest.raises(Damaged):
        reader.open_body(0, 50)


def test_records_may_be_skipped_and_are_checked_all_the_same(tmp_path: Path) -> None:
    reader, _ = write(tmp_path, [exchange(0, sent=b"x" * 5_000_000), exchange(1)])
    assert [record.head.kind.value for record in reader.records()] == ["warcinfo"] + ["request", "response"] * 2
