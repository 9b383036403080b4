"""Documents in a large catalog, on SQLite and on PostgreSQL: an exchange by id, a filtered page deep in the list, a
document as of a moment, its version list; median and p95 of each at two sizes, so that growth shows.

`python -m benchmarks.history [SMALL LARGE]`; a tenth as many documents as exchanges. Both sizes stand side by side and
are asked in turns, so that what else the machine does meets both. Everything asked for is drawn from the whole catalog
(pages: from its older half). Times are wall-clock milliseconds of one client, PostgreSQL's through a TCP connection.
Growth is p95 at LARGE over p95 at SMALL, the worst of the four; a logarithm grows by 1.2 from 100,000 to 1,000,000.

PostgreSQL is measured as autovacuum leaves it: the tables are vacuumed and analyzed first, because a reader's first
touch of a row that was loaded in bulk writes to it. Everything is in the page cache. Filling takes a quarter of an
hour for a million in both, and 4 GB.
"""

import math
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

import psycopg
from rich.console import Console
from rich.table import Table

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from tests.support.servers import running_postgres

from .history_rows import document_uuid, exchange_uuid, fill, started
from .machine import Machine

SIZES = (100_000, 1_000_000)
SAMPLES = 2000
WARM_UP = 50

type Probe = Callable[[random.Random], object]


def probes(catalog: SqlCatalog, exchanges: int) -> dict[str, Probe]:
    """What is asked of a catalog of so many exchanges. An answer that is empty ends the benchmark."""
    documents = exchanges // 10

    def exchange(pick: random.Random) -> object:
        return catalog.exchange(exchange_uuid(pick.randrange(exchanges)))

    def page(pick: random.Random) -> object:
        older_half = started(pick.randrange(exchanges // 10, exchanges // 2))
        return catalog.exchanges(ExchangeFilter(destination=("crm",), until=older_half), limit=100).items

    def as_of(pick: random.Random) -> object:
        late_enough = started(pick.randrange(exchanges // 2, exchanges))
        return catalog.documents.version_at(document_uuid(pick.randrange(documents)), late_enough)

    def versions(pick: random.Random) -> object:
        return catalog.documents.versions(document_uuid(pick.randrange(documents)), limit=100).items

    return {
        "exchange by id": exchange,
        "deep filtered page": page,
        "document as of T": as_of,
        "version list": versions,
    }


def measure(catalogs: dict[int, SqlCatalog]) -> dict[str, dict[int, list[float]]]:
    """Milliseconds of every sample, by question and by size."""
    asked = {size: probes(catalog, size) for size, catalog in catalogs.items()}
    found: dict[str, dict[int, list[float]]] = {}
    for name in next(iter(asked.values())):
        pick = random.Random(name)
        times: dict[int, list[float]] = {size: [] for size in catalogs}
        empty = 0
        for turn in range(WARM_UP + SAMPLES):
            # The one that is asked second finds the processor's caches as the other left them: take turns in that too.
            for size in sorted(catalogs, reverse=bool(turn % 2)):
                begun = time.perf_counter()
                answer = asked[size][name](pick)
                seconds = time.perf_counter() - begun
                empty += not answer
                if turn >= WARM_UP:
                    times[size].append(seconds * 1000)
        # A document may not have been read before T, or at all.
        assert empty < SAMPLES / 50, f"{name}: {empty} answers were empty"
        found[name] = times
    return found


def p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


def main(small: int, large: int) -> None:
    machine = Machine()
    figures: dict[str, float] = {"small": small, "large": large, "logarithm": round(math.log(large, small), 3)}
    with ExitStack() as opened:
        name = opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-history-"))
        server = opened.enter_context(running_postgres())
        urls = {
            "sqlite": {size: f"sqlite:///{Path(name) / f'{size}.sqlite'}" for size in (small, large)},
            "postgresql": {size: server.create_database() for size in (small, large)},
        }
        catalogs = {
            engine: {size: opened.enter_context(open_catalog(url)) for size, url in of_engine.items()}
            for engine, of_engine in urls.items()
        }
        for size in (small, large):
            begun = time.perf_counter()
            for done in fill([of_engine[size] for of_engine in catalogs.values()], size, size // 10):
                if done % 50_000 == 0:
                    spent = time.perf_counter() - begun
                    print(f"{done:,} of {size:,} exchanges in both, {spent:,.0f} s", file=sys.stderr, flush=True)
        for url in urls["postgresql"].values():
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE)")
        for engine, of_engine in catalogs.items():
            figures |= show(engine, measure(of_engine), small, large)
    machine.report(figures)


def show(engine: str, found: dict[str, dict[int, list[float]]], small: int, large: int) -> dict[str, float]:
    columns = (f"{what} at {size:,}" for what in ("median", "p95") for size in (small, large))
    table = Table(f"{engine}, ms", *columns, "growth of p95", "of median")
    figures: dict[str, float] = {}
    growth = []
    for question, times in found.items():
        medians, p95s = ([of(times[size]) for size in (small, large)] for of in (median, p95))
        growth.append(p95s[1] / p95s[0])
        values = (*medians, *p95s, growth[-1], medians[1] / medians[0])
        table.add_row(question, *(f"{value:.2f}" for value in values))
        figures |= {
            f"{engine} {question} p95 ms at {size:,}": round(value, 2)
            for size, value in zip((small, large), p95s, strict=True)
        }
    Console(width=130, file=sys.stdout).print(table)
    return {**figures, f"{engine}_growth": round(max(growth), 2)}


if __name__ == "__main__":
    chosen = [int(argument) for argument in sys.argv[1:3]]
    main(*(chosen if chosen else SIZES))
