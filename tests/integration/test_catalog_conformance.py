"""What any catalog must do, on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from entrepot_store.catalog import Catalog, ExchangeFilter, Order, PayloadRow, ProductRow, Shipment, TokenRow
from entrepot_store.catalog.sql import SqlCatalog, lookup, open_catalog, shipping
from entrepot_store.errors import AlreadyExists, BadInput, NotFound
from entrepot_store.model import Action, Gap, LedgerEntry, exchange_id, uuid7
from tests.support.catalog_rows import (
    START,
    exchange_row,
    message_row,
    payload_row,
    realistic,
    segment_row,
    shipment,
)

EVERYTHING = ExchangeFilter()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def catalog(url: str) -> Iterator[SqlCatalog]:
    with open_catalog(url) as catalog:
        yield catalog


# Shipping


def test_an_exchange_comes_back_as_it_was(catalog: Catalog) -> None:
    rows = [
        exchange_row(1),
        exchange_row(
            2,
            source="ä",
            destination="日本",
            method="PÜT",
            url="http://h/ü?q=\x01",
            path="/ü",
            status=None,
            http_version="HTTP/2.0",
            rule="settings",
            action=Action.PROTECT,
            complete=False,
            error="refused",
            trace_id="0af7651916cd43dd8448eb211c80319c",
            request=message_row(
                b"body",
                headers=((b"X-\xff\x00", b"\x00\xfe"), (b"x", b""), (b"x", b"twice"), (b"", b"")),
                content_type="text/x; a=b",
                offset=2**40,
                length=2**33,
                truncated=True,
                encoding="gzip",
            ),
            response=None,
        ),
        exchange_row(3, response=message_row(headers=(), content_type="")),
        exchange_row(4, status=99999, duration_us=2**40, response=message_row(size=2**41, truncated=True)),
        exchange_row(5, request=message_row(headers=((b"Cookie", b"c" * 100_000),) * 20)),
    ]
    sent = shipment("s1", rows)
    assert catalog.commit_shipment(sent)
    assert [catalog.exchange(row.id) for row in sent.exchanges] == list(sent.exchanges)
    assert catalog.exchanges(EVERYTHING, order=Order.OLDEST).items == list(sent.exchanges)
    assert list(catalog.iterate(EVERYTHING)) == list(sent.exchanges)


def test_committing_again_changes_nothing(catalog: Catalog) -> None:
    sent = shipment("s1", realistic(20), payloads=[payload_row(b"a", "")])
    assert catalog.commit_shipment(sent)
    before = catalog.fingerprint()
    assert catalog.is_shipped("s1")
    assert not catalog.commit_shipment(sent)
    assert catalog.fingerprint() == before
    assert not catalog.is_shipped("s2")


def test_an_exchange_keeps_its_first_row(catalog: Catalog) -> None:
    first, twice = exchange_row(1), exchange_row(2)
    catalog.commit_shipment(shipment("s1", [first, twice, replace(twice, method="DELETE")]))
    catalog.commit_shipment(shipment("s2", [replace(first, method="PUT"), exchange_row(3)]))
    assert [row.method for row in catalog.iterate(EVERYTHING)] == ["GET", "GET", "GET"]
    assert catalog.exchange(first.id).segment == segment_row("s1").key
    assert catalog.products()[0].as_source == 3


def test_a_shipment_may_be_empty_or_have_several_segments(catalog: Catalog) -> None:
    assert catalog.commit_shipment(Shipment("empty"))
    assert not catalog.commit_shipment(Shipment("empty"))
    a, b = segment_row("s1", "config"), segment_row("s1", "default")
    rows = (exchange_row(1, a.key, retention_class="config"), exchange_row(2, b.key))
    catalog.commit_shipment(Shipment("s1", segments=(b, a), exchanges=rows))
    assert list(catalog.segments()) == [a, b]
    assert [row.segment for row in catalog.iterate(EVERYTHING)] == [a.key, b.key]


def test_a_shipment_that_fails_leaves_nothing(catalog: Catalog) -> None:
    catalog.commit_shipment(shipment("s0", [exchange_row(0)]))
    before = catalog.fingerprint()
    broken = shipment("s1", [exchange_row(1)], payloads=[payload_row(b"a", "")], gaps=[Gap("w", 1, 2, 3, "r")])
    broken = replace(broken, ledger=LedgerEntry("w", 1, seen=2**70))
    with pytest.raises(BadInput):
        catalog.commit_shipment(broken)
    assert catalog.fingerprint() == before
    assert not catalog.is_shipped("s1")
    assert catalog.commit_shipment(shipment("s1", [exchange_row(1)]))


def test_known_exchanges_in_any_number(catalog: Catalog) -> None:
    rows = realistic(1200)
    catalog.commit_shipment(shipment("s1", rows))
    asked = [row.id for row in rows] + [exchange_id(START + 10**12 + n) for n in range(600)]
    assert catalog.known_exchanges(asked) == {row.id for row in rows}
    assert catalog.known_exchanges([]) == set()


def test_known_payloads_of_one_class(catalog: Catalog) -> None:
    bodies = [b"%d" % n for n in range(1200)]
    sent = shipment("s1", payloads=[payload_row(body, "") for body in bodies])
    catalog.commit_shipment(sent)
    digests = [row.digest for row in sent.payloads] + [b"\x00" * 32]
    assert catalog.known_payloads("default", digests) == {row.digest: row for row in sent.payloads}
    assert catalog.known_payloads("config", digests) == {}
    assert catalog.known_payloads("default", []) == {}
    assert catalog.payload("default", digests[0]) == sent.payloads[0]
    with pytest.raises(NotFound):
        catalog.payload("config", digests[0])


def test_one_payload_in_two_classes_is_two(catalog: Catalog) -> None:
    catalog.commit_shipment(shipment("s1", payloads=[payload_row(b"a", "")]))
    catalog.commit_shipment(shipment("s2", payloads=[payload_row(b"a", "", retention_class="config")]))
    assert catalog.payload("default", payload_row(b"a", "").digest).segment == segment_row("s1").key
    assert catalog.payload("config", payload_row(b"a", "").digest).segment == segment_row("s2").key


@pytest.mark.parametrize("order", [("s1", "s2"), ("s2", "s1")])
def test_where_a_payload_is_does_not_depend_on_who_was_first(catalog: Catalog, order: tuple[str, str]) -> None:
    places = {"s1": [300, 200], "s2": [100]}
    for spool in order:
        payloads = [payload_row(b"same", "", offset=offset) for offset in places[spool]]
        catalog.commit_shipment(shipment(spool, payloads=payloads))
    found = catalog.payload("default", payload_row(b"same", "").digest)
    assert (found.segment, found.offset) == (segment_row("s1").key, 200)


def test_segments_by_key(catalog: Catalog) -> None:
    rows = [segment_row(f"s{number:04d}", "ab" if number % 2 else "a-") for number in range(1500)]
    for row in rows[:3]:
        catalog.commit_shipment(Shipment(row.spool, segments=(row,)))
    catalog.commit_shipment(Shipment("all", segments=tuple(rows)))
    assert list(catalog.segments()) == sorted(rows, key=lambda row: row.key)
    assert [row.key for row in catalog.segments("segments/a-/")] == sorted(r.key for r in rows if "/a-/" in r.key)
    assert list(catalog.segments("nothing")) == []
    assert catalog.segment(rows[5].key) == rows[5]
    with pytest.raises(NotFound):
        catalog.segment("nothing")


def test_products_count_what_took_part(catalog: Catalog) -> None:
    catalog.commit_shipment(
        shipment(
            "s1",
            [
                exchange_row(3, source="B", destination="a"),
                exchange_row(1, source="a", destination="a"),
                exchange_row(2, source="_", destination="B"),
            ],
        )
    )
    catalog.commit_shipment(shipment("s2", [exchange_row(0, source="a", destination="B")]))
    at = [START + number * 1000 for number in range(4)]
    # By name, byte by byte, whatever the database's language.
    assert catalog.products() == [
        ProductRow("B", 1, 2, at[0], at[3]),
        ProductRow("_", 1, 0, at[2], at[2]),
        ProductRow("a", 2, 2, at[0], at[3]),
    ]


def test_what_is_not_there_is_not_found(catalog: Catalog) -> None:
    with pytest.raises(NotFound):
        catalog.exchange(UUID(int=0))
    with pytest.raises(NotFound):
        catalog.acknowledge_gap(UUID(int=0), "me", 1)
    with pytest.raises(NotFound):
        catalog.revoke_token(UUID(int=0), 1)


# Look-up


def test_pages_give_each_exchange_once_in_either_order(catalog: Catalog) -> None:
    rows = realistic(95)
    catalog.commit_shipment(shipment("s1", rows))
    for order, expected in ((Order.OLDEST, rows), (Order.NEWEST, rows[::-1])):
        cursor = None
        seen: list[UUID] = []
        while True:
            page = catalog.exchanges(EVERYTHING, limit=10, cursor=cursor, order=order)
            seen.extend(row.id for row in page.items)
            cursor = page.next
            if cursor is None:
                break
            assert len(page.items) == 10
        assert seen == [row.id for row in expected]


def test_the_last_page_says_so_even_when_it_is_full(catalog: Catalog) -> None:
    catalog.commit_shipment(shipment("s1", realistic(20)))
    page = catalog.exchanges(EVERYTHING, limit=20)
    assert (len(page.items), page.next) == (20, None)
    assert catalog.exchanges(ExchangeFilter(source=("nobody",))).next is None


def test_a_cursor_serves_its_own_listing_only(catalog: Catalog) -> None:
    catalog.commit_shipment(shipment("s1", realistic(50)))
    where = ExchangeFilter(source=("shop", "billing"))
    cursor = catalog.exchanges(where, limit=2).next
    assert cursor is not None
    assert catalog.exchanges(where, limit=7, cursor=cursor).items  # another page size is the same listing
    for foreign, order in (
        (EVERYTHING, Order.NEWEST),
        (where, Order.OLDEST),
        (replace(where, since=1), Order.NEWEST),
        (ExchangeFilter(source=("shop",)), Order.NEWEST),
    ):
        with pytest.raises(BadInput, match="another listing"):
            catalog.exchanges(foreign, cursor=cursor, order=order)
    for nonsense in ("", "x", "AAAA", cursor[:-2], cursor + "AA", "ä" * 34, "=" * 34, "\x00", cursor.swapcase()):
        with pytest.raises(BadInput):
            catalog.exchanges(where, cursor=nonsense)


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_page_has_bounds(catalog: Catalog, limit: int) -> None:
    with pytest.raises(BadInput):
        catalog.exchanges(EVERYTHING, limit=limit)


@pytest.mark.parametrize(
    "where",
    [
        ExchangeFilter(status=("6x",)),
        ExchangeFilter(status=("0xx",)),
        ExchangeFilter(status=("200 OR 1=1",)),
        ExchangeFilter(status=(20000,)),
        ExchangeFilter(content_type=("json",)),
        ExchangeFilter(content_type=("text/%",)),
        ExchangeFilter(content_type=("",)),
        ExchangeFilter(path_template="v1/{user}"),
        ExchangeFilter(path_template="/v1/{user"),
    ],
)
def test_malformed_conditions_are_refused(catalog: Catalog, where: ExchangeFilter) -> None:
    with pytest.raises(BadInput):
        catalog.exchanges(where)
    with pytest.raises(BadInput):
        catalog.count(where)
    with pytest.raises(BadInput):
        list(catalog.iterate(where))


def test_values_no_database_can_hold_are_refused_or_match_nothing(catalog: Catalog) -> None:
    catalog.commit_shipment(shipment("s1", realistic(5)))
    for text in ("\x00", "a\x00b", "\ud800"):
        for where in (ExchangeFilter(path=text), ExchangeFilter(path_prefix=text), ExchangeFilter(source=(text,))):
            try:
                assert catalog.exchanges(where).items == []
            except BadInput:
                continue


def test_prefixes_are_literal_and_case_counts(catalog: Catalog) -> None:
    paths = [
        "/a%b",
        "/a_b",
        "/axb",
        "/AXB",
        "/a",
        "/a/",
        "/a/b",
        "/b",
        "/a\U0010ffff",
        "/a\U0010ffffz",
        "/a\ud7ff",
        "/a\ue000",
    ]
    catalog.commit_shipment(shipment("s1", [exchange_row(n, path=path) for n, path in enumerate(paths)]))
    for prefix in ["/a%", "/a_", "/a", "/A", "/", "", "/a/", "/a\U0010ffff", "/a\ud7ff", "\U0010ffff"]:
        found = [row.path for row in catalog.iterate(ExchangeFilter(path_prefix=prefix))]
        assert found == [path for path in paths if path.startswith(prefix)], prefix


def test_time_bounds_are_exact_to_the_microsecond(catalog: Catalog) -> None:
    rows = [exchange_row(n, started_at=START + n) for n in range(1, 2100, 7)]
    catalog.commit_shipment(shipment("s1", rows))
    for since, until in ((START + 8, START + 15), (START + 1000, None), (None, START + 1), (START + 9, START + 9)):
        found = [row.id for row in catalog.iterate(ExchangeFilter(since=since, until=until))]
        expected = [
            row.id
            for row in rows
            if (since is None or row.started_at >= since) and (until is None or row.started_at < until)
        ]
        assert found == expected
    assert catalog.count(ExchangeFilter(since=-5, until=2**70)) == len(rows)
    assert catalog.count(ExchangeFilter(since=2**70)) == 0
    assert catalog.count(ExchangeFilter(until=-(2**70))) == 0


def test_iterating_copes_with_what_arrives_meanwhile(catalog: Catalog) -> None:
    catalog.commit_shipment(shipment("s1", realistic(1500)))
    seen: list[UUID] = []
    for row in catalog.iterate(EVERYTHING):
        if not seen:
            catalog.commit_shipment(shipment("s2", realistic(1500, first=1500)))
        seen.append(row.id)
    assert seen == sorted(set(seen))
    assert len(seen) == 3000


# Completeness


def test_the_ledger_keeps_the_last_entry_of_a_worker(catalog: Catalog) -> None:
    late = LedgerEntry("w1", at=20, seen=9, stored=5, ignored=1, truncated=1, failed=1, in_flight=1)
    early = LedgerEntry("w1", at=10, seen=4)
    other = LedgerEntry("W2", at=5, seen=1)
    for number, entry in enumerate((late, early, other)):
        catalog.commit_shipment(Shipment(f"s{number}", ledger=entry))
    assert catalog.ledger() == [other, late]
    catalog.commit_shipment(Shipment("s9", ledger=replace(late, at=21, seen=10)))
    assert catalog.ledger() == [other, replace(late, at=21, seen=10)]
    set_back = replace(late, at=3, seen=10, stored=6)
    catalog.commit_shipment(Shipment("s10", ledger=set_back))
    assert catalog.ledger() == [other, set_back], "the worker's clock was set back"


def test_gaps_are_known_by_their_content(catalog: Catalog) -> None:
    one, two = Gap("w1", START + 5, START + 6, 3, "disk full"), Gap("w1", START + 1, START + 9, 0, "killed")
    catalog.commit_shipment(Shipment("s1", gaps=(one, two)))
    catalog.commit_shipment(Shipment("s2", gaps=(one,)))
    found = catalog.gaps()
    assert [row.gap for row in found] == [two, one]
    assert len({row.id for row in found}) == 2
    assert catalog.gaps(acknowledged=True) == []

    taken = catalog.acknowledge_gap(found[0].id, "anna", 77)
    assert (taken.gap, taken.acknowledged_by, taken.acknowledged_at) == (two, "anna", 77)
    assert catalog.acknowledge_gap(found[0].id, "bert", 99) == taken
    assert catalog.gaps(acknowledged=True) == [taken]
    assert [row.gap for row in catalog.gaps(acknowledged=False)] == [one]
    assert catalog.gaps() == [taken, found[1]]


# Tokens


def test_tokens_are_found_by_their_digest(catalog: Catalog) -> None:
    first = TokenRow(uuid7(1), "ci", b"\x01" * 32, ("read", "replay"), 5, expires_at=2**50)
    second = TokenRow(uuid7(2), "me", b"\x00" * 32, (), 6)
    catalog.add_token(first)
    catalog.add_token(second)
    assert catalog.tokens() == [first, second]
    assert catalog.token_by_digest(b"\x01" * 32) == first
    assert catalog.token_by_digest(b"\x02" * 32) is None
    with pytest.raises(AlreadyExists):
        catalog.add_token(replace(second, id=uuid7(3)))
    catalog.revoke_token(first.id, 50)
    catalog.revoke_token(first.id, 60)
    assert catalog.token_by_digest(b"\x01" * 32) == replace(first, revoked_at=50)


# Rebuilding


def test_a_rebuild_brings_back_an_equal_catalog_and_keeps_what_no_vault_has(catalog: Catalog) -> None:
    shipments = [
        shipment(
            f"s{number}",
            realistic(30, first=number * 30),
            payloads=[payload_row(b"%d" % n, "") for n in range(number, number + 3)],
            gaps=[Gap("w", START, START + number, number, "r")],
            ledger=LedgerEntry("w", number, seen=number),
        )
        for number in range(4)
    ]
    for sent in shipments:
        catalog.commit_shipment(sent)
    token = TokenRow(uuid7(1), "t", b"\x01" * 32, (), 5)
    catalog.add_token(token)
    taken = catalog.acknowledge_gap(catalog.gaps()[2].id, "anna", 77)
    before = catalog.fingerprint()

    catalog.clear_index()
    assert catalog.count(EVERYTHING) == 0
    assert [catalog.products(), catalog.ledger(), catalog.gaps(), list(catalog.segments())] == [[], [], [], []]
    assert not catalog.is_shipped("s0")
    assert catalog.fingerprint() != before
    for sent in reversed(shipments):
        assert catalog.commit_shipment(sent)
    assert catalog.fingerprint() == before
    assert catalog.tokens() == [token]
    assert catalog.gaps(acknowledged=True) == [taken]


def test_acknowledging_does_not_change_the_fingerprint(catalog: Catalog) -> None:
    catalog.commit_shipment(Shipment("s1", gaps=(Gap("w", 1, 2, 3, "r"),)))
    before = catalog.fingerprint()
    catalog.acknowledge_gap(catalog.gaps()[0].id, "anna", 77)
    assert catalog.fingerprint() == before


ROW = exchange_row(1)
CHANGES = {
    "segments": [Shipment("s", segments=(segment_row("s", size=1),))],
    "exchanges": [
        shipment("s", [replace(ROW, trace_id="")]),
        shipment("s", [replace(ROW, request=replace(ROW.request, headers=()))]),
        shipment("s", [replace(ROW, response=None)]),
        shipment("s", [replace(ROW, complete=False)]),
    ],
    "payloads": [shipment("s", [ROW], payloads=[payload_row(b"b", "")])],
    "ledger": [shipment("s", [ROW], ledger=LedgerEntry("w", 1))],
    "gaps": [shipment("s", [ROW], gaps=[Gap("w", 1, 2, 3, "r")])],
}


@pytest.mark.parametrize(("table", "changed"), [(table, sent) for table, all_ in CHANGES.items() for sent in all_])
def test_the_fingerprint_shows_what_differs(catalog: Catalog, table: str, changed: Shipment) -> None:
    catalog.commit_shipment(shipment("s", [ROW]))
    before = catalog.fingerprint()
    catalog.clear_index()
    catalog.commit_shipment(changed)
    after = catalog.fingerprint()
    counted = {"products", "exchanges", "flows", "flow_paths", "flow_samples"}
    assert {name for name in before if before[name] != after[name]} >= {table}
    assert {name for name in before if before[name] != after[name]} <= {table} | counted


@pytest.mark.postgres
def test_both_databases_have_one_fingerprint(tmp_path: Path, postgres_url: str) -> None:
    found = []
    for url in (f"sqlite:///{tmp_path / 'catalog.sqlite'}", postgres_url):
        with open_catalog(url) as catalog:
            catalog.commit_shipment(
                shipment(
                    "s1",
                    [*realistic(200), exchange_row(-1, response=None, status=None, trace_id="ü", source="Ä")],
                    payloads=[payload_row(b"%d" % n, "") for n in range(50)],
                    gaps=[Gap("w", 1, 2, 3, "r"), Gap("ä", 1, 2, 0, "r")],
                    ledger=LedgerEntry("w", 5, 6, 7),
                )
            )
            found.append(catalog.fingerprint())
    assert found[0] == found[1]


# Several at once


def test_shippers_with_payloads_and_exchanges_in_common(url: str) -> None:
    """Four catalogs, as four processes have; every spool file is committed by two of them at the same moment."""
    shipments = [
        shipment(
            f"s{number}",
            realistic(60, first=number * 40),  # a third in common with the next
            payloads=[payload_row(b"%d" % n, "", offset=number) for n in range(number, number + 40)],
            gaps=[Gap("w", 1, 2, 3, "same")],
            ledger=LedgerEntry("w", number, seen=number),
        )
        for number in range(12)
    ]
    start = threading.Barrier(4)

    def ship(worker: int) -> int:
        with open_catalog(url) as catalog:
            start.wait()
            mine = [sent for number, sent in enumerate(shipments) if number % 2 == worker % 2]
            return sum(catalog.commit_shipment(sent) for sent in (mine if worker < 2 else reversed(mine)))

    with ThreadPoolExecutor(4) as threads:
        committed = list(threads.map(ship, range(4)))
    assert sum(committed) == len(shipments)
    with open_catalog(url) as catalog:
        ids = {row.id for sent in shipments for row in sent.exchanges}
        assert catalog.count(EVERYTHING) == len(ids)
        assert sum(product.as_source for product in catalog.products()) == len(ids)
        assert sum(product.as_destination for product in catalog.products()) == len(ids)
        assert catalog.ledger() == [LedgerEntry("w", 11, seen=11)]
        assert len(catalog.gaps()) == 1
        best: dict[bytes, PayloadRow] = {}
        for sent in shipments:
            for row in sent.payloads:
                best[row.digest] = min(best.get(row.digest, row), row, key=lambda row: row.segment)
        assert catalog.known_payloads("default", list(best)) == best


@pytest.mark.postgres
def test_a_payload_committed_while_another_waits_is_compared(postgres_url: str) -> None:
    """The later segment's shipment is open when the earlier one's begins, and commits while that one waits for it."""
    later, earlier = (shipment(spool, payloads=[payload_row(b"same", "")]) for spool in ("s2", "s1"))
    with open_catalog(postgres_url) as catalog, ThreadPoolExecutor(1) as threads:
        with catalog.database.writing() as connection:
            shipping.commit_shipment(connection, later)
            waiting = threads.submit(catalog.commit_shipment, earlier)
            with psycopg.connect(postgres_url, autocommit=True) as other:
                query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                while other.execute(query).fetchone() == (0,):
                    assert not waiting.done()
        assert waiting.result(60)
        assert catalog.payload("default", earlier.payloads[0].digest).segment == segment_row("s1").key


def test_readers_see_a_shipment_whole_or_not_at_all(catalog: SqlCatalog) -> None:
    done = threading.Event()

    def read() -> set[tuple[int, int]]:
        seen = set()
        while not done.is_set():
            with catalog.database.reading() as connection:
                segments = len(lookup.segments(connection, "", "", 100))
                seen.add((segments, lookup.count(connection, EVERYTHING)))
        return seen

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        for number in range(8):
            catalog.commit_shipment(shipment(f"s{number}", realistic(50, first=number * 50)))
        done.set()
        for reader in readers:
            assert all(exchanges == segments * 50 for segments, exchanges in reader.result())
