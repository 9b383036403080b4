"""Every listing on SQLite walks the index that `plan` names for it, and sorts nothing but a short range of paths."""

from pathlib import Path

import pytest
from sqlalchemy import event

from entrepot_store.catalog import ExchangeFilter, Order
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from tests.support.catalog_rows import exchange_row, realistic, shipment

TIME = "sqlite_autoindex_exchanges_1"
ONE_TRACE = "0af7651916cd43dd8448eb211c80319c"
CASES = [
    (ExchangeFilter(), {TIME}),
    (ExchangeFilter(since=1, until=1_900_000_000_000_000), {TIME}),
    (ExchangeFilter(method=("PUT",), rule=("default",), min_size=5), {TIME}),
    (ExchangeFilter(destination=("orders",)), {"ix_exchanges_destination_id"}),
    (ExchangeFilter(destination=("orders", "crm"), since=1), {"ix_exchanges_destination_id"}),
    (ExchangeFilter(source=("shop",), until=1_900_000_000_000_000), {"ix_exchanges_source_id"}),
    (ExchangeFilter(source=("shop", "mobile")), {"ix_exchanges_source_id"}),
    (ExchangeFilter(source=("shop", "mobile"), destination=("orders",)), {"ix_exchanges_destination_id"}),
    (ExchangeFilter(source=tuple(f"s{n}" for n in range(20))), {TIME}),
    (ExchangeFilter(path="/v1/orders/1", destination=("orders",), source=("shop",)), {"ix_exchanges_path_id"}),
    (ExchangeFilter(path_prefix="/v1/", destination=("orders",)), {"ix_exchanges_destination_id"}),
    (ExchangeFilter(path_prefix="/v1/"), {TIME}),
    (ExchangeFilter(path_template="/v1/{kind}/{id}"), {TIME}),
    (ExchangeFilter(status=("5xx", 404), destination=("orders",)), {"ix_exchanges_failed"}),
    (ExchangeFilter(status=(500,), since=5), {"ix_exchanges_failed"}),
    (ExchangeFilter(status=(500, 200)), {TIME}),
    (ExchangeFilter(complete=False, source=("shop",)), {"ix_exchanges_incomplete"}),
    (ExchangeFilter(complete=True, source=("shop",)), {"ix_exchanges_source_id"}),
    (ExchangeFilter(trace_id=ONE_TRACE, path="/v1/orders/1", complete=False), {"ix_exchanges_trace_id_id"}),
]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> SqlCatalog:
    catalog = open_catalog(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'catalog.sqlite'}")
    rows = realistic(3000)
    rows.append(exchange_row(5000, path="/rare/1", trace_id=ONE_TRACE))
    catalog.commit_shipment(shipment("s1", rows))
    return catalog


def plan_of(catalog: SqlCatalog, where: ExchangeFilter, order: Order) -> list[str]:
    """SQLite's plan for the statements that fetch the second page, as whole sentences."""
    fetches = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if "headers" in statement:
            fetches.append((statement, parameters))

    first = catalog.exchanges(where, limit=1, order=order)
    event.listen(catalog.database.engine, "before_cursor_execute", note)
    try:
        catalog.exchanges(where, limit=1, order=order, cursor=first.next)
    finally:
        event.remove(catalog.database.engine, "before_cursor_execute", note)
    with catalog.database.reading() as connection:
        return [
            row.detail
            for statement, parameters in fetches
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]  # as it was executed
        ]


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize(("where", "indexes"), CASES, ids=[str(n) for n in range(len(CASES))])
def test_a_page_walks_one_index_and_sorts_nothing(
    catalog: SqlCatalog, where: ExchangeFilter, indexes: set[str], order: Order
) -> None:
    plan = plan_of(catalog, where, order)
    walked = [line for line in plan if "exchanges" in line]
    assert {line.split(" INDEX ")[1].split(" ")[0] for line in walked} == indexes
    assert [line for line in plan if "TEMP B-TREE" in line] == []


@pytest.mark.parametrize(
    "where",
    [
        ExchangeFilter(path_prefix="/rare/", destination=("orders",)),
        ExchangeFilter(path_template="/rare/{id}", since=5),
    ],
)
def test_a_short_range_of_paths_is_fetched_and_sorted(catalog: SqlCatalog, where: ExchangeFilter) -> None:
    plan = plan_of(catalog, where, Order.NEWEST)
    assert [line for line in plan if "ix_exchanges_path_id (path>? AND path<?)" in line]
    assert [line for line in plan if "TEMP B-TREE FOR ORDER BY" in line]


def test_the_database_is_the_owners_alone(tmp_path: Path) -> None:
    with open_catalog(f"sqlite:///{tmp_path / 'made' / 'catalog.sqlite'}") as catalog:
        catalog.commit_shipment(shipment("s"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "made").iterdir()}
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o700
    assert modes == dict.fromkeys(("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"), 0o600)


def test_a_commit_is_synced_and_waits_for_writers(tmp_path: Path) -> None:
    with open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog, catalog.database.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
