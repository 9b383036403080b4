"""Index fields: taken out of payloads at shipping, found again by value, range and prefix, rebuilt and made anew."""

import json
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, Order
from entrepot_store.catalog.documents import DocumentFilter
from entrepot_store.catalog.fields import LONGEST_VALUE, FieldCondition, FieldValue, Kind
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.config import RuleConfig, Settings
from entrepot_store.documents import recipes_of
from entrepot_store.documents.reindex import reindex
from entrepot_store.errors import BadInput
from entrepot_store.model import Action, Exchange
from entrepot_store.ship import rebuild_catalog, run_shipper
from entrepot_store.spool.files import SpoolFolder, SpoolName
from entrepot_store.vault.directory import DirectoryVault
from tests.support.captured import START, Recording
from tests.support.spooled import spool_bytes

RULE = RuleConfig.model_validate(
    {
        "name": "orders",
        "action": "protect",
        "index": {"customer": "$.customer.id", "total": "$.total", "at": "$.at", "tag": "$.tags[*]", "paid": "$.paid"},
    }
)


def orders() -> list[Exchange]:
    recording = Recording()
    for number in range(40):
        order = {
            "customer": {"id": number % 4 if number % 2 else f"c{number % 4}"},
            "total": number * 1.5,
            "at": f"2026-01-{number % 28 + 1:02d}T00:00:00Z",
            "tags": ["a", f"tag {number}", "a"],
            "paid": number % 2 == 0,
            "note": None,
        }
        recording.add("PUT", f"/v1/orders/{number}", json.dumps(order).encode(), status=204, answer=b"")
    for exchange in recording.exchanges:
        exchange.rule, exchange.action = "orders", Action.PROTECT
    return recording.exchanges


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    folder = tmp_path
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'catalog.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_url")
    vault = DirectoryVault(folder / "vault")
    vault.check()
    with open_catalog(url) as catalog:
        ship(folder, vault, catalog)
        yield Archive(vault, catalog)


def ship(folder: Path, vault: DirectoryVault, catalog: SqlCatalog) -> None:
    spool = SpoolFolder(folder / "spool")
    name = SpoolName(START, "w", 1)
    spool.sealed_path(name).write_bytes(spool_bytes(name, orders()))
    run_shipper(spool, vault, catalog, threading.Event(), mode="drain", recipes=lambda: recipes_of([RULE]))


def found(archive: Archive, *conditions: str, **other: object) -> list[int]:
    where = ExchangeFilter(fields=tuple(map(FieldCondition.parse, conditions)), **other)  # type: ignore[arg-type] # per test
    rows = list(archive.catalog.iterate(where, Order.OLDEST))
    assert archive.catalog.count(where) == len(rows)
    return [int(row.path.rpartition("/")[2]) for row in rows]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["customer=1"], lambda n: n % 4 == 1),
        (["customer=c2"], lambda n: n % 4 == 2),
        (["customer^=c"], lambda n: n % 2 == 0),
        (["total>=30", "total<45"], lambda n: 30 <= n * 1.5 < 45),
        (["total=3.0"], lambda n: n == 2),
        (["at>2026-01-20T12:00:00Z"], lambda n: n % 28 + 1 > 20),
        (["tag=a", "tag=tag 7"], lambda n: n == 7),
        (["paid=true", "total<=6"], lambda n: n % 2 == 0 and n * 1.5 <= 6),
        (["customer=nobody"], lambda n: False),
        (["note=null"], lambda n: False),
        (["other=1"], lambda n: False),
    ],
)
def test_found_by_value(archive: Archive, conditions: list[str], expected: object) -> None:
    assert callable(expected)
    assert found(archive, *conditions) == [number for number in range(40) if expected(number)]


def test_pages_along_a_field_in_either_order(archive: Archive) -> None:
    where = ExchangeFilter(fields=(FieldCondition.parse("tag=a"),), destination=("orders",))
    for order in Order:
        seen, cursor = [], None
        while True:
            page = archive.catalog.exchanges(where, limit=7, cursor=cursor, order=order)
            seen.extend(row.id for row in page.items)
            cursor = page.next
            if cursor is None:
                break
        assert len(seen) == 40
        assert all((one < other) == (order is Order.OLDEST) for one, other in pairwise(seen))


def test_documents_by_field(archive: Archive) -> None:
    where = DocumentFilter(fields=(FieldCondition.parse("customer=3"), FieldCondition.parse("total>30")))
    assert sorted(row.key for row in archive.catalog.documents.iterate(where)) == sorted(
        f"/v1/orders/{number}" for number in range(40) if number % 4 == 3 and number * 1.5 > 30
    )


def test_a_rebuild_finds_the_same(archive: Archive) -> None:
    before = archive.catalog.fingerprint()
    rebuild_catalog(archive.vault, archive.catalog)
    assert archive.catalog.fingerprint() == before


def test_old_captures_by_new_rules(tmp_path: Path) -> None:
    vault = DirectoryVault(tmp_path / "vault")
    vault.check()
    spool = SpoolFolder(tmp_path / "spool")
    name = SpoolName(START, "w", 1)
    captured = orders()
    for exchange in captured:
        exchange.rule, exchange.action = "default", Action.CAPTURE
    spool.sealed_path(name).write_bytes(spool_bytes(name, captured))
    with open_catalog(f"sqlite:///{tmp_path / 'c.sqlite'}") as catalog:
        run_shipper(spool, vault, catalog, threading.Event(), mode="drain")
        archive = Archive(vault, catalog)
        assert found(archive, "customer=1") == []
        for _ in range(2):
            assert reindex(archive, Settings(rule=(RULE,))).looks == 40
            assert len(found(archive, "customer=1")) == 10
            assert catalog.documents.find("orders", "/v1/orders/7").rule == "orders"
        assert catalog.gaps() == []
        assert reindex(archive, Settings()).fields == 0
        assert list(catalog.documents.iterate(DocumentFilter())) == []


def test_a_reindexing_that_breaks_off_is_a_gap(tmp_path: Path) -> None:
    def end(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    vault = DirectoryVault(tmp_path / "vault")
    vault.check()
    with open_catalog(f"sqlite:///{tmp_path / 'c.sqlite'}") as catalog:
        ship(tmp_path, vault, catalog)
        archive = Archive(vault, catalog)
        with pytest.raises(KeyboardInterrupt):
            reindex(archive, Settings(rule=(RULE,)), progress=end)
        assert ["entrepot reindex" in row.gap.reason for row in catalog.gaps()] == [True]


def test_what_is_no_condition() -> None:
    for text in ("", "customer", "=1", "a b=1"):
        with pytest.raises(BadInput):
            FieldCondition.parse(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, (Kind.NUMBER, "1", 1.0)),
        (1.0, (Kind.NUMBER, "1", 1.0)),
        (2**60 + 1, (Kind.NUMBER, str(2**60 + 1), float(2**60))),
        (True, (Kind.BOOLEAN, "true", None)),
        ("x\0", (Kind.TEXT, "x\ufffd", None)),
        ("\ud800", (Kind.TEXT, "?", None)),
        ("2026-01-01T00:00:00Z", (Kind.TIME, "2026-01-01T00:00:00Z", 1767225600000000.0)),
        ("2026-99-01T00:00:00Z", (Kind.TEXT, "2026-99-01T00:00:00Z", None)),
    ],
)
def test_what_values_are_indexed_as(value: object, expected: object) -> None:
    found = FieldValue.of(value)
    assert found is not None
    assert (found.kind, found.text, found.number) == expected


def test_long_values_stay_apart_and_are_found() -> None:
    one, other = (FieldValue.of("x" * 1000 + end) for end in "ab")
    assert one is not None
    assert other is not None
    assert one.text != other.text
    assert len(one.text) < LONGEST_VALUE + 50
    assert FieldCondition.parse(f"a={'x' * 1000}a").wanted.text == one.text
    assert FieldValue.of(None) is None
    assert FieldValue.of([1]) is None
    assert FieldValue.of(10**400) == FieldValue(Kind.NUMBER, FieldCondition.parse(f"a={10**400}").wanted.text, None)
