"""`keep.deleted_within`: documents that were deleted go altogether, and nothing less."""

from pathlib import Path

import pytest

from entrepot_store.clock import FixedClock
from entrepot_store.errors import NotFound
from entrepot_store.model import Action
from entrepot_store.retention import standing
from entrepot_store.retention.plan import make_plan
from tests.support.retained import DAY, FAR, LONG, START, Ended, Store, rule

KEEP = {"within": "10y", "last": 50, "deleted_within": "30d"}


def body(number: int) -> bytes:
    return b'{"n": %d, "pad": "%s"}' % (number, LONG)


def filled(folder: Path, url: str = "") -> Store:
    """`gone` was deleted 60 days before the end, `lately` 20, `back` came back, `never` was only ever missing."""
    store = Store(folder, url)
    for name, day in (("gone", 40), ("lately", 80), ("back", 40)):
        store.add("GET", f"/v1/{name}", 0, b"", status=404)
        store.add("PUT", f"/v1/{name}", 1, body(1))
        store.add("PUT", f"/v1/{name}", 2, body(2))
        store.add("DELETE", f"/v1/{name}", day, status=204)
        store.add("GET", f"/v1/{name}", day + 1, b"", status=404)
    store.add("PUT", "/v1/back", 45, body(3))
    store.add("GET", "/v1/never", 3, b"", status=404)
    store.add("PUT", "/v1/there", 4, body(4))
    store.add("GET", "/v1/last", 100, body(5), action=Action.CAPTURE)
    store.ship()
    return store


def left(store: Store, name: str) -> int:
    return sum(path.endswith(f"/v1/{name}") for path in store.paths())


def check_gone(store: Store) -> None:
    assert {name: left(store, name) for name in ("gone", "lately", "back", "never", "there")} == {
        **{"gone": 0, "lately": 5, "back": 6, "never": 0},
        "there": 1,
    }
    with pytest.raises(NotFound):
        store.document("/v1/gone")
    assert store.versions("/v1/lately") == [1, 2, 80]
    assert store.versions("/v1/back") == [1, 2, 40, 45]


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_document_that_was_deleted_longer_ago_goes_altogether(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    store = filled(tmp_path, "" if database == "sqlite" else request.getfixturevalue("postgres_url"))
    assert store.prune([rule("settings", keep={"within": "10y"})]).plan.rules["settings"].versions == 0
    assert store.versions("/v1/gone") == [1, 2, 40], "the last version never goes unless the rule says so"
    plan = store.prune([rule("settings", keep=KEEP)]).plan
    assert (plan.rules["settings"].deleted, plan.rules["settings"].versions) == (2, 4)
    check_gone(store)
    store.check()
    store.catalog.close()


def test_clocks_that_jump_delete_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path)
    rules = [rule("settings", keep={**KEEP, "deleted_within": "90d"})]
    assert make_plan(store.catalog.retention, rules, FAR).rules["settings"].deleted == 1, "of `never` alone"
    store.add("GET", "/v1/last", 100_000, body(6), action=Action.CAPTURE)
    store.ship()
    assert make_plan(store.catalog.retention, rules, START + 100 * DAY).rules["settings"].deleted == 1
    store.catalog.close()


def test_pins_and_holds_keep_what_was_deleted_deleted(tmp_path: Path) -> None:
    """A pin keeps its version and the tombstone: without that the document would seem to be there."""
    store = filled(tmp_path)
    clock, retention = FixedClock(FAR), store.catalog.retention
    first, *_ = store.catalog.documents.iterate_versions(store.document("/v1/gone").id)
    store.add("PUT", "/v1/partly", 1, body(1), rule="other")
    store.add("DELETE", "/v1/partly", 40, status=204)
    store.ship()
    hold = standing.hold(store.vault, retention, clock, "other", by="legal", reason="case 7")
    pin = standing.pin(store.vault, retention, clock, first.document, version=first.id, by="ann")
    rules = [rule("settings", keep={"last": 1, "deleted_within": "30d"})]
    assert store.prune(rules).plan.held == {"other": 1}
    assert store.versions("/v1/gone") == [1, 40]
    assert store.document("/v1/gone").deleted
    assert store.versions("/v1/partly") == [1, 40], "what is held would be there again without its tombstone"
    standing.unpin(store.vault, retention, clock, pin.id, by="ann")
    standing.release(store.vault, retention, clock, hold.id, by="legal")
    store.prune(rules)
    assert (left(store, "gone"), left(store, "partly")) == (0, 0)
    store.check()
    store.catalog.close()


def test_what_was_deleted_never_comes_back_to_life(tmp_path: Path) -> None:
    """Versions in two classes, so that they go in two transactions, and the process ends after the first."""
    store = filled(tmp_path)
    store.add("PUT", "/v1/split", 1, body(1), rule="zzz")
    store.add("DELETE", "/v1/split", 40, status=204)
    store.ship()
    with pytest.raises(Ended):
        store.prune([rule("settings", keep=KEEP)], end_at="removed")
    documents = store.catalog.documents
    for name in ("gone", "split"):
        try:
            assert documents.find("orders", f"/v1/{name}").deleted
        except NotFound:
            continue
    store.prune([rule("settings", keep=KEEP)])
    check_gone(store)
    assert left(store, "split") == 0
    store.check()
    store.catalog.close()


def test_a_pin_or_hold_that_comes_after_the_plan_counts(tmp_path: Path) -> None:
    store = filled(tmp_path)
    document = store.document("/v1/gone").id
    retention = store.catalog.retention

    def pin(done: str) -> None:
        if done == "plan":
            standing.pin(store.vault, retention, FixedClock(FAR), document, at=START + DAY, by="ann")

    store.prune([rule("settings", keep=KEEP)], step=pin)
    assert store.versions("/v1/gone") == [1, 2, 40]
    assert left(store, "never") == 1, "the last batch waits for the next run, when all of a document can go"
    store.prune([rule("settings", keep=KEEP)])
    assert store.versions("/v1/gone") == [1, 2, 40], "of a document with a pin the other words decide"
    assert left(store, "never") == 0
    store.check()
    store.catalog.close()
