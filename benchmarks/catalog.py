"""The catalog on SQLite: what an exchange costs to insert, and what a page costs far down in a large catalog.

Each exchange comes with its payload's row, as new content does. The figures that matter are ratios: inserting into a
catalog of 100,000 against one of 10,000, and the deepest page against the first. All times are CPU times: SQLite works
in this process, and how long it waits for core and disk is for their other users to say.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.model import id_micros
from tests.support.catalog_rows import payload_row, realistic, shipment

from .machine import Machine

SMALL, LARGE, BATCH = 10_000, 100_000, 5_000
PAGE, PAGES = 100, 40

LISTINGS = {
    "all": ExchangeFilter(),
    "one destination": ExchangeFilter(destination=("crm",)),
    "two destinations": ExchangeFilter(destination=("crm", "orders")),
    "path prefix": ExchangeFilter(path_prefix="/v1/settings/"),
    "path template": ExchangeFilter(path_template="/v1/settings/{user}"),
    "failures": ExchangeFilter(status=("4xx", "5xx")),
}


def fill(catalog: SqlCatalog, first: int, last: int) -> list[float]:
    """Inserts exchanges by number; CPU seconds of each batch."""
    seconds = []
    for start in range(first, last, BATCH):
        rows = realistic(BATCH, seed=start, first=start)
        payloads = [payload_row(b"%d" % number, "") for number in range(start, start + BATCH)]
        sent = shipment(f"s{start:08d}", rows, payloads=payloads)
        begun = time.process_time()
        catalog.commit_shipment(sent)
        seconds.append(time.process_time() - begun)
    return seconds


def page_times(page: Callable[[str | None], str | None]) -> list[float]:
    cursor, seconds = None, []
    for _ in range(PAGES):
        begun = time.process_time()
        cursor = page(cursor)
        seconds.append(time.process_time() - begun)
        if cursor is None:
            break
    return seconds


def p95_ms(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1] * 1000 if len(seconds) > 1 else seconds[0] * 1000


def measure_pages(catalog: SqlCatalog) -> dict[str, tuple[float, float]]:
    """p95 of the newest pages and of the deepest: reached as a cursor reaches them, by the id they begin behind."""
    oldest = next(catalog.iterate(ExchangeFilter()))
    newest = catalog.exchanges(ExchangeFilter(), limit=1).items[0]
    deep = id_micros(oldest.id) + (id_micros(newest.id) - id_micros(oldest.id)) // 10
    found = {}
    for name, where in LISTINGS.items():

        def shallow(cursor: str | None, where: ExchangeFilter = where) -> str | None:
            return catalog.exchanges(where, limit=PAGE, cursor=cursor).next

        below = ExchangeFilter(**{**{k: getattr(where, k) for k in where.__slots__}, "until": deep})

        def deepest(cursor: str | None, where: ExchangeFilter = below) -> str | None:
            return catalog.exchanges(where, limit=PAGE, cursor=cursor).next

        found[name] = p95_ms(page_times(shallow)), p95_ms(page_times(deepest))
    return found


def main() -> None:
    machine = Machine()
    with tempfile.TemporaryDirectory(prefix="bench-catalog-") as folder:
        file = Path(folder) / "catalog.sqlite"
        with open_catalog(f"sqlite:///{file}") as catalog:
            fill(catalog, 0, BATCH)  # the first batch pays for what is loaded once
            small = median(fill(catalog, BATCH, SMALL)) / BATCH * 1e6
            small_pages = measure_pages(catalog)
            batches = fill(catalog, SMALL, LARGE)
            large = median(batches[-6:]) / BATCH * 1e6
            large_pages = measure_pages(catalog)
        size = file.stat().st_size / LARGE
    columns = [f"{depth} of {count:,}" for count in (SMALL, LARGE) for depth in ("newest", "deepest")]
    table = Table(f"page of {PAGE}, p95, CPU ms", *columns)
    for name in LISTINGS:
        values = (*small_pages[name], *large_pages[name])
        table.add_row(name, *(f"{value:.2f}" for value in values))
    Console(width=110, file=sys.stdout).print(table)
    worst = max(large_pages, key=lambda name: large_pages[name][1])
    machine.report(
        {
            "insert_cpu_us_at_10k": round(small, 1),
            "insert_cpu_us_at_100k": round(large, 1),
            "insert_100k_vs_10k": round(large / small, 2),
            "deep_page_p95_cpu_ms_at_100k": round(large_pages[worst][1], 2),
            "deep_vs_newest": round(large_pages[worst][1] / large_pages[worst][0], 2),
            "bytes_per_exchange": round(size),
        }
    )


if __name__ == "__main__":
    main()
