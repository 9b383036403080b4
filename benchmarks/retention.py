"""Compaction and prune in MB/s, on SQLite and on PostgreSQL, with the vault in a directory; and where their time goes.

`python -m benchmarks.retention [EXCHANGES]`. Protected traffic of which no two bodies are equal is shipped in many
small segments, as it is when traffic is low; then all of them become one (`compact`), and then all versions but the
last of every document go and what is left is written again (`prune`). Both read back and decode all that they write.

- `stored_mb_s`: bytes of segments read and written, a second of wall-clock time;
- `payload_mb_s`: bytes of the bodies in what was read, as they were captured, a second;
- `seconds of …`: the time up to the end of each step of the chore (`step` of `compact` and `prune`), added up.
"""

import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import batched, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.compact import compact
from entrepot_store.config.rule import RuleConfig
from entrepot_store.retention.prune import prune
from entrepot_store.ship import run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault.directory import DirectoryVault
from tests.support.servers import running_postgres
from tests.support.spooled import write_sealed

from .machine import Machine
from .traffic import generate_exchanges

EXCHANGES = 20_000
EACH = 250
"""Exchanges of one segment before compaction."""
KEEP = RuleConfig.model_validate({"name": "everything", "action": "protect", "class": "default", "keep": {"last": 1}})
"""The rule of the traffic."""
MB = 1_000_000


@dataclass
class Profile:
    """Seconds up to the end of each step, by its name. The time before the first and after the last is `rest`."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __enter__(self) -> "Profile":
        self._begun = self._last = time.perf_counter()
        self._cpu = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.step("rest")
        self.wall, self.cpu = time.perf_counter() - self._begun, time.process_time() - self._cpu

    def step(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] += now - self._last
        self._last = now


def shipped(folder: Path, catalog: SqlCatalog, count: int) -> DirectoryVault:
    """A vault with `count` exchanges in small segments, and their catalog."""
    spool, vault = SpoolFolder(folder / "spool"), DirectoryVault(folder / "vault")
    for number, batch in enumerate(batched(islice(generate_exchanges(distinct=True), count), EACH)):
        write_sealed(spool, batch, sequence=number + 1)
    run_shipper(spool, vault, catalog, threading.Event(), mode="drain")
    return vault


def payload_bytes(catalog: SqlCatalog) -> int:
    with catalog.database.reading() as reading:
        query = "SELECT coalesce(sum(request_size + coalesce(response_size, 0)), 0) FROM exchanges"
        return int(reading.exec_driver_sql(query).scalar_one())


def measure(folder: Path, url: str, count: int) -> Iterator[tuple[str, dict[str, float], Profile]]:
    with open_catalog(url) as catalog:
        vault = shipped(folder, catalog, count)
        payloads, many = payload_bytes(catalog), sum(1 for _ in catalog.segments())
        with Profile() as profile:
            merged = compact(vault, catalog.retention, folder / "work", eager=True, grace=0, step=profile.step)
        assert merged.merged == many
        assert merged.swept.removed == many
        yield "compact", rates(profile, count, merged.read + merged.written, payloads), profile
        with Profile() as profile:
            pruned = prune(vault, catalog.retention, [KEEP], folder / "work", grace=0, dead_part=0.0, step=profile.step)
        assert 0 < pruned.removed < count
        assert pruned.repacked == merged.made
        figures = rates(profile, pruned.removed, pruned.bytes_before + pruned.bytes_after, payloads)
        yield "prune", {"removed": pruned.removed, **figures}, profile


def rates(profile: Profile, exchanges: int, stored: int, payloads: int) -> dict[str, float]:
    return {
        "stored_mb_s": round(stored / MB / profile.wall, 2),
        "payload_mb_s": round(payloads / MB / profile.wall, 2),
        "exchanges_per_second": round(exchanges / profile.wall),
        "cpu_share": round(profile.cpu / profile.wall, 2),
    }


def main(count: int) -> None:
    machine = Machine()
    figures: dict[str, float] = {"exchanges": count}
    table = Table("", "stored MB/s", "payload MB/s", "exchanges/s", "seconds up to the end of each step")
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-retention-")))
        server = opened.enter_context(running_postgres())
        urls = {"sqlite": f"sqlite:///{folder / 'catalog.sqlite'}", "postgresql": server.create_database()}
        for engine, url in urls.items():
            for chore, found, profile in measure(folder / engine, url, count):
                figures |= {f"{engine} {chore} {name}": value for name, value in found.items()}
                figures |= {f"{engine} {chore} seconds": round(profile.wall, 2)}
                longest = sorted(profile.seconds.items(), key=lambda item: -item[1])
                steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in longest if seconds >= 0.005)
                shown = (found[name] for name in ("stored_mb_s", "payload_mb_s", "exchanges_per_second"))
                table.add_row(f"{chore}, {engine}", *(f"{value:,}" for value in shown), steps)
    Console(width=130, file=sys.stdout).print(table)
    machine.report(figures)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EXCHANGES)
