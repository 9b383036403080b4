"""Shipping: exchanges a second from sealed spool files to a committed catalog (SQLite, directory), and peak memory.

The shipper runs in a process of its own, so that its CPU seconds and its peak memory are its own. Rate per core is
exchanges over the CPU seconds (user and system) of that process.
"""

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from entrepot_store.model import Exchange, LedgerEntry
from entrepot_store.spool.files import SpoolFolder, SpoolName
from entrepot_store.spool.frames import FILE_MAGIC, encode_frame
from entrepot_store.spool.records import Head, pack_exchange, pack_head, pack_ledger

from .machine import Machine
from .traffic import generate_exchanges

EXCHANGES = 50_000
SEAL_BYTES = 16 * 1024 * 1024


def fill_spool(folder: Path, exchanges: Iterable[Exchange]) -> tuple[int, int]:
    """Writes sealed files of the size a proxy seals at; returns how many files and bytes."""
    spool = SpoolFolder(folder / "spool")
    stream = iter(exchanges)
    files = total = 0
    while True:
        frames: list[bytes] = []
        size = 0
        for exchange in stream:
            frames.append(encode_frame(pack_exchange(exchange)))
            size += len(frames[-1])
            if size >= SEAL_BYTES:
                break
        if not frames:
            return files, total
        files += 1
        name = SpoolName(1_763_800_000_000_000 + files * 1_000_000, "bench", files)
        head = encode_frame(pack_head(Head(name.worker, name.sequence, name.created)))
        entry = LedgerEntry("bench", name.created, seen=len(frames), stored=len(frames))
        content = FILE_MAGIC + head + b"".join(frames) + encode_frame(pack_ledger(entry))
        spool.sealed_path(name).write_bytes(content)
        total += len(content)


def ship(folder: Path) -> dict[str, float]:
    """Runs in the child: drains the spool and says what it cost."""
    from entrepot_store.catalog.sql import open_catalog
    from entrepot_store.ship import run_shipper
    from entrepot_store.vault.directory import DirectoryVault

    catalog = open_catalog(f"sqlite:///{folder / 'catalog.sqlite'}")
    wall, cpu = time.perf_counter(), time.process_time()
    totals = run_shipper(
        SpoolFolder(folder / "spool"), DirectoryVault(folder / "vault"), catalog, threading.Event(), mode="drain"
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    catalog.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "exchanges": totals.exchanges,
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "exchanges_per_second": round(totals.exchanges / wall),
        "exchanges_per_second_per_core": round(totals.exchanges / cpu),
        "stored_bytes_per_exchange": round(totals.bytes_stored / max(totals.exchanges, 1)),
        "peak_memory_mib": round(peak / 2**20, 1),
    }


def run(count: int = EXCHANGES) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files, size = fill_spool(folder, islice(generate_exchanges(), count))
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.ship", str(folder)], check=True, capture_output=True, text=True
        )
        result: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    return {"spool_files": files, "spool_bytes": size, **result}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(ship(Path(sys.argv[1]))))
    else:
        machine = Machine()
        machine.report(run())
