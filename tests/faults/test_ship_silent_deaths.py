"""A worker that is killed while none of its spool files is open leaves only its lock, and is missed all the same."""

import threading
from pathlib import Path

import pytest

from entrepot_store.catalog import open_catalog
from entrepot_store.catalog.rows import GapRow
from entrepot_store.ship import rebuild_catalog, recover, run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.spool.files import LOCK
from entrepot_store.vault.directory import DirectoryVault
from tests.support.spooled import START, make_exchange, write_file, write_sealed

LAST_SEEN = START + 50_000_000


def leave_lock(spool: SpoolFolder, worker: str = "dead1") -> Path:
    """As a killed worker does: the file stays, the kernel has dropped the lock."""
    lock = spool.lock(worker)
    assert lock is not None
    lock.touch(LAST_SEEN)
    lock.release()
    return lock.path


def ship(folder: Path) -> list[GapRow]:
    catalog = open_catalog(f"sqlite:///{folder / 'catalog.sqlite'}")
    vault = DirectoryVault(folder / "vault")
    run_shipper(SpoolFolder(folder / "spool"), vault, catalog, threading.Event(), mode="drain")
    before, gaps = catalog.fingerprint(), catalog.gaps()
    rebuild_catalog(vault, catalog)
    assert catalog.fingerprint() == before, "the gap is in the vault too"
    catalog.close()
    return gaps


def test_left_lock_is_a_gap_from_the_last_sign_of_life_on(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    path = leave_lock(spool)
    write_file(spool.body_path("dead1.0123.request"), b"of an exchange that was under way")
    (row,) = ship(tmp_path)
    assert (row.gap.worker, row.gap.since, row.gap.missing) == ("dead1", LAST_SEEN, 0)
    assert row.gap.until > row.gap.since
    assert "under way" in row.gap.reason
    assert not path.exists()
    assert list(spool.bodies.iterdir()) == []
    assert sorted(file.name for file in spool.path.iterdir()) == ["bodies", f"shipper{LOCK}"]
    assert len(ship(tmp_path)) == 1, "it is reported once"


def test_gap_comes_behind_the_files_that_the_worker_had_sealed(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    write_sealed(spool, [make_exchange(1)], worker="dead1")
    leave_lock(spool)
    assert [row.gap.since for row in ship(tmp_path)] == [LAST_SEEN]


def test_worker_that_removed_its_lock_is_no_gap(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    write_sealed(spool, [make_exchange(1)], worker="good1")
    lock = spool.lock("good1")
    assert lock is not None
    lock.release(remove=True)
    assert ship(tmp_path) == []


def test_living_worker_is_no_gap(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    lock = spool.lock("alive1")
    assert lock is not None
    assert ship(tmp_path) == []
    assert lock.path.exists()
    lock.release()


def test_crash_before_the_lock_is_marked_reports_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    leave_lock(spool)

    def crash(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(recover, "sync_folder", crash)
        with pytest.raises(KeyboardInterrupt):
            ship(tmp_path)
    assert len(ship(tmp_path)) == 1
    assert len(ship(tmp_path)) == 1
