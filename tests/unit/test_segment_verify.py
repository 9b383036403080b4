"""A segment counts as stored only when what comes back decodes to what was meant."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from entrepot_store.errors import Damaged
from entrepot_store.segment import FileSource, SegmentIndex, frame_writer, verify_segment
from tests.support.segments import exchange, write


class LyingCompressor:
    """A codec with a bug: what it compresses is not what it was given, and its checksums are in order."""

    def __init__(self, spoil: Callable[[bytes], bytes]) -> None:
        self._spoil = spoil
        self._real = zstandard.ZstdCompressor(write_checksum=True, write_content_size=True)

    def compress(self, data: bytes) -> bytes:
        return self._real.compress(self._spoil(data))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"theme", b"thema"),
        lambda data: data[:-8] + data[-4:] if b"PUT /v1" in data else data,
        lambda data: data + b"x" if b"PUT /v1" in data else data,
        lambda data: b"" if b"PUT /v1" in data else data,
    ],
)
def test_a_codec_that_corrupts_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(frame_writer.dictionaries, "compressor", lambda _dictionary: LyingCompressor(spoil))
    _, index = write(tmp_path, [exchange(sent=b'{"theme":"dark"}')])
    with pytest.raises(Damaged):
        verify_segment(FileSource(tmp_path / "segment.warc.zst"), index)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[FileSource, SegmentIndex]:
    _, index = write(tmp_path, [exchange(number, sent=b"x" * 600) for number in range(3)])
    return FileSource(tmp_path / "segment.warc.zst"), index


def test_what_was_written_verifies(stored: tuple[FileSource, SegmentIndex]) -> None:
    verify_segment(*stored)


def test_the_segment_of_another_is_found_out(stored: tuple[FileSource, SegmentIndex], tmp_path: Path) -> None:
    write(tmp_path, [exchange(number, sent=b"y" * 600) for number in range(3)], name="other")
    with pytest.raises(Damaged, match="its bytes are not those that were written"):
        verify_segment(FileSource(tmp_path / "other"), stored[1])


@pytest.mark.parametrize("part", ["offset", "length"])
def test_an_index_that_names_a_wrong_place_is_found_out(stored: tuple[FileSource, SegmentIndex], part: str) -> None:
    source, index = stored
    row = index.exchanges[1]
    wrong = replace(row, request=replace(row.request, **{part: getattr(row.request, part) + 1}))
    with pytest.raises(Damaged, match="where no record is"):
        verify_segment(source, replace(index, exchanges=(index.exchanges[0], wrong, index.exchanges[2])))


def test_a_payload_at_a_wrong_place_is_found_out(stored: tuple[FileSource, SegmentIndex]) -> None:
    source, index = stored
    wrong = replace(index.payloads[0], offset=index.payloads[0].offset - 1)
    with pytest.raises(Damaged, match="where no record is"):
        verify_segment(source, replace(index, payloads=(wrong,)))


@pytest.mark.parametrize("change", [{"digest": bytes(32)}, {"size": 1}])
def test_a_wrong_digest_or_size_is_found_out(
    stored: tuple[FileSource, SegmentIndex], change: dict[str, bytes | int]
) -> None:
    source, index = stored
    with pytest.raises(Damaged, match="not those that were written"):
        verify_segment(source, replace(index, segment=replace(index.segment, **change)))
