"""Replaying 2,000 recorded writes into a fast target, against mitmproxy's own client replay of the same writes.

Both are processes of their own, take turns, and are timed by the target from the first write to the last, so start-up
does not count; CPU time is the sender's own, start-up left out likewise. Client replay sends one request at a time in
recorded order, as it does by default; ours does so at a concurrency of 1, and side by side at 16. Ours stores every
intent and outcome durably, learns values and compares every answer; client replay does none of that. Then 20,000
exchanges are planned, and plans of 10,000 and of 100,000 steps are run, of which the peak of memory is told.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import mitmproxy.http
import mitmproxy.io
from mitmproxy import connection
from rich.console import Console
from rich.table import Table

from entrepot_replay.options import RunOptions
from entrepot_replay.selection import Selection
from entrepot_replay.service import Replays
from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.rows import Shipment
from entrepot_store.catalog.sql import SqlCatalog, replay_store
from entrepot_store.model import Action, Body, Exchange, Request, Response, exchange_id
from entrepot_store.segment.writer import write_segment
from entrepot_store.vault.directory import DirectoryVault

from .machine import Machine

WRITES = 2_000
PLANNED = 20_000
ROUNDS = 3
START = 1_763_800_000_000_000
CONCURRENT = 16
SHORT, LONG = 10_000, 100_000
OURS, ABREAST, THEIRS = "entrepot replay", f"entrepot replay --concurrency {CONCURRENT}", "mitmdump --client-replay"


@contextmanager
def target() -> Iterator[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.replay_target"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.kill()
        child.communicate()


@dataclass(frozen=True)
class Turn:
    """Writes a second, and a second of a core."""

    rate: float
    per_core: float


def turn(url: str, writes: int) -> Turn:
    """What the target saw since it was last asked. Fails unless every write arrived."""
    times = asked(f"{url}/times")
    if times["writes"] != writes:
        raise SystemExit(f"{times['writes']} of {writes} writes arrived")
    return Turn((writes - 1) / times["seconds"], (writes - 1) / max(times["cpu_seconds"], 0.01))


def asked(url: str) -> Any:
    with urlopen(url) as answer:  # noqa: S310 - our own target
        return json.load(answer)


def body(number: int) -> bytes:
    document = {"id": number, "name": f"customer {number}", "theme": "dark", "tags": ["a", "b"], "pad": "x" * 900}
    return json.dumps(document).encode()


def exchange(number: int) -> Exchange:
    started = START + number * 10_000
    sent, received = body(number), b'{"ok": true}'
    return Exchange(
        id=exchange_id(started, number.to_bytes(8)),
        started_at=started,
        source="billing",
        destination="orders",
        client_address="127.0.0.1:50000",
        server_address="10.0.0.1:80",
        rule="default",
        action=Action.CAPTURE,
        retention_class="default",
        request=Request(
            (b"POST", b"PUT")[number % 2],
            b"http",
            b"orders.internal",
            b"/v1/settings/%d" % number,
            "HTTP/1.1",
            ((b"Host", b"orders.internal"), (b"Content-Type", b"application/json"), (b"User-Agent", b"bench/1")),
            Body.of(sent),
        ),
        response=Response("HTTP/1.1", 201, b"Created", ((b"Content-Type", b"application/json"),), Body.of(received)),
    )


def store(folder: Path, number: int) -> None:
    vault, catalog = DirectoryVault(folder / "vault"), SqlCatalog(f"sqlite:///{folder / 'catalog.sqlite'}")
    vault.check()
    for batch, first in enumerate(range(0, number, 5000)):
        exchanges = [exchange(one) for one in range(first, min(first + 5000, number))]
        key = f"segments/{batch}.warc.zst"
        index = write_segment(
            folder / "segment",
            key=key,
            retention_class="default",
            worker="bench",
            spool=str(batch),
            exchanges=exchanges,
            ledger=None,
            gaps=(),
            bodies=folder,
            known=lambda digests: {},
        )
        vault.put(key, folder / "segment")
        (folder / "segment").unlink()
        catalog.commit_shipment(Shipment(str(batch), (index.segment,), index.exchanges, index.payloads))
    catalog.close()


def write_flows(file: Path, url: str) -> None:
    """The same writes as a mitmproxy flow file; client replay sends to the server that a flow names."""
    port = int(url.rpartition(":")[2])
    with file.open("wb") as stream:
        writer = mitmproxy.io.FlowWriter(stream)
        for number in range(WRITES):
            recorded = exchange(number).request
            client = connection.Client(peername=("127.0.0.1", 50000), sockname=("127.0.0.1", 8080))
            flow = mitmproxy.http.HTTPFlow(client, connection.Server(address=("127.0.0.1", port)))
            flow.request = mitmproxy.http.Request.make(
                recorded.method.decode(), f"{url}{recorded.path.decode()}", recorded.body.data or b"", recorded.headers
            )
            flow.response = mitmproxy.http.Response.make(201, b'{"ok": true}')
            writer.add(flow)


def replay_ours(folder: Path, url: str, concurrency: int, writes: int = WRITES) -> tuple[Turn, int]:
    """Plans, then runs in a process of its own; also the peak of that process's memory, in KiB."""
    with SqlCatalog(f"sqlite:///{folder / 'catalog.sqlite'}") as catalog:
        replays = Replays(Archive(DirectoryVault(folder / "vault"), catalog), replay_store(catalog))
        plan = replays.plan(Selection(ExchangeFilter(destination=("orders",))), url, RunOptions())
    options = (
        "--data",
        str(folder),
        "--resume",
        str(plan.id),
        "--concurrency",
        str(concurrency),
        "--yes",
        "--no-verify",
        "--json",
    )
    return sent_by([sys.executable, "-m", "entrepot_api", "replay", *options], url, writes)


def replay_theirs(flows: Path, url: str) -> Turn:
    mitmdump = Path(sys.executable).with_name("mitmdump")
    # Its configuration folder is the benchmark's, so that nobody's own options count.
    environment = {**os.environ, "HOME": str(flows.parent)}
    return sent_by([str(mitmdump), "-q", "-n", "--client-replay", str(flows)], url, WRITES, environment)[0]


def sent_by(command: list[str], url: str, writes: int, environment: dict[str, str] | None = None) -> tuple[Turn, int]:
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
        asked(f"{url}/watch?{child.pid},{writes}")  # long before its first write: it has to be imported first
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            raise SystemExit(f"{command[0]} ended with {child.returncode}: {said.read().decode()[-2000:]}")
    return turn(url, writes), usage.ru_maxrss


def memory_mib(folder: Path, url: str, steps: int) -> float:
    folder.mkdir()
    store(folder, steps)
    return replay_ours(folder, url, CONCURRENT, steps)[1] / 1024


def planned_per_second(folder: Path) -> float:
    store(folder, PLANNED)
    with SqlCatalog(f"sqlite:///{folder / 'catalog.sqlite'}") as catalog:
        replays = Replays(Archive(DirectoryVault(folder / "vault"), catalog), replay_store(catalog))
        began = time.monotonic()
        row = replays.plan(Selection(ExchangeFilter(destination=("orders",))), "http://127.0.0.1:1", RunOptions())
        seconds = time.monotonic() - began
        if row.plan["steps"] != PLANNED:
            raise SystemExit(f"{row.plan['steps']} of {PLANNED} exchanges were planned")
    return PLANNED / seconds


def main() -> None:
    machine = Machine()
    results: dict[str, list[Turn]] = {OURS: [], ABREAST: [], THEIRS: []}
    with tempfile.TemporaryDirectory(prefix="entrepot-bench-") as name, target() as url:
        folder = Path(name)
        store(folder, WRITES)
        flows = folder / "flows"
        write_flows(flows, url)
        for _ in range(ROUNDS):
            results[OURS].append(replay_ours(folder, url, 1)[0])
            results[THEIRS].append(replay_theirs(flows, url))
            results[ABREAST].append(replay_ours(folder, url, CONCURRENT)[0])
        (folder / "plan").mkdir()
        planning = planned_per_second(folder / "plan")
        short, long = (memory_mib(folder / str(steps), url, steps) for steps in (SHORT, LONG))
    table = Table("what", "writes/s, median", "of each round", "writes/s of a core, median")
    for what, turns in results.items():
        rates = ", ".join(f"{one.rate:,.0f}" for one in turns)
        per_core = statistics.median(one.per_core for one in turns)
        table.add_row(what, f"{statistics.median(one.rate for one in turns):,.0f}", rates, f"{per_core:,.0f}")
    Console(stderr=True, width=110).print(table)
    figures: dict[str, Any] = {
        "writes_per_second": round(statistics.median(one.rate for one in results[ABREAST])),
        "writes_per_second_of_a_core": round(statistics.median(one.per_core for one in results[ABREAST])),
        "vs_client_replay": _ratio(results, ABREAST, "rate"),
        "vs_client_replay_of_a_core": _ratio(results, ABREAST, "per_core"),
        "one_by_one_vs_client_replay": _ratio(results, OURS, "rate"),
        "planned_per_second": round(planning),
        "memory_mib_10000_steps": round(short),
        "memory_growth_to_100000_steps": round(long / short, 2),
    }
    machine.report(figures)


def _ratio(results: dict[str, list[Turn]], ours: str, figure: str) -> float:
    """The median of the ratios of turns that followed one another."""
    pairs = zip(results[ours], results[THEIRS], strict=True)
    return round(statistics.median(getattr(one, figure) / getattr(other, figure) for one, other in pairs), 2)


if __name__ == "__main__":
    main()
