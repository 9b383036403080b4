"""Pruning: what goes, what stays and why, and that a rebuild from the vault agrees."""

from pathlib import Path

import pytest

from entrepot_store.archive import Archive
from entrepot_store.clock import FixedClock
from entrepot_store.compact import compact
from entrepot_store.documents import content_bytes
from entrepot_store.errors import BadInput, Busy
from entrepot_store.model import Action
from entrepot_store.retention import standing
from entrepot_store.retention.plan import make_plan
from tests.support.retained import DAY, FAR, LONG, START, Store, rule, same


def body(number: int) -> bytes:
    return b'{"n": %d, "pad": "%s"}' % (number, LONG)


def test_versions_looks_and_journal_go_by_their_rules(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for day in range(10):
        store.add("PUT", "/v1/a", day, body(day))
        for hour in range(4):
            store.add("GET", "/v1/a", day + 0.1 * (hour + 1), body(day))
    store.add("PUT", "/v1/old", 0.05, body(1000))  # one version, older than anything
    store.add("GET", "/v1/free", 0, body(2000), rule="free")
    for day in range(10):
        store.add("GET", f"/v1/journal/{day}", day + 0.01, body(3000), rule="journal", action=Action.CAPTURE)
    store.ship()
    rules = [rule("settings", keep={"last": 2, "within": "48h"}), rule("free")]
    rules.append(rule("journal", action="capture", keep={"within": "72h"}))
    pruned = store.prune(rules)
    assert store.versions("/v1/a") == [7, 8, 9], "what held within 48 h of the last, 9: the version of day 7 did"
    assert store.versions("/v1/old") == [0.05], "the last version never goes"
    kept = store.paths()
    assert kept.count("GET /v1/a") == 3, "the last look of each version that stays"
    assert kept.count("PUT /v1/a") == 3
    assert kept.count("GET /v1/free") == 1, "nobody said how long"
    assert [path for path in kept if "journal" in path] == [f"GET /v1/journal/{day}" for day in (7, 8, 9)]
    totals = pruned.plan.rules
    assert (totals["settings"].versions, totals["settings"].seen_unchanged, totals["journal"].journal) == (7, 9, 7)
    assert pruned.removed == len(store.exchanges) - len(kept) == len(pruned.plan.going)
    assert pruned.bytes_after < pruned.bytes_before
    store.check()
    assert store.prune(rules).removed == 0, "again: nothing is left to do"
    assert list(store.vault.list("removals/")) == [], "removals go when their segments are gone"
    store.catalog.close()


def test_what_was_pruned_is_in_no_byte_of_the_vault_but_for_payloads_that_others_refer_to(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add("PUT", "/v1/a", 0, b'{"secret": "gone-%s"}' % LONG)
    store.add("PUT", "/v1/a", 1, b'{"shared": "stays-%s"}' % LONG)  # stored here, with an exchange that goes
    store.add("PUT", "/v1/a", 2, body(1))
    store.ship(each=2)
    store.add("PUT", "/v1/a", 3, body(2))
    store.add("PUT", "/v1/b", 4, b'{"shared": "stays-%s"}' % LONG)  # a revisit in another segment
    store.ship(each=2)
    store.prune([rule("settings", keep={"last": 1})])
    assert store.paths() == ["PUT /v1/a", "PUT /v1/b"]
    store.check()
    compact(store.vault, store.catalog.retention, tmp_path / "upkeep", clock=FixedClock(FAR), eager=True)
    store.check()
    (only,) = [stat.key for stat in store.vault.list("segments/")]
    store.add("PUT", "/v1/b", 5, body(7))
    store.ship()
    store.prune([rule("settings", keep={"last": 1})])
    store.check()
    assert only not in [stat.key for stat in store.vault.list("segments/")]
    store.catalog.close()


def test_pins_hold_versions_and_what_a_document_was_at_a_moment(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for day in range(8):
        store.add("PUT", "/v1/a", day, body(day))
    store.ship()
    document = store.document("/v1/a").id
    second = list(store.catalog.documents.iterate_versions(document))[1]
    clock, retention = FixedClock(START), store.catalog.retention
    pin = standing.pin(store.vault, retention, clock, document, version=second.id, by="ann")
    standing.pin(store.vault, retention, clock, document, at=START + round(4.5 * DAY), by="ann", note="audit")
    store.prune([rule("settings", keep={"last": 1})])
    assert store.versions("/v1/a") == [1, 4, 7]
    store.check()
    standing.unpin(store.vault, retention, clock, pin.id, by="ben")
    store.prune([rule("settings", keep={"last": 1})])
    assert store.versions("/v1/a") == [4, 7]
    store.check()
    store.catalog.close()


def test_a_legal_hold_keeps_a_class_whole_until_it_is_released(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for day in range(6):
        store.add("PUT", "/v1/a", day, body(day))
        store.add("PUT", "/v1/b", day, body(100 + day), rule="other")
    store.ship()
    clock, retention = FixedClock(START), store.catalog.retention
    hold = standing.hold(store.vault, retention, clock, "settings", by="legal", reason="case 7")
    rules = [rule("settings", keep={"last": 1}), rule("other", keep={"last": 2})]
    pruned = store.prune(rules)
    assert pruned.plan.held == {"settings": 5}
    assert (len(store.versions("/v1/a")), len(store.versions("/v1/b"))) == (6, 2)
    store.check()
    standing.release(store.vault, retention, clock, hold.id, by="legal")
    assert store.prune(rules).plan.held == {}
    assert len(store.versions("/v1/a")) == 1
    store.check()
    store.catalog.close()


def test_a_patch_keeps_what_it_changes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add("PUT", "/v1/a", 0, b'{"a": 1}')
    store.add("PUT", "/v1/a", 1, b'{"a": 2, "b": 1}')
    store.add("PATCH", "/v1/a", 2, b'{"b": 2}', status=204, media_type=b"application/merge-patch+json")
    store.add("PATCH", "/v1/a", 3, b'{"c": 3}', status=204, media_type=b"application/merge-patch+json")
    store.ship()
    store.prune([rule("settings", keep={"last": 1})])
    assert store.versions("/v1/a") == [1, 2, 3]
    last = list(store.catalog.documents.iterate_versions(store.document("/v1/a").id))[-1]
    archive = Archive(store.vault, store.catalog)
    assert content_bytes(archive, store.catalog.documents, last) == b'{"a":2,"b":2,"c":3}'
    store.check()
    store.catalog.close()


def test_an_empty_policy_is_refused_and_two_at_once_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add("PUT", "/v1/a", 0, body(0))
    store.ship()
    with pytest.raises(BadInput, match="No rule says what to keep"):
        store.prune([rule("settings")])
    with store.catalog.retention.sole(), pytest.raises(Busy):
        store.prune([rule("settings", keep={"last": 1})])
    plan = make_plan(store.catalog.retention, [rule("another", keep={"last": 1})], FAR)
    assert plan.going == [], "what came by a rule that says nothing of keeping stays"
    store.catalog.close()


def test_clocks_that_jump_make_nothing_old(tmp_path: Path) -> None:
    """The chore's clock is decades ahead in all of these tests; here the journal's own newest entry is too."""
    store = Store(tmp_path)
    for day in range(4):
        store.add("GET", f"/v1/journal/{day}", day, body(day), rule="journal", action=Action.CAPTURE)
    store.ship()
    journal = [rule("journal", action="capture", keep={"within": "30d"})]
    assert store.prune(journal).removed == 0
    store.add("GET", "/v1/journal/late", 100_000, body(9), rule="journal", action=Action.CAPTURE)
    store.ship()
    now = START + 5 * DAY
    assert make_plan(store.catalog.retention, journal, now).going == [], "counted from now, which is earlier"
    store.catalog.close()


@pytest.mark.postgres
def test_on_postgresql_as_on_sqlite(tmp_path: Path, postgres_url: str) -> None:
    store = Store(tmp_path, postgres_url)
    for day in range(6):
        store.add("PUT", "/v1/a", day, body(day % 3))
        store.add("GET", "/v1/a", day + 0.5, body(day % 3))
        store.add("GET", f"/v1/journal/{day}", day, body(day), rule="journal", action=Action.CAPTURE)
    store.ship()
    rules = [rule("settings", keep={"last": 2}), rule("journal", action="capture", keep={"within": "48h"})]
    assert store.prune(rules).removed == 12
    assert store.versions("/v1/a") == [4, 5]
    store.check()
    compact(store.vault, store.catalog.retention, tmp_path / "upkeep", clock=FixedClock(FAR), eager=True)
    store.check()
    with store.catalog.retention.sole(), pytest.raises(Busy):
        store.prune(rules)
    assert same(store.catalog, store.catalog)
    store.catalog.close()
