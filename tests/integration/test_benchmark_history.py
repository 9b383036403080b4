"""The catalog that look-ups are measured in has the rows that shipping the same exchanges leaves."""

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import history_rows
from benchmarks.history import probes
from entrepot_store.catalog import ExchangeFilter, ExchangeRow, MessageRow
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.ship import run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault.directory import DirectoryVault
from tests.support.spooled import write_sealed

EXCHANGES, DOCUMENTS, BATCH = 600, 60, 200


@pytest.fixture
def seeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlCatalog]:
    monkeypatch.setattr(history_rows, "BATCH", BATCH)
    with open_catalog(f"sqlite:///{tmp_path / 'seeded.sqlite'}") as catalog:
        assert list(history_rows.fill([catalog], EXCHANGES, DOCUMENTS)) == [200, 400, 600]
        yield catalog


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[SqlCatalog]:
    spool = SpoolFolder(tmp_path / "spool")
    exchanges = list(history_rows.readings(0, EXCHANGES, DOCUMENTS))
    for place in range(0, EXCHANGES, BATCH):
        write_sealed(spool, exchanges[place : place + BATCH], sequence=place + 1)
    with open_catalog(f"sqlite:///{tmp_path / 'shipped.sqlite'}") as catalog:
        run_shipper(spool, DirectoryVault(tmp_path / "vault"), catalog, threading.Event(), mode="drain")
        yield catalog


def anywhere(row: ExchangeRow) -> ExchangeRow:
    """The row without the place of its records."""

    def side(message: MessageRow) -> MessageRow:
        return replace(message, offset=0, length=0)

    assert row.response is not None
    return replace(row, segment="", request=side(row.request), response=side(row.response))


def rows(catalog: SqlCatalog, table: str) -> list[tuple[Any, ...]]:
    with catalog.database.reading() as reading:
        return sorted(map(tuple, reading.exec_driver_sql(f"SELECT * FROM {table}")))  # noqa: S608 - a name from below


def test_seeded_rows_are_shipped_rows(seeded: SqlCatalog, shipped: SqlCatalog) -> None:
    exchanges = [[anywhere(row) for row in catalog.iterate(ExchangeFilter())] for catalog in (shipped, seeded)]
    assert len(exchanges[0]) == EXCHANGES
    assert exchanges[0] == exchanges[1]
    ours, theirs = seeded.fingerprint(), shipped.fingerprint()
    for table in ("documents", "looks", "products", "flows", "flow_paths", "flow_samples"):
        assert ours[table] == theirs[table], table
    # Where a payload is differs, which payloads there are does not.
    payloads = [{row[:3] for row in rows(catalog, "payloads")} for catalog in (shipped, seeded)]
    assert payloads[0] == payloads[1]
    assert len(payloads[0]) > DOCUMENTS


def test_every_question_is_about_something_that_is_there(seeded: SqlCatalog) -> None:
    pick = random.Random(1)
    for name, probe in probes(seeded, EXCHANGES).items():
        answers = [probe(pick) for _ in range(40)]
        assert sum(map(bool, answers)) >= 38, name
