"""Property: whatever is asked, the catalog answers as a plain filter over all rows would, page by page, each once."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot_store.catalog import Catalog, ExchangeFilter, ExchangeRow, Order
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.model import exchange_id
from entrepot_store.rules.template import PathTemplate
from tests.support.catalog_rows import START, exchange_row, message_row, shipment
from tests.support.servers import PostgresServer

NAMES = ("orders", "crm", "Crm", "shop", "a_b", "a%b")
METHODS = ("GET", "PUT", "get")
PATHS = ("/", "/v1/a", "/v1/a/", "/v1/A", "/v1/a/b", "/v1/a%2Fb", "/v1/ab", "/v1/a_b", "/v2/a/b/c", "/v1//b", "")
STATUSES = (None, 200, 204, 404, 499, 500, 599, 99)
TYPES = (None, "", "application/json", "Application/JSON; charset=utf-8", "text/html ;q=1", "text/plain", "text_x/y")
TEMPLATES = ("/v1/{x}", "/v1/**", "/**", "/v1/{x}/b", "/v1/a*", "/{a}/{b}/{c}", "/v1/a/**/b", "/v1/a_{x}", "/**/b")
TRACES = (None, "t1", "t2")
COUNT = 220


def make_rows() -> list[ExchangeRow]:
    """Every value meets many others, without a pattern between them."""
    rows = []
    for n in range(COUNT):
        status = STATUSES[n * 7 % len(STATUSES)]
        content_type = TYPES[n * 5 % len(TYPES)]
        response = None if content_type is None else message_row(b"x" * (n * 13 % 300), content_type=content_type)
        rows.append(
            exchange_row(
                n,
                started_at=START + n * 977,
                source=NAMES[n * 11 % len(NAMES)],
                destination=NAMES[n * 17 // 5 % len(NAMES)],
                method=METHODS[n // 3 % len(METHODS)],
                path=PATHS[n * 3 % len(PATHS)],
                status=status,
                complete=n % 5 != 0,
                rule=NAMES[n % 2],
                retention_class=NAMES[n % 3],
                trace_id=TRACES[n // 7 % 3],
                request=message_row(b"y" * (n * 29 % 200)),
                response=response,
            )
        )
    return rows


ROWS = make_rows()
ARRIVALS = itertools.count(1)


def expected(where: ExchangeFilter, rows: list[ExchangeRow] = ROWS) -> list[ExchangeRow]:
    return [row for row in rows if all(_holds(where, row))]


def _holds(where: ExchangeFilter, row: ExchangeRow) -> Iterator[bool]:
    for name in ("source", "destination", "method", "rule", "retention_class"):
        yield not getattr(where, name) or getattr(row, name) in getattr(where, name)
    yield where.path is None or row.path == where.path
    yield where.path_prefix is None or row.path.startswith(where.path_prefix)
    yield where.path_template is None or PathTemplate.compile(where.path_template).matches(row.path)
    yield not where.status or any(_status(status, row.status) for status in where.status)
    yield not where.content_type or any(_media(pattern, row) for pattern in where.content_type)
    yield where.since is None or row.started_at >= where.since
    yield where.until is None or row.started_at < where.until
    size = row.request.size + (row.response.size if row.response else 0)
    yield where.min_size is None or size >= where.min_size
    yield where.max_size is None or size <= where.max_size
    yield where.complete is None or row.complete is where.complete
    yield where.trace_id is None or row.trace_id == where.trace_id


def _status(wanted: int | str, status: int | None) -> bool:
    if isinstance(wanted, str) and wanted.lower().endswith("xx"):
        return status is not None and status // 100 == int(wanted[0])
    return status == int(wanted)


def _media(pattern: str, row: ExchangeRow) -> bool:
    found = (row.response.content_type if row.response else "").split(";")[0].strip().lower()
    kind, _, name = pattern.lower().partition("/")
    found_kind, slash, found_name = found.partition("/")
    return bool(slash) and kind in ("*", found_kind) and name in ("*", found_name)


def some(values: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.one_of(st.just(()), st.lists(st.sampled_from(values), min_size=1, max_size=3).map(tuple))


def maybe(values: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.none(), st.sampled_from(values))


MOMENTS = st.integers(0, COUNT).map(lambda n: START + n * 977 + (n % 3 - 1))
FILTERS = st.builds(
    ExchangeFilter,
    source=some((*NAMES, "nobody")),
    destination=some(NAMES),
    method=some(METHODS),
    path=maybe(PATHS),
    path_prefix=maybe(("", "/", "/v1", "/v1/a", "/v1/a/", "/v1/a_", "/V1", "/v2")),
    path_template=maybe(TEMPLATES),
    status=some((200, "200", 404, "404", "2xx", "4XX", "5xx", "1xx")),
    content_type=some(("application/json", "text/*", "*/*", "*/plain", "TEXT/html", "text_x/*", "image/png")),
    since=st.one_of(st.none(), MOMENTS),
    until=st.one_of(st.none(), MOMENTS),
    min_size=st.one_of(st.none(), st.integers(0, 500)),
    max_size=st.one_of(st.none(), st.integers(0, 500)),
    complete=maybe((True, False)),
    rule=some(NAMES[:2]),
    retention_class=some(NAMES[:3]),
    trace_id=maybe(("t1", "t2", "t3")),
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlCatalog]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('filters') / 'catalog.sqlite'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database()
    with open_catalog(url) as catalog:
        catalog.commit_shipment(shipment("s", ROWS))
        yield catalog


def pages(catalog: Catalog, where: ExchangeFilter, limit: int, order: Order) -> list[ExchangeRow]:
    found: list[ExchangeRow] = []
    cursor = None
    while True:
        page = catalog.exchanges(where, limit=limit, cursor=cursor, order=order)
        assert len(page.items) <= limit
        found.extend(page.items)
        cursor = page.next
        if cursor is None:
            return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=FILTERS, limit=st.integers(1, 60), order=st.sampled_from(Order))
def test_any_filter_answers_as_plain_python_does(
    catalog: Catalog, where: ExchangeFilter, limit: int, order: Order
) -> None:
    wanted = [row.id for row in expected(where)]
    if order is Order.NEWEST:
        wanted.reverse()
    assert [row.id for row in pages(catalog, where, limit, order)] == wanted
    assert [row.id for row in catalog.iterate(where, order)] == wanted
    assert catalog.count(where) == len(wanted)


@pytest.mark.parametrize(
    "where",
    [
        ExchangeFilter(),
        ExchangeFilter(source=("shop", "orders", "crm")),
        ExchangeFilter(path_template="/v1/**"),
        ExchangeFilter(status=("4xx", "5xx")),
        ExchangeFilter(path_prefix="/v1"),
    ],
)
@pytest.mark.parametrize("order", list(Order))
def test_pages_stay_whole_while_exchanges_arrive(catalog: SqlCatalog, where: ExchangeFilter, order: Order) -> None:
    """What was there when the listing began is given once and in order, whatever comes in at either end meanwhile."""
    there = {row.id for row in catalog.iterate(where)}
    stop = threading.Event()

    def arrive() -> None:
        while not stop.is_set():
            number = next(ARRIVALS)
            late = [replace(row, id=exchange_id(row.started_at - number * 10**6)) for row in ROWS[:3]]
            new = [replace(row, id=exchange_id(row.started_at + number * 10**6)) for row in ROWS[-3:]]
            catalog.commit_shipment(shipment(f"arrival {number}", [*late, *new]))

    with ThreadPoolExecutor(1) as threads:
        arriving = threads.submit(arrive)
        try:
            found = [row.id for row in pages(catalog, where, 7, order)]
        finally:
            stop.set()
        arriving.result()
    assert found == sorted(set(found), reverse=order is Order.NEWEST)
    assert there <= set(found)
