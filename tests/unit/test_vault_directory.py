"""What is particular to the directory vault: what a crash leaves, who may read, file systems with fewer abilities."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from entrepot_store.errors import AlreadyExists, NotFound, VaultDenied, VaultUnavailable
from entrepot_store.vault.directory import DirectoryVault


@pytest.fixture
def vault(tmp_path: Path) -> DirectoryVault:
    return DirectoryVault(tmp_path / "made" / "vault")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


def test_files_and_folders_are_the_owners_alone(vault: DirectoryVault, file: Path) -> None:
    before = os.umask(0)
    try:
        vault.put("segments/config/a", file)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in vault.root.rglob("*")}
    assert modes == {"segments": 0o700, "config": 0o700, "a": 0o600}
    assert vault.root.stat().st_mode & 0o777 == 0o700


def test_the_object_outlives_its_source(vault: DirectoryVault, file: Path) -> None:
    vault.put("a", file)
    file.write_bytes(b"CHANGED")
    assert vault.get("a") == b"content"


@pytest.mark.parametrize("call", ["os.fsync", "os.link", "shutil.copyfileobj", "os.open"])
def test_a_failing_put_leaves_nothing(
    vault: DirectoryVault, file: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    vault.check()
    with monkeypatch.context() as patched:
        patched.setattr(f"entrepot_store.vault.directory.{call}", fail)
        with pytest.raises(VaultUnavailable, match="Free space"):
            vault.put("a/b", file)
    assert list(vault.list()) == []
    assert [path for path in vault.root.rglob("*") if path.is_file()] == []
    assert vault.put("a/b", file).size == 7


KILLED = """
import os, signal, sys
from pathlib import Path
from entrepot_store.vault import directory
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
module, _, name = sys.argv[3].rpartition(".")
setattr(getattr(directory, module) if module else directory, name, die)
directory.DirectoryVault(Path(sys.argv[1])).put("a/b", Path(sys.argv[2]))
"""


@pytest.mark.parametrize("call", ["os.link", "os.fsync", "shutil.copyfileobj", "_same", "_sync_folders"])
def test_a_put_that_is_killed_shows_the_whole_or_nothing(vault: DirectoryVault, file: Path, call: str) -> None:
    if call == "_same":
        vault.put("a/b", file)
    child = subprocess.run([sys.executable, "-c", KILLED, vault.root, file, call], check=False, timeout=60)
    assert child.returncode == -signal.SIGKILL
    seen = [found.key for found in vault.list()]
    assert seen == (["a/b"] if call in ("_same", "_sync_folders") else [])
    assert vault.put("a/b", file).size == 7
    assert [vault.get(found.key) for found in vault.list()] == [b"content"]


def test_old_leftovers_are_tidied_up_and_young_ones_left(vault: DirectoryVault, file: Path) -> None:
    vault.put("a/b", file)
    old, young = vault.root / "a" / ".partial-1", vault.root / "a" / ".partial-2"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (0, time.time() - 2 * 24 * 3600))
    vault.check()
    assert not old.exists()
    assert young.exists()
    assert [found.key for found in vault.list()] == ["a/b"]


def test_without_links_nothing_is_overwritten_either(
    vault: DirectoryVault, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("entrepot_store.vault.directory.os.link", no_links)
    vault.check()
    vault.put("a", file)
    vault.put("a", file)
    other = tmp_path / "other"
    other.write_bytes(b"CONTENT")
    with pytest.raises(AlreadyExists):
        vault.put("a", other)
    assert vault.get("a") == b"content"


def test_an_object_is_no_folder(vault: DirectoryVault, file: Path) -> None:
    vault.put("a", file)
    with pytest.raises(AlreadyExists):
        vault.put("a/b", file)
    with pytest.raises(NotFound):
        vault.get("a/b")
    vault.delete("a/b")
    assert [found.key for found in vault.list()] == ["a"]


def test_a_file_that_shrinks_while_it_is_read_is_not_an_end(vault: DirectoryVault, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(b"x" * 3_000_000)
    vault.put("a", source)
    with vault.open("a") as stream:
        assert stream.read(10) == b"x" * 10
        os.truncate(vault.root / "a", 1_500_000)
        with pytest.raises(VaultUnavailable, match="early"):
            stream.read()


def test_a_root_that_is_no_folder_is_denied(tmp_path: Path, file: Path) -> None:
    vault = DirectoryVault(file)
    with pytest.raises((VaultDenied, AlreadyExists)):
        vault.check()


def test_what_others_left_in_the_folder_is_not_ours(vault: DirectoryVault, file: Path) -> None:
    vault.put("a", file)
    (vault.root / "with space").write_text("x")
    (vault.root / "lost+found").mkdir()
    assert [found.key for found in vault.list()] == ["a"]


def test_a_missing_source_is_the_callers_mistake(vault: DirectoryVault, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vault.put("a", tmp_path / "nothing")
    with pytest.raises(NotFound):
        vault.get("a")
