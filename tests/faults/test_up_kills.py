"""`kill -9` of each part under load, at random moments, several times: nothing that was spooled is lost or doubled.

Two loads run: one under a rule with `durability = "sync"`, whose answers are promises, and one under the default. What
the second loses with a killed proxy must lie in a gap.
"""

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from entrepot_store.catalog import Catalog, ExchangeFilter, open_catalog
from tests.support.load import Load, numbered
from tests.support.proxy_origins import serving
from tests.support.up import Up, running_up, until

ROUNDS = 3
RULES = """
[[rule]]
name = "promised"
path = "/sync/**"
class = "config"
durability = "sync"
"""


def kill_and_wait(up: Up, part: str) -> None:
    """Kills the part and waits until another process of it works."""
    victim = up.pid(part)
    os.kill(victim, signal.SIGKILL)
    until(lambda: up.state("up")["parts"][part]["pid"] not in {victim, None}, f"{part} to be started again")
    assert up.pid(part) != victim


@pytest.mark.timeout(600)  # a proxy takes seconds to start, and it is started four times on a busy machine
@pytest.mark.parametrize("part", ["proxy", "ship", "api"])
def test_killed_part_loses_and_doubles_nothing(tmp_path: Path, part: str) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")  # shown when it fails
    chance = random.Random(seed)
    config = tmp_path / "entrepot.toml"
    config.write_text(RULES)
    with (
        serving(numbered) as origin,
        running_up(
            tmp_path / "data",
            *("--proxy", "", "--api", "127.0.0.1:0", "--config", str(config)),
            *("--reverse", f"orders=http://127.0.0.1:{origin.port}@127.0.0.1:0"),
        ) as up,
    ):
        url = up.ready["reverse"]["orders"]
        promised = Load(url, "/sync").start()
        best_effort = Load(url, "/async").start()
        try:
            for _ in range(ROUNDS):
                time.sleep(chance.uniform(0.05, 1.5))  # the random moment
                kill_and_wait(up, part)
            enough = len(best_effort.answered) + 50
            until(lambda: len(best_effort.answered) > enough, "traffic to flow again")
        finally:
            promised.stop()
            best_effort.stop()
        assert up.state("up")["parts"][part]["restarts"] == ROUNDS
        assert up.status()["parts"][part]["state"] == "running"
        assert up.api("/v1/exchanges?limit=1")["items"]
        assert up.end() == 0
    catalog = open_catalog(f"sqlite:///{up.data / 'catalog.sqlite'}")
    try:
        check(catalog, promised, best_effort, killed_proxies=ROUNDS if part == "proxy" else 0)
    finally:
        catalog.close()


def check(catalog: Catalog, promised: Load, best_effort: Load, *, killed_proxies: int) -> None:
    rows = list(catalog.iterate(ExchangeFilter()))
    times = Counter(row.path for row in rows)
    assert {path for path, number in times.items() if number > 1} == set()
    assert promised.answered.keys() - times.keys() == set()

    gaps = [row.gap for row in catalog.gaps()]
    lost = {path: times_of for path, times_of in best_effort.answered.items() if path not in times}
    if not killed_proxies:
        assert lost == {}
        assert gaps == []
        assert promised.errors == best_effort.errors == 0, "traffic must not notice that shipper or API are gone"
    else:
        assert len({gap.worker for gap in gaps}) == killed_proxies
        # Lost with a killed proxy is what was under way, or answered a moment ago, when it died.
        outside = [
            (path, sent, answered)
            for path, (sent, answered) in lost.items()
            if not any(gap.since <= answered and sent <= gap.until for gap in gaps)
        ]
        assert outside == []

    by_worker = Counter(catalog.segment(row.segment).worker for row in rows)
    ledgers = {entry.worker: entry for entry in catalog.ledger()}
    assert len(ledgers) == killed_proxies + 1
    orderly = ledgers.keys() - {gap.worker for gap in gaps}
    assert len(orderly) == 1
    for worker, entry in ledgers.items():
        assert entry.balanced, entry
        assert entry.failed == 0
        if worker in orderly:
            assert entry.in_flight == 0
            assert by_worker[worker] == entry.stored + entry.truncated
        else:
            # The last count before the kill: what was spooled after it is shipped as well.
            assert by_worker[worker] >= entry.stored + entry.truncated


def test_killed_supervisor_leaves_an_orderly_end(tmp_path: Path) -> None:
    """Its children end by themselves: the proxy seals, and the next `up` ships what is left. No gap, nothing lost."""
    arguments = ("--proxy", "", "--api", "127.0.0.1:0")
    with serving(numbered) as origin:
        reverse = ("--reverse", f"orders=http://127.0.0.1:{origin.port}@127.0.0.1:0")
        with running_up(tmp_path / "data", *arguments, *reverse) as up:
            load = Load(up.ready["reverse"]["orders"], "/async").start()
            until(lambda: len(load.answered) > 100, "traffic")
            up.process.kill()
            up.process.wait()
            until(lambda: load.errors, "the proxy to be gone")
            load.stop()
        with running_up(tmp_path / "data", *arguments, *reverse) as up:
            assert up.ready
            up.wait_until_shipped()
            assert up.end() == 0
    catalog = open_catalog(f"sqlite:///{up.data / 'catalog.sqlite'}")
    times = Counter(row.path for row in catalog.iterate(ExchangeFilter()))
    assert load.answered.keys() - times.keys() == set()
    assert {path for path, number in times.items() if number > 1} == set()
    assert catalog.gaps() == []
    catalog.close()
