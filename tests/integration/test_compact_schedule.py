"""Compaction that nobody asks for: beside the shipper, in bounded parts, and visible when it does not work."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from entrepot_api.cli import upkeep
from entrepot_api.status import collect
from entrepot_store.archive import Archive
from entrepot_store.compact import schedule
from entrepot_store.compact.schedule import ScheduledCompaction
from entrepot_store.config import Settings
from entrepot_store.state import StateFile, read_state
from tests.support.faces import run_cli
from tests.support.retained import LONG, Store
from tests.support.spooled import write_sealed

CLASSES = ("archive", "settings")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    for day in range(10):
        for name in CLASSES:
            store.add("PUT", f"/v1/{name}", day, b'{"day": %d, "pad": "%s"}' % (day, LONG), rule=name)
    store.ship(each=1)
    yield store
    store.catalog.close()


def compaction(store: Store, every: float = 600, behind: Callable[[], float] = lambda: 0.0) -> ScheduledCompaction:
    return ScheduledCompaction(Archive(store.vault, store.catalog), store.folder / "upkeep", every, behind)


def classes(store: Store) -> list[str]:
    return [row.retention_class for row in store.catalog.segments()]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_small_segments_are_merged_a_bounded_part_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.catalog.fingerprint()
    monkeypatch.setattr(schedule, "MOST", 1)
    beside = compaction(store)
    assert beside.go()
    assert classes(store) == ["archive"] + ["settings"] * 10
    beside.go()
    assert classes(store) == list(CLASSES)
    assert not beside.go()
    facts = beside.facts()
    assert (facts["runs"], facts["merged"], facts["made"], facts["failures"]) == (3, 20, 2, 0)
    assert store.catalog.fingerprint()["documents"] == before["documents"]
    replaced = collect(Settings(data=store.folder), store.catalog)["replaced"]
    assert replaced is not None
    assert replaced["segments"] == 20
    assert replaced["bytes"] == sum(row.size for row in store.catalog.retention.superseded()) > 0


def test_what_does_not_read_holds_up_nothing_else_and_is_a_problem(
    store: Store, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    key = next(row.key for row in store.catalog.segments() if row.retention_class == "archive")
    broken = store.folder / "vault" / key
    broken.chmod(0o600)
    broken.write_bytes(broken.read_bytes()[:-9] + b"damaged!!")
    beside = compaction(store)
    assert not beside.go()
    assert classes(store) == ["archive"] * 10 + ["settings"]
    facts = beside.facts()
    assert (facts["runs"], facts["failures"]) == (0, 1)
    assert key in facts["failing"]
    StateFile(store.folder, "ship").write(ready=True, compaction=facts)
    told = run_cli(capfdbinary, "status", "--data", store.folder)
    assert "cannot merge small segments (1 failures)" in told.out
    assert "10 merged segments of" in told.out
    assert run_cli(capfdbinary, "status", "--data", store.folder, "--json").json["replaced"]["segments"] == 10


def test_it_lets_others_and_shipping_go_first(
    store: Store, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    behind = [99.0]
    asked = threading.Semaphore(0)

    def seconds_behind() -> float:
        asked.release()
        return behind[0]

    stop, beside = threading.Event(), compaction(store, 0.01, seconds_behind)
    thread = threading.Thread(target=beside.run, args=(stop,))
    thread.start()
    try:
        for _ in range(3):
            assert asked.acquire(timeout=20)
        assert beside.facts()["runs"] == 0
        with store.catalog.retention.sole():
            behind[0] = 0
            for _ in range(3):
                assert asked.acquire(timeout=20)
            assert (beside.facts()["runs"], beside.facts()["failures"]) == (0, 0)
            monkeypatch.setattr(upkeep, "_PATIENCE_SECONDS", 0.3)
            ran = run_cli(capfdbinary, "compact", "--data", store.folder)
            assert (ran.code, ran.err.count("Waiting for it")) == (11, 1)
        wait_for(lambda: beside.facts()["made"] == 2)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("every", ["0.2", "0"])
def test_the_shipper_does_it_unless_told_not_to(store: Store, every: str) -> None:
    (store.folder / "entrepot.toml").write_text(f"[compact]\nevery_seconds = {every}\n")
    options = ("--config", str(store.folder / "entrepot.toml"), "--data", str(store.folder))
    command = [sys.executable, "-m", "entrepot_api", "ship", *options]
    late = store.add("PUT", "/v1/late", 11, b'{"late": true}', rule="late")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as shipper:
        try:
            wait_for(lambda: read_state(store.folder, "ship"))
            if every != "0":
                wait_for(lambda: len(classes(store)) == 2)
            write_sealed(store.spool, [late], sequence=99, worker="w9")
            wait_for(lambda: "PUT /v1/late" in store.paths())
        finally:
            shipper.terminate()
        assert shipper.wait(20) == 0
    assert len(classes(store)) == (3 if every != "0" else 21)
