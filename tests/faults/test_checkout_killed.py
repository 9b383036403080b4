"""A checkout that is killed in the middle leaves no folder that looks whole, and nothing that hinders the next one."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot_store.checkout import checkout
from tests.support.captured import archive_of
from tests.support.timetravel import HOST, an_hour, minute

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from entrepot_store.archive import Archive
from entrepot_store.catalog import open_catalog
from entrepot_store.checkout import checkout
from entrepot_store.vault.directory import DirectoryVault

folder, host, at, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
archive = Archive(DirectoryVault(folder / "vault"), open_catalog(f"sqlite:///{folder / 'catalog.sqlite'}"))
checkout(archive, host, at, folder / "out",
         progress=lambda done: os.kill(os.getpid(), signal.SIGKILL) if done == number else None)
"""


@pytest.mark.parametrize("number", [1, 3])
def test_a_killed_checkout_leaves_nothing_under_the_name(tmp_path: Path, number: int) -> None:
    archive = archive_of(tmp_path, an_hour().exchanges)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED_AT, str(tmp_path), HOST, str(minute(11)), str(number)], check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    (left,) = tmp_path.glob(".out.partial-*")
    assert left.stat().st_mode & 0o777 == 0o700
    assert checkout(archive, HOST, minute(11), tmp_path / "out").files == 4
    archive.catalog.close()
