"""The data folder of `up`: private, and one owner at a time, whatever ended the one before."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot_api.supervisor import folder as folder_module
from entrepot_api.supervisor.folder import DataFolder
from entrepot_store.errors import Busy, ConfigError


def test_folder_is_made_private_with_its_parents(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "a" / "b") as folder:
        folder.acquire()
        assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "a" / "b" / "lock").stat().st_mode) == 0o600


def test_an_open_folder_is_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with DataFolder(tmp_path) as folder:
        folder.acquire()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    with DataFolder(tmp_path) as first, DataFolder(tmp_path) as second:
        first.acquire()
        with pytest.raises(Busy, match=f"process {os.getpid()}") as caught:
            second.acquire()
        assert caught.value.exit_code == 11


def test_folder_is_free_again_after_release(tmp_path: Path) -> None:
    with DataFolder(tmp_path) as first:
        first.acquire()
    with DataFolder(tmp_path) as second:
        second.acquire()


def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(ConfigError, match="is not a folder"), DataFolder(tmp_path / "data") as folder:
        folder.acquire()


def test_children_of_a_killed_owner_hold_the_folder_until_they_end(tmp_path: Path) -> None:
    """The owner is gone and its child still lives: a second `up` waits for the child instead of fighting it."""
    owner = (
        "import os, subprocess, sys, pathlib\n"
        "from entrepot_api.supervisor.folder import DataFolder\n"
        "folder = DataFolder(pathlib.Path(sys.argv[1])); folder.acquire()\n"
        "child = subprocess.Popen(['cat'], pass_fds=[folder.lock_descriptor], stdin=0, stdout=subprocess.DEVNULL)\n"
        "os._exit(9)\n"
    )
    leash_read, leash_write = os.pipe()
    with os.fdopen(leash_read, "rb") as leash:
        done = subprocess.run([sys.executable, "-c", owner, str(tmp_path)], stdin=leash, check=False, timeout=60)
    assert done.returncode == 9
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        os.close(leash_write)  # now the child sees the end of its input, and ends

    with DataFolder(tmp_path) as folder:
        folder.acquire(hear)
    assert len(heard) == 1
    assert "waiting for the parts" in heard[0]


def test_waiting_for_orphans_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "ORPHAN_SECONDS", 0.3)
    with DataFolder(tmp_path) as first, DataFolder(tmp_path) as second:
        first.acquire()
        (tmp_path / "lock").write_text("2147483646\n")  # a process that cannot exist: the owner is gone
        with pytest.raises(Busy):
            second.acquire()
