"""`kill -9` of each part under load, at random moments, several times: nothing that was spooled is lost or doubled.

Two loads run: one under a rule with `durability = "sync"`, whose answers are promises, and one under the default. What
the second loses with a killed proxy must lie in a gap.
"""

import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from entrepot_store.catalog import Catalog, ExchangeFilter, open_catalog
from tests.support.load import Load, numbered
from tests.support.proxy_origins import Origin, read_request, serving
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


def test_kill_while_the_only_exchange_is_still_under_way_is_a_gap(tmp_path: Path) -> None:
    """A quiet proxy has nothing in its spool. What it had seen and not yet answered must be missed all the same."""
    arrived, over = threading.Event(), threading.Event()

    def thinking(connection: socket.socket, origin: Origin) -> None:
        read_request(connection)
        arrived.set()
        over.wait(300)

    with (
        serving(thinking) as origin,
        running_up(
            tmp_path / "data",
            *("--proxy", "", "--api", "127.0.0.1:0"),
            *("--reverse", f"slow=http://127.0.0.1:{origin.port}@127.0.0.1:0"),
        ) as up,
    ):
        where = urlsplit(up.ready["reverse"]["slow"])
        with socket.create_connection((where.hostname, where.port), timeout=60) as client:
            client.sendall(b"PUT /slow HTTP/1.1\r\nHost: slow\r\nContent-Length: 1\r\n\r\nx")
            assert arrived.wait(60)
            time.sleep(3)  # several times seal_seconds: the time passing is the situation, nothing is waited for
            killed = time.time_ns() // 1000
            kill_and_wait(up, "proxy")
        over.set()
        until(lambda: up.state("ship").get("gaps_reported"), "the gap")
        assert up.end() == 0
    catalog = open_catalog(f"sqlite:///{up.data / 'catalog.sqlite'}")
    gaps = [row.gap for row in catalog.gaps()]
    catalog.close()
    assert len(gaps) == 1
    assert gaps[0].since <= killed <= gaps[0].until
