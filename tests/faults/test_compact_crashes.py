"""Compaction ended at every step: what was captured is readable throughout, and the vault alone tells all of it."""

import threading
from pathlib import Path

import pytest

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.clock import FixedClock
from entrepot_store.compact import compact
from entrepot_store.errors import NotFound
from entrepot_store.model import Exchange, Gap
from entrepot_store.ship import rebuild_catalog, run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault.directory import DirectoryVault
from tests.support.spooled import make_exchange, write_sealed

STEPS = ("planned", "written", "put", "verified", "replaced", "deleted", "forgotten")
FAR = FixedClock(4_000_000_000_000_000)
"""Later than any grace: the vault dates its objects by the machine's clock."""
SHARED = b'{"shared": "%s"}' % (b"x" * 900)


class Ended(BaseException):
    """Stands for the end of the process: nothing below may catch it."""


class Rig:
    """A spool, a vault and a catalog in a folder."""

    def __init__(self, folder: Path, files: int = 6, each: int = 8) -> None:
        self.folder = folder
        self.spool = SpoolFolder(folder / "spool")
        self.vault = DirectoryVault(folder / "vault")
        self.catalog = open_catalog(f"sqlite:///{folder / 'catalog.sqlite'}")
        self.exchanges: list[Exchange] = []
        for number in range(files):
            self.ship(
                [
                    make_exchange(
                        number * each + n,
                        retention_class=("config", "default")[n % 2],
                        body=SHARED if n % 3 == 0 else None,  # stored once in each class, revisited from everywhere
                    )
                    for n in range(each)
                ]
            )

    def ship(self, exchanges: list[Exchange]) -> None:
        sequence = len(self.exchanges) + 1
        gap = Gap("w1", sequence, sequence + 1, 1, "a test")
        write_sealed(self.spool, exchanges, sequence=sequence, worker=f"w{sequence % 3}", gaps=[gap])
        run_shipper(self.spool, self.vault, self.catalog, threading.Event(), mode="drain")
        self.exchanges += exchanges

    def compact(self, step: str = "", *, clock: FixedClock = FAR) -> None:
        def end(done: str) -> None:
            if done == step:
                raise Ended

        retention = self.catalog.retention
        compact(self.vault, retention, self.folder / "upkeep", clock=clock, eager=True, step=end)

    def keys(self) -> list[str]:
        return [stat.key for stat in self.vault.list("segments/")]


def content(catalog: SqlCatalog, vault: DirectoryVault) -> dict[object, tuple[bytes, bytes]]:
    archive = Archive(vault, catalog)
    rows = catalog.iterate(ExchangeFilter())
    return {row.id: (archive.body_bytes(row, "request"), archive.body_bytes(row, "response")) for row in rows}


def captured(exchanges: list[Exchange]) -> dict[object, tuple[bytes | None, bytes | None]]:
    return {
        exchange.id: (exchange.request.body.data, exchange.response and exchange.response.body.data)
        for exchange in exchanges
    }


def rebuilt(rig: Rig, name: str) -> SqlCatalog:
    """Another catalog, from the vault alone."""
    catalog = open_catalog(f"sqlite:///{rig.folder / name}.sqlite")
    assert rebuild_catalog(rig.vault, catalog).damaged == ()
    return catalog


@pytest.mark.parametrize("first", ["compact", "rebuild"])
@pytest.mark.parametrize("step", STEPS)
def test_end_at_every_step(tmp_path: Path, step: str, first: str) -> None:
    """After the crash somebody goes on with compacting, or rebuilds the catalog first."""
    rig = Rig(tmp_path)
    before = rig.catalog.fingerprint()
    with pytest.raises(Ended):
        rig.compact(step)
    assert content(rig.catalog, rig.vault) == captured(rig.exchanges), "readable right after the crash"
    other = rebuilt(rig, "after-crash")
    assert content(other, rig.vault) == captured(rig.exchanges)
    # Where exchanges are may have moved on; what is known of them has not, and neither have documents, ledger and gaps.
    same = {"products", "ledger", "gaps", "documents", "looks"} & before.keys()
    assert {name: other.fingerprint()[name] for name in same} == {name: before[name] for name in same}
    if first == "rebuild":
        rebuild_catalog(rig.vault, rig.catalog)
        assert rig.catalog.fingerprint() == other.fingerprint()
    rig.compact()
    assert len(rig.keys()) == 2, "one segment of each class, and nothing else is left"
    assert rig.catalog.retention.repackings() == []
    assert content(rig.catalog, rig.vault) == captured(rig.exchanges)
    last = rebuilt(rig, "last")
    assert last.fingerprint() == rig.catalog.fingerprint()
    for catalog in (rig.catalog, other, last):
        catalog.close()


def test_replaced_segments_stay_for_their_readers_and_a_rebuild_passes_over_them(tmp_path: Path) -> None:
    rig = Rig(tmp_path, files=3)
    old = rig.keys()
    early = FixedClock(0)
    row = next(rig.catalog.iterate(ExchangeFilter()))
    rig.compact(clock=early)
    assert set(old) < set(rig.keys()), "readers may be at work on the old ones"
    assert Archive(rig.vault, rig.catalog).body_bytes(row, "request") == SHARED
    assert {waiting.key for waiting in rig.catalog.retention.superseded()} == set(old)
    rig.compact(clock=early)
    made = set(rig.keys()) - set(old)
    assert len(made) == 2, "doing it again does nothing"
    other = rebuilt(rig, "other")
    assert other.fingerprint() == rig.catalog.fingerprint()
    assert other.retention.superseded() == rig.catalog.retention.superseded()
    rig.compact()
    assert set(rig.keys()) == made
    with pytest.raises(NotFound):
        rig.vault.stat(row.segment)
    assert Archive(rig.vault, rig.catalog).body_bytes(row, "request") == SHARED, "an old row leads to the new place"
    other.close()
    rig.catalog.close()


def test_what_is_merged_is_merged_again_with_what_came_since(tmp_path: Path) -> None:
    rig = Rig(tmp_path, files=3)
    for _ in range(2):
        rig.compact(clock=FixedClock(0))
        first = len(rig.exchanges)
        rig.ship([make_exchange(first + n, body=SHARED) for n in range(4)])
    rig.compact(clock=FixedClock(0))
    other = rebuilt(rig, "other")
    assert other.fingerprint() == rig.catalog.fingerprint()
    assert other.retention.superseded() == rig.catalog.retention.superseded()
    rig.compact()
    assert content(rig.catalog, rig.vault) == captured(rig.exchanges)
    assert rebuilt(rig, "last").fingerprint() == rig.catalog.fingerprint()
    other.close()
    rig.catalog.close()


def test_a_merged_segment_that_does_not_decode_gives_way_to_what_it_replaced(tmp_path: Path) -> None:
    rig = Rig(tmp_path, files=3)
    old, before = rig.keys(), rig.catalog.fingerprint()
    rig.compact(clock=FixedClock(0))
    for key in set(rig.keys()) - set(old):
        path = tmp_path / "vault" / key
        path.write_bytes(path.read_bytes()[:-40])
    other = open_catalog(f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert len(rebuild_catalog(rig.vault, other).damaged) == 2
    assert other.fingerprint() == before
    assert other.gaps() == open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}").gaps()
    other.close()
    rig.catalog.close()


def test_segments_replaced_in_the_same_instant_go_in_one_run(tmp_path: Path) -> None:
    """Of a chain of replaced ones the later comes first by name; clocks of some stores tell whole seconds."""
    rig = Rig(tmp_path, files=2)
    rig.compact(clock=FixedClock(0))
    rig.ship([make_exchange(len(rig.exchanges) + n, body=SHARED) for n in range(4)])
    rig.compact(clock=FixedClock(0))
    with rig.catalog.database.writing() as connection:
        connection.exec_driver_sql("UPDATE superseded SET since = 0")
    rig.compact()
    assert len(rig.keys()) == 2
    assert rig.catalog.retention.superseded() == []
    assert content(rig.catalog, rig.vault) == captured(rig.exchanges)
    rig.catalog.close()
