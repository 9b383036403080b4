"""What shipping counts: the same in whatever order captures come, and within bounds whatever peers send."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.sql import SqlCatalog, flow_bounds, open_catalog
from entrepot_store.catalog.sql.coverage_schema import FlowPath, FlowSample
from entrepot_store.coverage.tally import HOUR
from entrepot_store.model import exchange_id
from tests.support.catalog_rows import START, exchange_row, message_row, shipment

TABLES = ("flows", "flow_paths", "flow_samples")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlCatalog]:
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    with open_catalog(url) as catalog:
        yield catalog


def traffic(seed: int, count: int = 400) -> list[ExchangeRow]:
    """Over three days, with more paths, sources and media types than the (lowered) bounds leave room for."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        at = START + chance.randrange(72 * HOUR)
        path = chance.choice(
            (
                f"/v1/orders/{chance.randrange(50)}",
                "/v1/settings/7",
                f"/{chance.choice('abcdefgh')}/{chance.choice('xyz')}",
                f"/{chance.choice('abcdefgh')}",
            )
        )
        kind = chance.choice(("application/json", "text/csv", "text/plain", "application/pdf"))
        rows.append(
            exchange_row(
                number,
                id=exchange_id(at, number.to_bytes(8)),
                started_at=at,
                source=chance.choice(("billing", "shop", "10.0.0.1", "10.0.0.2", "fd00::1")),
                method=chance.choice(("GET", "GET", "PUT", "X-MADE-UP")),
                path=path,
                status=chance.choice((200, 200, 404, 500)),
                response=message_row(b"%d" % number, content_type=kind),
            )
        )
    return rows


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_captures_does_not_matter(catalog: SqlCatalog, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_bounds, "MOST_PATHS", {True: 9, False: 6})
    monkeypatch.setattr(flow_bounds, "MOST_SOURCES", 3)
    monkeypatch.setattr(flow_bounds, "MOST_MEDIA_TYPES", 3)
    monkeypatch.setattr("entrepot_store.catalog.sql.flow_samples.KEPT_HOURS", 5)
    rows = traffic(seed)
    prints = []
    for order in range(3):
        chance = random.Random(order)
        shuffled = sorted(rows, key=lambda row: row.started_at) if order == 0 else chance.sample(rows, len(rows))
        catalog.clear_index()
        begin = 0
        while begin < len(shuffled):
            size = chance.randrange(1, 90)
            catalog.commit_shipment(shipment(f"s{order}-{begin}", shuffled[begin : begin + size]))
            begin += size
        found = catalog.fingerprint()
        prints.append({name: found[name] for name in TABLES})
        flows = catalog.coverage.flows("orders")
        assert sum(flow.exchanges for flow in flows) == len(rows)
        assert {flow.method for flow in flows} == {"GET", "PUT", "OTHER"}
        assert {flow.source for flow in flows} == {"billing", "shop", "fd00::1", "*"}
        assert len({flow.path for flow in flows if flow.answered}) == 10
    assert prints[1:] == prints[:1] * 2


def test_of_old_hours_the_first_of_each_day_stays(catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot_store.catalog.sql.flow_samples.KEPT_HOURS", 5)
    midnight = START - START % (24 * HOUR)
    rows = [
        exchange_row(
            number, started_at=midnight + number * HOUR, path=path, id=exchange_id(midnight + number * HOUR, tail)
        )
        for path, tail, hours in (("/v1/busy", b"busybusy", range(60)), ("/v1/quiet", b"quietqui", range(56, 60)))
        for number in hours
    ]
    for place in range(0, len(rows), 7):
        catalog.commit_shipment(shipment(f"s{place}", rows[place : place + 7]))
    with catalog.database.reading() as reading:
        query = select(FlowPath.path, FlowSample.hour).join(FlowPath, FlowPath.id == FlowSample.path_id)
        found = sorted((path, hour - midnight // HOUR) for path, hour in reading.execute(query))
    assert found == [("/v1/busy", hour) for hour in (0, 24, 48, 55, 56, 57, 58, 59)] + [
        ("/v1/quiet", hour) for hour in (56, 57, 58, 59)
    ]


def test_counting_again_gives_the_same(catalog: SqlCatalog) -> None:
    rows = traffic(3, 150)
    catalog.commit_shipment(shipment("s1", rows[:100]))
    catalog.commit_shipment(shipment("s2", [replace(row, destination="crm") for row in rows[100:]]))
    before = catalog.fingerprint()
    catalog.coverage.recount(["orders", "crm", "nobody"])
    assert catalog.fingerprint() == before


def test_an_exchange_is_counted_once(catalog: SqlCatalog) -> None:
    row = exchange_row(1, path="/v1/orders/7", url="http://orders.internal/v1/orders/7")
    catalog.commit_shipment(shipment("s1", [row]))
    catalog.commit_shipment(shipment("s2", [row, exchange_row(2, path="/v1/orders/7", status=None, response=None)]))
    flows = catalog.coverage.flows("orders")
    assert {(flow.path, flow.status, flow.exchanges, flow.answered) for flow in flows} == {
        ("/v1/orders/{number}", 200, 1, True),
        ("/v1/orders/{number}", None, 1, False),
    }
    (path,) = catalog.coverage.paths("orders")[:1]
    assert path.values == ("7",)


def test_a_scanner_cannot_push_out_what_servers_answer(catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_bounds, "MOST_PATHS", {True: 20, False: 10})
    known = [exchange_row(number, path=f"/v1/reports/monthly/{word}") for number, word in enumerate(("a", "b"))]
    catalog.commit_shipment(shipment("s1", known))
    scan = [exchange_row(10 + number, path=f"/{number:x}.php", status=404) for number in range(200)]
    for part in range(4):
        catalog.commit_shipment(shipment(f"scan{part}", scan[part * 50 : part * 50 + 50]))
    flows = catalog.coverage.flows("orders")
    answered = {flow.path for flow in flows if flow.answered}
    assert answered == {"/v1/reports/monthly/a", "/v1/reports/monthly/b"}
    refused = [flow for flow in flows if not flow.answered]
    assert len(refused) == 11
    assert sum(flow.exchanges for flow in refused) == 200
