"""Bodies longer than memory go in and come out in constant memory, whatever they compress to."""

import gzip
import os
import random
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from entrepot_store.errors import NotFound
from entrepot_store.model import Body, Exchange
from entrepot_store.segment import FileSource, Revisit, SegmentReader, verify_segment
from tests.support.segments import KEY, exchange, write

MIB = 1024 * 1024

SCRIPT = """
import resource, sys
from hashlib import file_digest, sha256
from pathlib import Path
from entrepot_store.model import Body
from entrepot_store.segment import FileSource, SegmentReader, verify_segment
from tests.support.segments import KEY, exchange, write
folder, size, expected, headers = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], eval(sys.argv[4])
captured = exchange(0, request_headers=headers)
captured.request.body = Body(None, "body", size)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reader, index = write(folder, [captured, exchange(1)])
verify_segment(FileSource(folder / "segment.warc.zst"), index)
assert reader.index(KEY)[0] == index
row = index.exchanges[0].request
with reader.open_body(row.offset, row.length, row.digest) as stream:
    digest = sha256()
    while piece := stream.read(65536):
        digest.update(piece)
assert digest.hexdigest() == row.digest.hex() == expected, "another body"
(folder / "spilled").mkdir()
restored = next(reader.exchanges(None, folder / "spilled"))
with (folder / "spilled" / restored.request.body.file).open("rb") as stream:
    assert file_digest(stream, "sha256").hexdigest() == expected, "another file"
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def in_a_process_of_its_own(folder: Path, size: int, digest: str, headers: tuple[tuple[bytes, bytes], ...]) -> int:
    """MiB that the process grew by while it wrote, verified, indexed, read and spilled the body."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder, str(size), digest, repr(headers)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("kind", ["zeros", "noise"])
def test_two_hundred_megabytes_take_constant_memory(tmp_path: Path, kind: str) -> None:
    """Zeros are the harder case: a few kilobytes of frame that want to become all of them at once."""
    chunk = bytes(MIB) if kind == "zeros" else random.Random(1).randbytes(MIB)
    digest = sha256()
    with (tmp_path / "body").open("wb") as target:
        for _ in range(200):
            target.write(chunk)
            digest.update(chunk)
    grown = in_a_process_of_its_own(tmp_path, 200 * MIB, digest.hexdigest(), ((b"Host", b"a"),))
    assert grown < 64


def test_a_long_compressed_body_is_decoded_in_constant_memory(tmp_path: Path) -> None:
    chunk = random.Random(1).randbytes(MIB // 16).hex().encode()
    digest = sha256()
    with gzip.open(tmp_path / "body", "wb", compresslevel=1) as target:
        for _ in range(1200):
            target.write(chunk)
            digest.update(chunk)
    size = (tmp_path / "body").stat().st_size
    grown = in_a_process_of_its_own(tmp_path, size, digest.hexdigest(), ((b"Content-Encoding", b"gzip"),))
    assert grown < 64


def in_file(folder: Path, content: bytes, *headers: tuple[bytes, bytes], size: int | None = None) -> Exchange:
    (folder / "body").write_bytes(content)
    captured = exchange(request_headers=headers)
    captured.request.body = Body(None, "body", len(content) if size is None else size)
    return captured


@pytest.mark.parametrize("size", [1, 4 * MIB - 700, 4 * MIB, 4 * MIB + 1, 9 * MIB + 77])
def test_bodies_around_the_bounds_come_back(tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(4096) * (size // 4096 + 1)
    content = content[:size]
    reader, index = write(tmp_path, [in_file(tmp_path, content), exchange(1, sent=content)])
    row = index.exchanges[0].request
    opened = reader.open_body(row.offset, row.length, sha256(content).digest())
    assert not isinstance(opened, Revisit)
    with opened as stream:
        assert stream.read() == content
    verify_segment(FileSource(tmp_path / "segment.warc.zst"), index)
    assert reader.index(KEY)[0] == index
    assert [found.request.body.data for found in reader.exchanges(lambda _: pytest.fail("asked"))] == [content] * 2


def test_only_so_much_of_a_file_is_stored_as_the_body_says(tmp_path: Path) -> None:
    reader, index = write(tmp_path, [in_file(tmp_path, b"0123456789", size=4)])
    row = index.exchanges[0].request
    opened = reader.open_body(row.offset, row.length)
    assert not isinstance(opened, Revisit)
    with opened as stream:
        assert stream.read() == b"0123"


def test_a_bomb_in_a_file_is_kept_as_it_is(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(64 * MIB))
    _, index = write(tmp_path, [in_file(tmp_path, bomb, (b"Content-Encoding", b"gzip"))])
    row = index.exchanges[0].request
    assert (row.size, row.encoding) == (len(bomb), "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["body", "segment.warc.zst"]


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_body_that_is_gone_or_short_is_said(tmp_path: Path, content: bytes | None) -> None:
    captured = in_file(tmp_path, content or b"", size=100)
    if content is None:
        (tmp_path / "body").unlink()
    with pytest.raises(NotFound, match="body"):
        write(tmp_path, [captured])


def test_long_bodies_are_spilled_when_asked(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8192
    reader, _ = write(tmp_path, [in_file(tmp_path, content), exchange(1, sent=content)])
    spill = tmp_path / "spill"
    spill.mkdir()
    found = list(reader.exchanges(lambda _: pytest.fail("asked"), spill))
    for one in found:
        assert one.request.body.data is None
        assert one.request.body.file is not None
        assert (spill / one.request.body.file).read_bytes() == content
        assert (spill / one.request.body.file).stat().st_mode & 0o777 == 0o600


def test_a_stream_that_is_left_early_is_closed(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(9 * MIB)
    reader, index = write(tmp_path, [in_file(tmp_path, content)])
    row = index.exchanges[0].request
    opened = reader.open_body(row.offset, row.length)
    assert not isinstance(opened, Revisit)
    with opened as stream:
        assert stream.read(10) == content[:10]
    with pytest.raises(ValueError, match="closed"):
        stream.read(1)


def test_damage_in_a_long_body_is_noticed_before_its_last_bytes_are_given_out(tmp_path: Path) -> None:
    from entrepot_store.errors import Damaged

    content = random.Random(1).randbytes(9 * MIB)
    _, index = write(tmp_path, [in_file(tmp_path, content)])
    row = index.exchanges[0].request
    raw = bytearray((tmp_path / "segment.warc.zst").read_bytes())
    for place in (row.offset + 5_000_000, row.offset + row.length - 2, row.offset + 6):
        damaged = bytearray(raw)
        damaged[place] ^= 0x10
        (tmp_path / "damaged").write_bytes(damaged)
        reader = SegmentReader(FileSource(tmp_path / "damaged"))
        read = 0
        with pytest.raises(Damaged):
            opened = reader.open_body(row.offset, row.length)
            assert not isinstance(opened, Revisit)
            with opened as stream:
                while piece := stream.read(65536):
                    read += len(piece)
        assert read < len(content)
        with pytest.raises(Damaged):
            verify_segment(FileSource(tmp_path / "damaged"), index)
