"""The shipper ended at every step, and what was spooled is in the catalog exactly once afterwards."""

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.clock import SystemClock
from entrepot_store.errors import Busy, VaultUnavailable
from entrepot_store.model import Exchange
from entrepot_store.ship import Shipper, rebuild_catalog, run_shipper
from entrepot_store.ship.loop import ShipperLoop, seconds_behind, sole_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.spool.files import SEALED
from entrepot_store.state import StateFile
from entrepot_store.vault.directory import DirectoryVault
from tests.support.spooled import make_exchange, write_sealed

STEPS = ("read", "written", "put", "verified", "committed", "deleted")


class Ended(BaseException):
    """Stands for the end of the process: nothing below may catch it."""


class Rig:
    """A spool, a vault and a catalog in a folder, as a shipper finds them after every start."""

    def __init__(self, folder: Path) -> None:
        self.spool = SpoolFolder(folder / "spool")
        self.vault = DirectoryVault(folder / "vault")
        self.url = f"sqlite:///{folder / 'catalog.sqlite'}"

    def catalog(self) -> SqlCatalog:
        return open_catalog(self.url)

    def drain(self) -> None:
        catalog = self.catalog()
        run_shipper(self.spool, self.vault, catalog, threading.Event(), mode="drain")
        catalog.close()


def check_exactly_once(rig: Rig, exchanges: list[Exchange]) -> None:
    """Every exchange is there once, with its bodies, and a rebuild from the vault gives an equal catalog."""
    catalog = rig.catalog()
    archive = Archive(rig.vault, catalog)
    rows = list(catalog.iterate(ExchangeFilter()))
    assert [row.id for row in rows] == sorted(exchange.id for exchange in exchanges)
    by_id = {exchange.id: exchange for exchange in exchanges}
    for row in rows:
        captured = by_id[row.id]
        assert archive.body_bytes(row, "request") == captured.request.body.data
        assert captured.response is not None
        assert archive.body_bytes(row, "response") == captured.response.body.data
    before = catalog.fingerprint()
    rebuilt = rebuild_catalog(rig.vault, catalog)
    assert rebuilt.damaged == ()
    assert catalog.fingerprint() == before
    catalog.close()


@pytest.mark.parametrize("step", STEPS)
def test_end_at_every_step(tmp_path: Path, step: str) -> None:
    rig = Rig(tmp_path)
    exchanges = [make_exchange(n, retention_class=("config", "default")[n % 2]) for n in range(40)]
    name = write_sealed(rig.spool, exchanges)

    def end(done: str) -> None:
        if done == step:
            raise Ended

    catalog = rig.catalog()
    with pytest.raises(Ended):
        Shipper(rig.spool, rig.vault, catalog, SystemClock(), end).ship(name)
    catalog.close()
    rig.drain()
    assert rig.spool.names(SEALED) == []
    assert list(rig.spool.bodies.iterdir()) == []
    check_exactly_once(rig, exchanges)


def test_end_between_the_segments_of_two_classes(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    exchanges = [make_exchange(n, retention_class=f"c{n % 3}") for n in range(30)]
    name = write_sealed(rig.spool, exchanges)
    puts = 0

    def end_at_second_put(done: str) -> None:
        nonlocal puts
        puts += done == "put"
        if puts == 2:
            raise Ended

    catalog = rig.catalog()
    with pytest.raises(Ended):
        Shipper(rig.spool, rig.vault, catalog, SystemClock(), end_at_second_put).ship(name)
    catalog.close()
    rig.drain()
    check_exactly_once(rig, exchanges)


def test_a_damaged_segment_from_before_the_crash_is_not_adopted(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    exchanges = [make_exchange(n) for n in range(20)]
    name = write_sealed(rig.spool, exchanges)
    key = name.segment_key("default")
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\x28\xb5\x2f\xfd half a segment")
    rig.vault.put(key, garbage)
    rig.drain()
    catalog = rig.catalog()
    assert [row.key for row in catalog.segments()] == [key.replace(".warc.zst", "-r1.warc.zst")]
    assert rig.vault.get(key) == garbage.read_bytes(), "what was there is left for a person to look at"
    rebuilt = rebuild_catalog(rig.vault, catalog)
    assert [damaged for damaged, _ in rebuilt.damaged] == [key]
    assert rebuilt.exchanges == len(exchanges)
    catalog.close()


def test_the_vault_loses_its_answers_and_the_file_stays(tmp_path: Path) -> None:
    """A put that arrives but whose answer is lost: the next round adopts it."""
    rig = Rig(tmp_path)
    exchanges = [make_exchange(n) for n in range(20)]
    name = write_sealed(rig.spool, exchanges)

    class Forgetful(DirectoryVault):
        lost = 0

        def put(self, key: str, source: Path):  # type: ignore[no-untyped-def]  # the test needs only the side effect
            super().put(key, source)
            self.lost += 1
            raise VaultUnavailable("the answer was lost")

    catalog = rig.catalog()
    vault = Forgetful(tmp_path / "vault")
    with pytest.raises(VaultUnavailable):
        Shipper(rig.spool, vault, catalog, SystemClock()).ship(name)
    assert vault.lost == 1
    assert rig.spool.sealed_path(name).exists()
    assert catalog.count(ExchangeFilter()) == 0
    Shipper(rig.spool, vault, catalog, SystemClock()).ship(name)
    assert vault.lost == 1, "adopted, not put again"
    catalog.close()
    check_exactly_once(rig, exchanges)


def test_a_vault_that_is_away_is_waited_for(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    exchanges = [make_exchange(n) for n in range(5)]
    write_sealed(rig.spool, exchanges)
    catalog = rig.catalog()
    stop = threading.Event()

    class Away(DirectoryVault):
        away = True

        def stat(self, key: str):  # type: ignore[no-untyped-def]  # as above
            if self.away:
                raise VaultUnavailable("the vault is away")
            return super().stat(key)

    vault = Away(tmp_path / "vault")
    loop = ShipperLoop(rig.spool, vault, catalog)
    thread = threading.Thread(target=loop.run, args=(stop, "drain"))
    thread.start()
    assert seconds_behind(rig.spool, SystemClock().now()) > 0
    thread.join(1.0)
    assert thread.is_alive(), "it waits instead of giving up"
    vault.away = False
    thread.join(30)
    assert not thread.is_alive()
    assert seconds_behind(rig.spool, SystemClock().now()) == 0
    catalog.close()
    check_exactly_once(rig, exchanges)


def test_no_room_for_the_state_file_stops_no_shipping(tmp_path: Path) -> None:
    """Shipping is what makes room on a full disk; so is removing the half-made segment of a shipper that was killed."""
    rig = Rig(tmp_path)
    exchanges = [make_exchange(n) for n in range(5)]
    write_sealed(rig.spool, exchanges)
    left = rig.spool.path / "ship-killed"
    left.mkdir()
    (left / "segment.warc.zst").write_bytes(b"half")

    class Full(StateFile):
        def write(self, **facts: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    catalog = rig.catalog()
    state = Full(tmp_path, "ship")
    totals = run_shipper(rig.spool, rig.vault, catalog, threading.Event(), mode="drain", state=state)
    assert totals.exchanges == 5
    assert not left.exists()
    catalog.close()
    check_exactly_once(rig, exchanges)


def test_two_shippers_on_one_spool(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    catalog = rig.catalog()
    with sole_shipper(rig.spool), pytest.raises(Busy):
        run_shipper(rig.spool, rig.vault, catalog, threading.Event(), mode="once")
    catalog.close()


_CHILD = """
import sys, threading
from pathlib import Path
from entrepot_store.catalog.sql import open_catalog
from entrepot_store.ship import run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault.directory import DirectoryVault
folder = Path(sys.argv[1])
catalog = open_catalog(f"sqlite:///{folder / 'catalog.sqlite'}")
print("ready", flush=True)
run_shipper(SpoolFolder(folder / "spool"), DirectoryVault(folder / "vault"), catalog, threading.Event())
"""


def test_kill_9_at_random_moments(tmp_path: Path) -> None:
    """A real process, killed over and over while files keep coming."""
    rig = Rig(tmp_path)
    rig.catalog().close()
    chance = random.Random(20261122)
    exchanges: list[Exchange] = []
    for round_number in range(12):
        for sequence in range(3):
            batch = [make_exchange(len(exchanges) + n, retention_class=chance.choice(("a", "b"))) for n in range(60)]
            exchanges += batch
            write_sealed(rig.spool, batch, sequence=round_number * 3 + sequence + 1)
        child = subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.25))  # the moment of death is the thing under test
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    rig.drain()
    check_exactly_once(rig, exchanges)
