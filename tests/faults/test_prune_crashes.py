"""Pruning ended at every step: what stays is readable, the vault alone tells the same, and the next run ends it."""

from pathlib import Path

import pytest

from entrepot_store.clock import FixedClock, SystemClock
from entrepot_store.retention import standing
from entrepot_store.ship import Shipper, rebuild_catalog
from tests.support.retained import FAR, LONG, Ended, Store, check_readable, rule, same
from tests.support.spooled import write_sealed

STEPS = (
    *("noted", "said", "removed", "recounted", "planned", "written", "put", "verified"),
    *("replaced", "deleted", "forgotten"),
)
RULES = [rule("settings", keep={"last": 2}), rule("other", keep={"last": 1})]


def filled(folder: Path) -> Store:
    store = Store(folder)
    for day in range(6):
        shared = b'{"n": %d, "pad": "%s"}' % (day % 4, LONG)
        store.add("PUT", "/v1/a", day, shared)
        store.add("PUT", "/v1/b", day + 0.1, shared)  # revisits what the one before brought
        store.add("GET", "/v1/c", day + 0.2, shared, rule="other")
    store.ship(each=5)
    return store


@pytest.mark.parametrize("step", STEPS)
def test_end_at_every_step(tmp_path: Path, step: str) -> None:
    store = filled(tmp_path)
    with pytest.raises(Ended):
        store.prune(RULES, end_at=step)
    check_readable(store.catalog, store)
    after_crash = store.rebuilt()
    if step == "removed":  # nothing was under way: both sides know the same
        assert same(after_crash, store.catalog, flows=False)
    after_crash.close()
    store.prune(RULES)
    assert store.versions("/v1/a") == store.versions("/v1/a")[-2:]
    assert store.catalog.retention.removals(done=False) == []
    store.check()
    assert list(store.vault.list("removals/")) == []
    store.catalog.close()


@pytest.mark.parametrize("step", ["said", "removed", "put", "replaced", "deleted"])
def test_a_rebuild_between_the_crash_and_the_next_run(tmp_path: Path, step: str) -> None:
    store = filled(tmp_path)
    with pytest.raises(Ended):
        store.prune(RULES, end_at=step)
    rebuild_catalog(store.vault, store.catalog)
    store.check()
    store.prune(RULES)
    store.check()
    assert len(store.versions("/v1/a")) == 2
    store.catalog.close()


def test_a_hold_that_comes_after_the_crash_takes_the_removal_back(tmp_path: Path) -> None:
    store = filled(tmp_path)
    before = store.paths()
    with pytest.raises(Ended):
        store.prune(RULES, end_at="said")
    assert len(list(store.vault.list("removals/other/"))) == 1
    clock = FixedClock(FAR)
    for name in ("settings", "other"):
        standing.hold(store.vault, store.catalog.retention, clock, name, by="legal", reason="case 7")
    store.prune(RULES)
    assert store.paths() == before
    assert list(store.vault.list("removals/")) == []
    store.check()
    store.catalog.close()


@pytest.mark.parametrize("crashed", [False, True])
def test_a_payload_that_goes_while_a_shipment_refers_to_it(tmp_path: Path, crashed: bool) -> None:
    """The segment is in the vault as a revisit of what is pruned before its transaction, or before it is adopted."""
    store = Store(tmp_path)
    shared = b'{"shared": "%s"}' % LONG
    store.add("PUT", "/v1/a", 0, shared)
    store.add("PUT", "/v1/a", 1, b"{}")
    store.ship()
    late = store.add("PUT", "/v1/b", 2, shared)
    name = write_sealed(store.spool, [late], sequence=9)

    def prune_first(done: str) -> None:
        if done == "verified" and store.paths().count("PUT /v1/a") == 2:
            store.prune([rule("settings", keep={"last": 1})])
            if crashed:
                raise Ended

    shipper = Shipper(store.spool, store.vault, store.catalog, SystemClock(), prune_first)
    if crashed:
        with pytest.raises(Ended):
            shipper.ship(name)
        shipper = Shipper(store.spool, store.vault, store.catalog, SystemClock())
    shipper.ship(name)
    assert store.paths() == ["PUT /v1/a", "PUT /v1/b"]
    store.check()
    store.catalog.close()
