"""Capturing, against a stock `mitmdump -q` that captures nothing and against our own runner with capture off.

Reverse mode, 16 keep-alive connections, 1 KB of JSON (every other request is a PUT that carries 1 KB as well), one
worker, everything durable (`async`). Generator and origin are processes of their own; what they reach without a proxy
is measured too, so that nobody takes their ceiling for the proxy's. All proxies are up all the time and take turns;
a ratio is the median of the ratios of turns that followed one another. Afterwards every request must be in the ledger.
"""

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from entrepot_store.state import read_state

from .machine import Machine

CONNECTIONS = 16
SECONDS = 2.0
ROUNDS = 8
READY_SECONDS = 120.0

STOCK, BARE, CAPTURE, DIRECT = "stock mitmdump, no capture", "our runner, no capture", "our runner, capture", "no proxy"


@contextlib.contextmanager
def process(*command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen([*command], text=True, **options)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def our_proxy(data: Path, target: str, *arguments: str) -> tuple[str, ...]:
    reverse = f"origin={target}@127.0.0.1:0"
    module = ("-O", "-m", "entrepot_proxy", "--data", str(data), "--listen", "", "--reverse", reverse)
    return sys.executable, *module, *arguments


def wait_for_port(data: Path, child: subprocess.Popen[str]) -> int:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        state = read_state(data, "proxy")
        if state and state["ready"]:
            return int(state["listen"]["reverse"]["origin"].rpartition(":")[2])
        time.sleep(0.1)
    raise SystemExit("the proxy did not become ready")


def load(port: int, seconds: float) -> dict[str, float]:
    """One turn of the generator."""
    command = [sys.executable, "-m", "benchmarks.capture_load", str(port), str(CONNECTIONS), str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    if result["errors"]:
        raise SystemExit(f"{result['errors']} requests failed at port {port}")
    return result


def wait_for_listener(port: int, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not any(
        one.status == psutil.CONN_LISTEN and one.laddr.port == port
        for one in psutil.Process(child.pid).net_connections()
    ):
        if time.monotonic() > deadline or child.poll() is not None:
            raise SystemExit("mitmdump did not begin to listen")
        time.sleep(0.1)


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def measure(folder: Path) -> tuple[dict[str, list[dict[str, float]]], int]:
    """Every turn of every contestant, and how many exchanges the ledger of the capturing one holds."""
    turns: dict[str, list[dict[str, float]]] = {STOCK: [], BARE: [], CAPTURE: [], DIRECT: []}
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        origin = start(
            process(sys.executable, "-m", "benchmarks.capture_origin", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        assert origin.stdout is not None
        origin_port = int(origin.stdout.readline())
        target = f"http://127.0.0.1:{origin_port}"
        stock_port = free_port()
        mitmdump = str(Path(sys.executable).with_name("mitmdump"))
        mode = f"reverse:{target}@127.0.0.1:{stock_port}"
        stock = start(
            process(mitmdump, "-q", "--set", f"confdir={folder / 'stock'}", "-m", mode, stdin=subprocess.DEVNULL)
        )
        bare = start(process(*our_proxy(folder / "bare", target, "--no-capture"), stderr=subprocess.DEVNULL))
        capture = start(process(*our_proxy(folder / "capture", target), stderr=subprocess.DEVNULL))
        wait_for_listener(stock_port, stock)
        ports = {
            STOCK: (stock_port, stock.pid),
            BARE: (wait_for_port(folder / "bare", bare), bare.pid),
            CAPTURE: (wait_for_port(folder / "capture", capture), capture.pid),
            DIRECT: (origin_port, origin.pid),
        }
        warmed = sum(load(port, 1.0)["requests"] for name, (port, _) in ports.items() if name == CAPTURE)
        for name, (port, _) in ports.items():
            if name != CAPTURE:
                load(port, 1.0)
        for turn in range(ROUNDS):
            # Forwards and backwards in turn, so that a machine that slows down slows everybody down.
            for name in list(ports)[:: 1 if turn % 2 == 0 else -1]:
                port, pid = ports[name]
                before = sum(psutil.Process(pid).cpu_times()[:2])
                result = load(port, SECONDS if name != DIRECT else 1.0)
                result["cpu_us"] = (sum(psutil.Process(pid).cpu_times()[:2]) - before) * 1e6 / result["requests"]
                turns[name].append(result)
        expected = int(warmed + sum(turn["requests"] for turn in turns[CAPTURE]))
        stored = stored_when_settled(folder / "capture", expected)
    return turns, stored - expected


def stored_when_settled(data: Path, expected: int) -> int:
    """What the ledger says is stored, once it has caught up; the last requests of a turn may come on top."""
    deadline = time.monotonic() + 30
    stored = -1
    while time.monotonic() < deadline:
        state = read_state(data, "proxy")
        counts = state["counts"] if state else {}
        if counts and counts["in_flight"] == 0 and counts["failed"] == 0 and counts["stored"] >= expected:
            return int(counts["stored"])
        stored = counts.get("stored", -1)
        time.sleep(0.2)
    raise SystemExit(f"{expected} requests were answered, {stored} exchanges are stored")


def rate(turn: dict[str, float]) -> float:
    return turn["requests"] / turn["seconds"]


def ratio(turns: dict[str, list[dict[str, float]]], one: str, other: str) -> float:
    return statistics.median(rate(a) / rate(b) for a, b in zip(turns[one], turns[other], strict=True))


def main() -> None:
    machine = Machine()
    with tempfile.TemporaryDirectory(prefix="entrepot-bench-") as folder:
        turns, extra = measure(Path(folder))
    table = Table("", "requests/s", "CPU µs/request", "median ms", "99 % ms")
    figures: dict[str, Any] = {}
    for name, results in turns.items():
        row = {
            "requests_per_second": statistics.median(rate(one) for one in results),
            "cpu_us_per_request": statistics.median(one["cpu_us"] for one in results),
            "p50_ms": statistics.median(one["p50_ms"] for one in results),
            "p99_ms": statistics.median(one["p99_ms"] for one in results),
        }
        figures[name] = row
        table.add_row(name, *(f"{value:,.1f}" for value in row.values()))
    Console(width=110).print(table)
    result = {
        "vs_stock": ratio(turns, CAPTURE, STOCK),
        "vs_no_capture": ratio(turns, CAPTURE, BARE),
        "cpu_vs_stock": figures[STOCK]["cpu_us_per_request"] / figures[CAPTURE]["cpu_us_per_request"],
        "cpu_vs_no_capture": figures[BARE]["cpu_us_per_request"] / figures[CAPTURE]["cpu_us_per_request"],
        "answered_after_their_turn": extra,
        "rows": figures,
    }
    machine.report(result)


if __name__ == "__main__":
    main()
