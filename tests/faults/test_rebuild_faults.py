"""A rebuild of the catalog while a shipper works, behind one that was killed, and itself broken off."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from entrepot_store.catalog import ExchangeFilter, open_catalog
from entrepot_store.clock import SystemClock
from entrepot_store.model import Exchange
from entrepot_store.ship import Shipper, rebuild_catalog, run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault.directory import DirectoryVault
from tests.support.spooled import make_exchange, write_sealed


class Ended(BaseException):
    """Stands for the end of the process: nothing below may catch it."""


class Rig:
    def __init__(self, folder: Path) -> None:
        self.spool = SpoolFolder(folder / "spool")
        self.vault = DirectoryVault(folder / "vault")
        self.catalog = open_catalog(f"sqlite:///{folder / 'catalog.sqlite'}")

    def shipper(self, step: Callable[[str], None] = lambda _: None) -> Shipper:
        return Shipper(self.spool, self.vault, self.catalog, SystemClock(), step)

    def drain(self) -> None:
        run_shipper(self.spool, self.vault, self.catalog, threading.Event(), mode="drain")

    def ids(self) -> list[object]:
        return [row.id for row in self.catalog.iterate(ExchangeFilter())]


def of_two_classes(first: int) -> list[Exchange]:
    return [make_exchange(n, retention_class=("config", "default")[n % 2]) for n in range(first, first + 10)]


def test_half_a_spool_file_in_the_vault_is_not_taken_for_all_of_it(tmp_path: Path) -> None:
    """The shipper is killed between the segments of two classes; the catalog is rebuilt before it starts again."""
    rig = Rig(tmp_path)
    exchanges = of_two_classes(0)
    name = write_sealed(rig.spool, exchanges)

    def end(done: str) -> None:
        if done == "verified":
            raise Ended

    with pytest.raises(Ended):
        rig.shipper(end).ship(name)
    assert rebuild_catalog(rig.vault, rig.catalog).exchanges == 5
    rig.drain()
    assert rig.ids() == [exchange.id for exchange in exchanges]
    before = rig.catalog.fingerprint()
    rebuild_catalog(rig.vault, rig.catalog)
    assert rig.catalog.fingerprint() == before


def test_what_is_shipped_in_the_middle_of_a_rebuild_stays(tmp_path: Path) -> None:
    """Whole files before the index is emptied and after it, and one of which the rebuild sees one segment only."""
    rig = Rig(tmp_path)
    files = [of_two_classes(first) for first in (0, 10, 20, 30)]
    names = [write_sealed(rig.spool, exchanges, sequence=number) for number, exchanges in enumerate(files, start=1)]
    rig.shipper().ship(names[0])
    clear = rig.catalog.clear_index
    half, finish = threading.Event(), threading.Event()

    def wait_at_half(done: str) -> None:
        if done == "verified" and not half.is_set():
            half.set()
            finish.wait(30)

    late = threading.Thread(target=lambda: rig.shipper(wait_at_half).ship(names[3]))
    late.start()
    assert half.wait(30)

    def clear_late(*mark: object) -> object:
        rig.shipper().ship(names[1])  # after the listing
        cleared = clear(*mark)  # type: ignore[arg-type]  # passed on as it came
        rig.shipper().ship(names[2])
        return cleared

    rig.catalog.clear_index = clear_late  # type: ignore[method-assign, assignment]  # a shipper at the worst moment
    rebuild_catalog(rig.vault, rig.catalog)
    finish.set()
    late.join()
    assert rig.ids() == [exchange.id for exchanges in files for exchange in exchanges]
    assert rig.catalog.gaps() == []


def test_a_rebuild_that_is_broken_off_says_so_until_one_ends(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for number in range(3):
        write_sealed(rig.spool, [make_exchange(number)], sequence=number + 1)
    rig.drain()
    before = rig.catalog.fingerprint()

    def end(done: int, _total: int) -> None:
        if done == 2:
            raise Ended

    with pytest.raises(Ended):
        rebuild_catalog(rig.vault, rig.catalog, progress=end)
    (row,) = rig.catalog.gaps(acknowledged=False)
    assert "rebuild-catalog" in row.gap.reason
    rebuild_catalog(rig.vault, rig.catalog)
    assert rig.catalog.fingerprint() == before
    assert rig.catalog.gaps() == []


def test_a_segment_that_does_not_decode_is_a_gap_until_it_does(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for number in range(2):
        write_sealed(rig.spool, [make_exchange(number)], sequence=number + 1)
    rig.drain()
    before = rig.catalog.fingerprint()
    key = next(iter(rig.catalog.segments())).key
    path = tmp_path / "vault" / key
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    for _ in range(2):
        assert [damaged for damaged, _ in rebuild_catalog(rig.vault, rig.catalog).damaged] == [key]
        (row,) = rig.catalog.gaps()
        assert key in row.gap.reason
    path.write_bytes(whole)
    rebuild_catalog(rig.vault, rig.catalog)
    assert rig.catalog.fingerprint() == before
