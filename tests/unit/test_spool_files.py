"""Names, states and owners of spool files."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.spool import SpoolFolder, SpoolName
from entrepot_store.spool.files import OPEN, SEALED

names = st.builds(
    SpoolName,
    created=st.integers(0, 4_102_444_800_000_000),
    worker=st.from_regex(r"[a-z0-9]{1,40}", fullmatch=True).filter(str.isascii),
    sequence=st.integers(0, 10**9),
)


@given(names)
def test_a_name_is_read_as_it_is_written(name: SpoolName) -> None:
    assert SpoolName.parse(str(name)) == name


@given(names, names)
def test_names_sort_by_time(one: SpoolName, other: SpoolName) -> None:
    if one.created != other.created:
        assert (str(one) < str(other)) == (one.created < other.created)


@pytest.mark.parametrize(
    "text",
    ["", "x", "20261122T125002123456Z-w1-1", "20261322T125002123456Z-w1-000001", "20261122T125002123456Z-W1-000001"],
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        SpoolName.parse(text)


def test_segments_are_named_after_their_file_and_class() -> None:
    name = SpoolName.parse("20261122T125002123456Z-w1-000001")
    assert name.segment_key("config") == "segments/config/2026/11/22/20261122T125002123456Z-w1-000001.warc.zst"


def test_only_our_files_are_listed_oldest_first(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    ours = [SpoolName(2_000_000, "b", 1), SpoolName(1_000_000, "z", 7)]
    for name in ours:
        spool.sealed_path(name).touch()
    spool.open_path(SpoolName(3_000_000, "c", 1)).touch()
    for other in (
        "notes.sealed",
        "20261322T125002123456Z-w1-000001.sealed",
        "20261122T125002123456Z-w1-000001.sealed~",
    ):
        (spool.path / other).touch()
    (spool.path / f"{SpoolName(4_000_000, 'd', 1)}.sealed").mkdir()
    assert spool.names(SEALED) == sorted(ours)
    assert spool.names(OPEN) == [SpoolName(3_000_000, "c", 1)]


def test_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "a" / "spool")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (spool.path, spool.bodies)] == [0o700, 0o700]


@pytest.mark.parametrize("file", ["", ".", "..", "../x", "a/b", "a\x00b"])
def test_a_body_never_leaves_its_folder(tmp_path: Path, file: str) -> None:
    with pytest.raises(ValueError, match="not the name of a spooled body"):
        SpoolFolder(tmp_path).body_path(file)


def test_size_counts_files_and_bodies(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path)
    spool.open_path(SpoolName(1, "a", 1)).write_bytes(b"12345")
    spool.body_path("a.x.request").write_bytes(b"1234567")
    assert spool.size() == 12
    assert spool.bodies_of("a") == [spool.bodies / "a.x.request"]
    assert spool.bodies_of("b") == []


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path)
    lock = spool.lock("w1")
    assert lock is not None
    assert spool.lock("w1") is None
    lock.release(remove=True)
    assert not lock.path.exists()
    again = spool.lock("w1")
    assert again is not None
    again.release()


@pytest.mark.parametrize("worker", ["", "W1", "a-b", "../x", "x" * 41])
def test_a_worker_has_a_plain_name(tmp_path: Path, worker: str) -> None:
    with pytest.raises(ValueError, match="worker name"):
        SpoolFolder(tmp_path).lock(worker)


def test_a_lock_dies_with_its_holder_however_that_ends(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from entrepot_store.spool import SpoolFolder\n"
        "lock = SpoolFolder(pathlib.Path(sys.argv[1])).lock('w1'); print('held', lock is not None, flush=True)\n"
        "sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held True\n"
        spool = SpoolFolder(tmp_path)
        assert spool.lock("w1") is None
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate(timeout=30)
    lock = spool.lock("w1")
    assert lock is not None
    lock.release()
