"""What is missing from a spool is said: torn tails, damaged records, lost bodies, dead workers."""

import threading
from pathlib import Path

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.sql import open_catalog
from entrepot_store.model import Body, LedgerEntry
from entrepot_store.ship import rebuild_catalog, run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.spool.files import ABANDONED, DAMAGED, LOCK, OPEN, SEALED, SpoolName
from entrepot_store.vault.directory import DirectoryVault
from tests.support.spooled import START, make_exchange, spool_bytes, write_file, write_sealed


def ship_all(folder: Path) -> tuple[list[str], int]:
    """Ships everything; returns the reasons of all gaps and the number of exchanges, the same after a rebuild."""
    catalog = open_catalog(f"sqlite:///{folder / 'catalog.sqlite'}")
    vault = DirectoryVault(folder / "vault")
    run_shipper(SpoolFolder(folder / "spool"), vault, catalog, threading.Event(), mode="drain")
    reasons = [row.gap.reason for row in catalog.gaps()]
    count = catalog.count(ExchangeFilter())
    before = catalog.fingerprint()
    rebuild_catalog(vault, catalog)
    assert catalog.fingerprint() == before, "gaps and ledger are in the vault too"
    catalog.close()
    return reasons, count


def test_a_dead_workers_file_is_taken_over_and_reported(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    name = SpoolName(START, "dead1", 1)
    entry = LedgerEntry("dead1", START + 5000, seen=7, stored=4, in_flight=3)
    whole = spool_bytes(name, [make_exchange(n) for n in range(4)], entry)
    write_file(spool.open_path(name), whole + b"\xe7SPL\x40\x00\x00\x00half a frame")
    write_file(spool.body_path("dead1.0123.request"), b"the body of an exchange in flight")
    reasons, count = ship_all(tmp_path)
    assert count == 4
    assert len(reasons) == 1
    assert "ended without closing" in reasons[0]
    assert "torn tail of 20 bytes" in reasons[0]
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    assert [row.gap.missing for row in catalog.gaps()] == [3]
    assert catalog.ledger() == [entry]
    catalog.close()
    assert [spool.names(state) for state in (OPEN, SEALED, ABANDONED)] == [[], [], []]
    assert list(spool.bodies.iterdir()) == []
    assert not (spool.path / f"dead1{LOCK}").exists()


def test_a_living_workers_file_is_left_alone(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    name = SpoolName(START, "alive1", 1)
    lock = spool.lock("alive1")
    assert lock is not None
    write_file(spool.open_path(name), spool_bytes(name, [make_exchange(1)]))
    reasons, count = ship_all(tmp_path)
    assert (reasons, count) == ([], 0)
    assert spool.names(OPEN) == [name]
    lock.release()


def test_one_flipped_byte_costs_one_record_and_is_reported(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    name = write_sealed(spool, [make_exchange(n) for n in range(10)])
    path = spool.sealed_path(name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    write_file(path, bytes(content))
    reasons, count = ship_all(tmp_path)
    assert count == 9
    assert len(reasons) == 1
    assert "are damaged" in reasons[0]
    assert spool.names(DAMAGED) == [name]


def test_a_sealed_file_whose_end_is_damaged_is_kept_as_it_says(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    name = write_sealed(spool, [make_exchange(n) for n in range(10)])
    path = spool.sealed_path(name)
    content = path.read_bytes()
    write_file(path, content[:-1] + bytes([content[-1] ^ 1]))
    reasons, count = ship_all(tmp_path)
    assert count == 10, "the last record is the ledger"
    assert "kept as .damaged" in reasons[0]
    assert spool.names(DAMAGED) == [name]


def test_a_missing_or_short_body_is_marked_and_reported(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    missing, short, whole = make_exchange(1), make_exchange(2), make_exchange(3)
    for exchange, file in ((missing, "w1.1.request"), (short, "w1.2.request"), (whole, "w1.3.request")):
        exchange.request.body = Body(data=None, file=file, size=1000)
    write_file(spool.body_path("w1.2.request"), b"x" * 400)
    write_file(spool.body_path("w1.3.request"), b"x" * 1000)
    write_sealed(spool, [missing, short, whole])
    reasons, count = ship_all(tmp_path)
    assert count == 3
    assert sorted(reason.split(" ", 4)[4] for reason in reasons) == sorted(
        [f"{missing.id} is missing", f"{short.id} holds 400 of 1000 bytes"]
    )
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    rows = list(catalog.iterate(ExchangeFilter()))
    assert [(row.complete, row.request.size) for row in rows] == [(False, 0), (False, 400), (True, 1000)]
    catalog.close()
    assert list(spool.bodies.iterdir()) == []


def test_a_file_with_nothing_but_counts_still_reaches_the_vault(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    entry = LedgerEntry("w1", START, seen=50, ignored=50)
    write_sealed(spool, [], ledger=entry)
    reasons, count = ship_all(tmp_path)
    assert (reasons, count) == ([], 0)
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    assert catalog.ledger() == [entry]
    catalog.close()
