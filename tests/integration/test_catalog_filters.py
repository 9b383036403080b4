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
TYPES = (
    *(None, "", "application/json", "Application/JSON; charset=utf-8"),
    *("text/html ;q=1", "text/plain", "text_x/y", "textax/y"),
)
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
    yield where.min_size is None or _size(row) >= where.min_size
    yield where.max_size is None or _size(row) <= where.max_size
    yield where.complete is None or row.complete is where.complete
    yield where.trace_id is None or row.trace_id == where.trace_id


def _size(row: ExchangeRow) -> int:
    return row.request.size + (row.response.size if row.response else 0)


def _status(wanted: int | str, status: int | None) -> bool:
    if isinstance(wanted, str) and wanted.lower().endswith("xx"):
        return status is not None and status // 100 == int(wanted[0])
    return status == int(wanted)


def _media(pattern: str, row: ExchangeRow) -> bool:
    found = (row.response.content_type if row.response else "").split(";")[0].strip().lower()
    kind, _, name = pattern.lower().partition("/")
    found_kind, slash, found_name = found.partition("/")
    return bool(slash) and kind in ("*", found_kind) and name in ("*", found_name)


MANY: dict[str, tuple[Any, ...]] = {
    "source": (*NAMES, "nobody"),
    "destination": NAMES,
    "method": METHODS,
    "status": (200, "200", 404, "404", "2xx", "4XX", "5xx", "1xx"),
    "content_type": ("application/json", "text/*", "*/*", "*/plain", "TEXT/html", "text_x/*", "image/png"),
    "rule": NAMES[:2],
    "retention_class": NAMES[:3],
}
ONE: dict[str, tuple[Any, ...]] = {
    "path": PATHS,
    "path_prefix": ("", "/", "/v1", "/v1/a", "/v1/a/", "/v1/a_", "/V1", "/v2"),
    "path_template": TEMPLATES,
    "since": tuple(START + n * 977 + (n % 3 - 1) for n in range(0, COUNT, 9)),
    "until": tuple(START + n * 977 + (n % 3 - 1) for n in range(0, COUNT, 9)),
    "min_size": tuple(_size(row) for row in ROWS[::9]),
    "max_size": tuple(_size(row) for row in ROWS[::9]),
    "complete": (True, False),
    "trace_id": ("t1", "t2", "t3"),
}
ALONE: list[dict[str, Any]] = [
    *({name: (value,)} for name, values in MANY.items() for value in values),
    *({name: value} for name, values in ONE.items() for value in values),
]


@st.composite
def filters(draw: st.DrawFn) -> ExchangeFilter:
    """Few conditions at a time: with many, nothing matches and nothing is tested."""
    names = draw(st.lists(st.sampled_from(sorted(MANY | ONE)), min_size=2, max_size=4, unique=True))
    chosen: dict[str, Any] = {}
    for name in names:
        if name in ONE:
            chosen[name] = draw(st.sampled_from(ONE[name]))
        else:
            chosen[name] = tuple(draw(st.lists(st.sampled_from(MANY[name]), min_size=1, max_size=3)))
    return ExchangeFilter(**chosen)


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


def test_every_condition_answers_as_plain_python_does(catalog: Catalog) -> None:
    for condition in ALONE:
        where = ExchangeFilter(**condition)
        wanted = [row.id for row in expected(where)]
        assert [row.id for row in catalog.iterate(where)] == wanted, condition
        assert catalog.count(where) == len(wanted), condition


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=filters(), limit=st.integers(1, 60), order=st.sampled_from(Order))
def test_conditions_together_answer_as_plain_python_does(
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
