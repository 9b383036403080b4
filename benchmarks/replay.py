"""Replaying 2,000 recorded writes into a fast target, against mitmproxy's own client replay of the same writes.

Both are processes of their own, take turns, and are timed by the target from the first write to the last, so start-up
does not count. Both send one request at a time in recorded order, as they do by default. Ours stores every intent and
outcome durably and compares every answer; client replay does neither. Last, 20,000 exchanges are planned.
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
OURS, THEIRS = "entrepot replay", "mitmdump --client-replay"


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


def rate(url: str) -> float:
    """Writes a second since this was last asked. Fails unless every write arrived."""
    with urlopen(f"{url}/times") as answer:  # noqa: S310 - our own target
        times = json.load(answer)
    if times["writes"] != WRITES:
        raise SystemExit(f"{times['writes']} of {WRITES} writes arrived")
    return (WRITES - 1) / float(times["seconds"])


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


def replay_ours(folder: Path, url: str) -> None:
    command = ("replay", "--data", str(folder), "--to", "orders", "--target", url, "--yes", "--json")
    done = subprocess.run([sys.executable, "-m", "entrepot_api", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"entrepot replay ended with {done.returncode}: {done.stderr}")


def replay_theirs(flows: Path) -> None:
    mitmdump = Path(sys.executable).with_name("mitmdump")
    options = ("-q", "-n", "--client-replay", str(flows))
    # Its configuration folder is the benchmark's, so that nobody's own options count.
    subprocess.run([mitmdump, *options], check=True, env={**os.environ, "HOME": str(flows.parent)}, timeout=300)


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
    results: dict[str, list[float]] = {OURS: [], THEIRS: []}
    with tempfile.TemporaryDirectory(prefix="entrepot-bench-") as name, target() as url:
        folder = Path(name)
        store(folder, WRITES)
        flows = folder / "flows"
        write_flows(flows, url)
        for _ in range(ROUNDS):
            replay_ours(folder, url)
            results[OURS].append(rate(url))
            replay_theirs(flows)
            results[THEIRS].append(rate(url))
        (folder / "plan").mkdir()
        planning = planned_per_second(folder / "plan")
    table = Table("what", "writes/s, median", "of each round")
    for what, rates in results.items():
        table.add_row(what, f"{statistics.median(rates):,.0f}", ", ".join(f"{one:,.0f}" for one in rates))
    Console(stderr=True, width=110).print(table)
    figures: dict[str, Any] = {
        "writes_per_second": round(statistics.median(results[OURS])),
        "vs_client_replay": _ratio(results[OURS], results[THEIRS]),
        "planned_per_second": round(planning),
    }
    machine.report(figures)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the ratios of turns that followed one another."""
    return round(statistics.median(one / other for one, other in zip(ours, theirs, strict=True)), 2)


if __name__ == "__main__":
    main()
