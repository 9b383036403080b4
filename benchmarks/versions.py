"""Documents and their versions: what finding versions costs shipping, and what a document costs that is polled.

Shipping is measured on the same traffic captured only and protected, in turns and each in a process of its own;
`shipping_kept` is the rate that is left (CPU seconds), the median of the turns: what else the machine does in one of
them must not decide. The polled document is read 10,000 times and changes nine times.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

from entrepot_store.catalog.sql import open_catalog
from entrepot_store.model import Action, Body, Exchange, exchange_id

from .documents import dumps
from .machine import Machine
from .ship import fill_spool, ship
from .traffic import START, generate_exchanges

EXCHANGES = 20_000
TURNS = 5
LOOKS, CONTENTS = 10_000, 10


def shipped(exchanges: Iterable[Exchange]) -> tuple[dict[str, float], dict[str, int]]:
    """Ships them in a process of its own; returns its figures, and how many rows and bytes there are afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-versions-") as name:
        folder = Path(name)
        fill_spool(folder, exchanges)
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.versions", str(folder)], check=True, capture_output=True, text=True
        )
        with open_catalog(f"sqlite:///{folder / 'catalog.sqlite'}") as catalog, catalog.database.reading() as reading:
            counts = {
                table: reading.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608 - our tables
                for table in ("documents", "looks", "payloads")
            }
            counts["versions"] = reading.exec_driver_sql("SELECT sum(versions) FROM documents").scalar_one() or 0
        counts["vault_bytes"] = sum(file.stat().st_size for file in (folder / "vault").rglob("*") if file.is_file())
        counts["catalog_bytes"] = (folder / "catalog.sqlite").stat().st_size
        figures: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
        return figures, counts


def traffic(action: Action) -> Iterator[Exchange]:
    for exchange in islice(generate_exchanges(), EXCHANGES):
        exchange.action = action
        yield exchange


def polled() -> Iterator[Exchange]:
    """One document, read once a second. Its bodies are those of one of the products, above the size of a revisit."""
    model = next(
        exchange
        for exchange in generate_exchanges()
        if exchange.request.method == b"GET" and exchange.response and exchange.response.body.size > 1000
    )
    assert model.response is not None
    answer = json.loads(model.response.body.data or b"{}")
    for number in range(LOOKS):
        at = START + number * 1_000_000
        body = Body.of(dumps({**answer, "revision": number * CONTENTS // LOOKS}))
        yield replace(
            model,
            id=exchange_id(at, number.to_bytes(8)),
            started_at=at,
            action=Action.PROTECT,
            response=replace(model.response, body=body),
        )


def main() -> None:
    machine = Machine()
    kept: list[float] = []
    for turn in range(TURNS):
        rates = {}
        for action in (Action.CAPTURE, Action.PROTECT) if turn % 2 == 0 else (Action.PROTECT, Action.CAPTURE):
            figures, made = shipped(traffic(action))
            rates[action] = figures["exchanges_per_second_per_core"]
            if action is Action.PROTECT:
                protected = made
        kept.append(rates[Action.PROTECT] / rates[Action.CAPTURE])
    _, looked = shipped(polled())
    machine.report(
        {
            "shipping_kept": round(median(kept), 3),
            "shipping_kept_of_each_turn": [round(ratio, 3) for ratio in kept],
            "documents": protected["documents"],
            "versions": protected["versions"],
            "polled_payloads": looked["payloads"],
            "polled_versions": looked["versions"],
            "polled_vault_bytes_per_look": round(looked["vault_bytes"] / LOOKS, 1),
            "polled_catalog_bytes_per_look": round(looked["catalog_bytes"] / LOOKS, 1),
        }
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(ship(Path(sys.argv[1]))))
    else:
        main()
