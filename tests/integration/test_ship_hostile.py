"""What no index or database would take by itself is shipped like everything else, and nothing waits behind it."""

import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from entrepot_store.catalog import ExchangeFilter, open_catalog
from entrepot_store.model import Exchange
from entrepot_store.segment.rows import LONGEST_NAME
from entrepot_store.ship import rebuild_catalog, run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault.directory import DirectoryVault
from tests.support.spooled import make_exchange, write_sealed

NOISE = random.Random(1).randbytes(6000).hex()
"""Longer than any index entry of PostgreSQL, and it does not compress."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


def hostile() -> list[Exchange]:
    exchanges = [make_exchange(number) for number in range(9)]
    exchanges[0].request.path = b"/" + NOISE.encode() + b"?q=1"
    exchanges[1].request.path = b"/" + NOISE.encode()[:-1] + b"!"
    exchanges[2].destination = NOISE
    exchanges[3].destination = "a\x00b"
    exchanges[4].source, exchanges[4].trace_id = "\x00", NOISE
    exchanges[5].error = "broke off at \x00"
    exchanges[6].request.version = "HTTP/\x00"
    exchanges[7] = replace(exchanges[7], request=replace(exchanges[7].request, headers=((b"content-type", b"a\x00"),)))
    assert exchanges[8].response is not None
    exchanges[8].response.status = 2**40
    return exchanges


def test_hostile_values_hold_nothing_up(tmp_path: Path, url: str) -> None:
    spool, vault = SpoolFolder(tmp_path / "spool"), DirectoryVault(tmp_path / "vault")
    exchanges = hostile()
    write_sealed(spool, exchanges)
    write_sealed(spool, [make_exchange(100)], sequence=2)
    with open_catalog(url) as catalog:
        run_shipper(spool, vault, catalog, threading.Event(), mode="once")
        rows = list(catalog.iterate(ExchangeFilter()))
        assert [row.id for row in rows] == [exchange.id for exchange in exchanges] + [make_exchange(100).id]
        assert (rows[3].destination, rows[4].source, rows[5].error) == ("a\\x00b", "\\x00", "broke off at \\x00")
        assert rows[2].destination.startswith(NOISE[:100])
        assert len(rows[2].destination) == LONGEST_NAME
        assert [row.id for row in catalog.exchanges(ExchangeFilter(path="/" + NOISE)).items] == [exchanges[0].id]
        both = catalog.exchanges(ExchangeFilter(path_prefix="/" + NOISE[:-1])).items
        assert {row.id for row in both} == {exchanges[0].id, exchanges[1].id}
        before = catalog.fingerprint()
        assert rebuild_catalog(vault, catalog).damaged == ()
        assert catalog.fingerprint() == before
