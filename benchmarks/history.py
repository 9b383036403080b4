"""Documents in a large catalog, on SQLite and on PostgreSQL: an exchange by id, a filtered page deep in the list, a
document as of a moment, its version list; p95 of each at two sizes, so that growth shows.

`python -m benchmarks.history [SMALL LARGE]`; a tenth as many documents as exchanges. Times are wall-clock milliseconds
of one client. Growth is p95 at LARGE over p95 at SMALL, the worst of the four; a logarithm grows by 1.2 from 100,000 to
1,000,000. Filling a million takes a quarter of an hour.
"""

import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from statistics import quantiles
from uuid import UUID

from rich.console import Console
from rich.table import Table

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.documents import Effect, Look
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.documents.identity import document_id
from entrepot_store.model import id_micros
from tests.support.catalog_rows import payload_row, realistic, shipment
from tests.support.servers import running_postgres

SIZES = (100_000, 1_000_000)
BATCH = 5_000
SAMPLES = 300

type Probe = Callable[[random.Random], object]


def fill(catalog: SqlCatalog, first: int, last: int, documents: int) -> None:
    for start in range(first, last, BATCH):
        rows = realistic(BATCH, seed=start, first=start)
        payloads = [payload_row(b"%d" % number, "") for number in range(start, start + BATCH)]
        sent = shipment(f"s{start:08d}", rows, payloads=payloads)
        catalog.commit_shipment(sent)
        pick = random.Random(start)
        looks = []
        for row in sent.exchanges:
            key = f"/v1/documents/{pick.randrange(documents)}"
            digest = sha256(b"%s %d" % (key.encode(), pick.randrange(8))).digest()
            looks.append(
                Look(
                    document=document_id("orders", key),
                    destination="orders",
                    key=key,
                    at=row.started_at,
                    exchange=row.id,
                    effect=Effect.CONTENT,
                    side="response",
                    digest=digest,
                    size=600,
                    content=digest,
                    media_type="application/json",
                    rule="everything",
                    retention_class="config",
                )
            )
        catalog.documents.add_looks(looks)


def probes(catalog: SqlCatalog, documents: int) -> dict[str, Probe]:
    first = next(catalog.iterate(ExchangeFilter()))
    last = catalog.exchanges(ExchangeFilter(), limit=1).items[0]
    begun, ended = id_micros(first.id), id_micros(last.id)
    deep = begun + (ended - begun) // 10
    ids = [row.id for row in catalog.exchanges(ExchangeFilter(until=deep), limit=SAMPLES).items]

    def some(pick: random.Random) -> UUID:
        return document_id("orders", f"/v1/documents/{pick.randrange(documents)}")

    return {
        "exchange by id": lambda pick: catalog.exchange(pick.choice(ids)),
        "deep filtered page": lambda pick: catalog.exchanges(
            ExchangeFilter(destination=("crm",), until=deep - pick.randrange(1000)), limit=100
        ),
        "document as of T": lambda pick: catalog.documents.version_at(some(pick), pick.randrange(begun, ended)),
        "version list": lambda pick: catalog.documents.versions(some(pick), limit=100),
    }


def measure(catalog: SqlCatalog, documents: int) -> dict[str, float]:
    """p95 of each in milliseconds."""
    found = {}
    for name, probe in probes(catalog, documents).items():
        pick = random.Random(name)
        for _ in range(20):
            probe(pick)
        seconds = []
        for _ in range(SAMPLES):
            begun = time.perf_counter()
            probe(pick)
            seconds.append(time.perf_counter() - begun)
        found[name] = quantiles(seconds, n=20)[-1] * 1000
    return found


def run(url: str, sizes: tuple[int, int]) -> list[dict[str, float]]:
    figures, filled = [], 0
    with open_catalog(url) as catalog:
        for size in sizes:
            fill(catalog, filled, size, size // 10)
            filled = size
            figures.append(measure(catalog, size // 10))
    return figures


def main(sizes: tuple[int, int]) -> None:
    small, large = sizes
    result: dict[str, float] = {"small": small, "large": large, "logarithm": round(math.log(large, small), 3)}
    with tempfile.TemporaryDirectory(prefix="bench-history-") as name:
        folder = Path(name)
        with running_postgres() as server:
            sqlite, postgresql = f"sqlite:///{folder / 'catalog.sqlite'}", server.create_database()
            for engine, where in (("sqlite", sqlite), ("postgresql", postgresql)):
                at_small, at_large = run(where, sizes)
                table = Table(f"{engine}, p95 ms", f"{small:,}", f"{large:,}", "growth")
                for probe in at_small:
                    growth = at_large[probe] / at_small[probe]
                    table.add_row(probe, f"{at_small[probe]:.2f}", f"{at_large[probe]:.2f}", f"{growth:.2f}")
                    result[f"{engine} {probe} p95 ms"] = round(at_large[probe], 2)
                result[f"{engine}_growth"] = round(max(at_large[one] / at_small[one] for one in at_small), 2)
                Console(width=110, file=sys.stdout).print(table)
    print(json.dumps(result))


if __name__ == "__main__":
    chosen = [int(argument) for argument in sys.argv[1:3]]
    main((chosen[0], chosen[1]) if len(chosen) == 2 else SIZES)
