"""How a rebuilt document is compared with the evidence of it: lists by item, writes by what they say."""

from typing import Any

import pytest

from entrepot_replay.answer import Answer
from entrepot_replay.mapping import IdMap, Value
from entrepot_replay.mapping.explain import Explainer
from entrepot_replay.verify.accounts import Accounts
from entrepot_replay.verify.contents import Ids, compare_whole, compare_written
from entrepot_replay.verify.findings import Findings
from entrepot_replay.verify.items import Alignment, align

DAY = 24 * 3600 * 1_000_000
THEN, NOW = 1_763_800_000_000_000, 1_763_800_000_000_000 + 90 * DAY


def aligned(recorded: Any, live: Any, ids: dict[str, str] | None = None) -> Alignment:
    known = ids or {}
    return align(recorded, live, lambda one: known.get(one, one), own=lambda one: one in known)


def test_items_are_known_again_by_their_ids_in_any_order() -> None:
    recorded = {"items": [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}, {"id": 3, "n": "c"}]}
    live = {"items": [{"id": 12, "n": "b"}, {"id": 14, "n": "x"}, {"id": 11, "n": "a"}]}
    found = aligned(recorded, live, {"1": "11", "2": "12", "3": "13"})
    assert [item["id"] for item in found.live["items"]] == [11, 12, 3]
    assert [(item.where, item.id) for item in found.missing] == [("$.items[2]", "3")]
    assert [(item.where, item.id) for item in found.extra] == [("$.items[1]", "14")]
    assert found.reordered


def test_items_whose_ids_nobody_mapped_are_known_by_what_is_in_them() -> None:
    recorded = [{"id": "a1", "name": "x", "size": 4}, {"id": "a2", "name": "y", "size": 9}]
    live = [{"id": "b2", "name": "y", "size": 9}, {"id": "b1", "name": "x", "size": 4}]
    found = aligned(recorded, live)
    assert ([item["name"] for item in found.live], found.missing, found.extra) == (["x", "y"], [], [])


def test_an_item_that_is_known_to_be_lost_does_not_pass_for_another() -> None:
    found = aligned([{"id": "a1", "size": 4}], [{"id": "b1", "size": 4}], {"a1": "a7"})
    assert (len(found.missing), len(found.extra)) == (1, 1)


def test_lists_of_values_keep_their_order() -> None:
    assert aligned([1, 2], [2, 1]).live == [2, 1]


def accounts(sent: frozenset[str] = frozenset(), values: tuple[Value, ...] = ()) -> Accounts:
    explainer = Explainer(
        IdMap(values), step=0, collection="order", sent=lambda: sent, recorded_at=THEN + 5 * DAY, sent_at=NOW
    )
    return Accounts(explainer, sent, recorded=(THEN, THEN + 5 * DAY), live=(NOW - DAY, NOW))


def test_a_time_in_the_recorded_traffic_may_be_one_in_the_replay() -> None:
    made, remade, later = "2025-11-22T08:30:00Z", "2026-02-20T08:00:00Z", "2027-01-01T00:00:00Z"
    assert accounts().leaf("$.created", made, remade) == "a time of the replay"
    assert accounts(frozenset({made})).leaf("$.due", made, remade) == ""
    assert accounts().leaf("$.created", made, later) == ""
    assert accounts().leaf("$.created", later, remade) == ""


def test_what_a_client_sent_or_the_map_knows_is_never_something_made_anew() -> None:
    one, other = "8f14e45fceea167a5a36dedd4bea2543", "c9f0f895fb98ab9159f51fd0297e236d"
    assert accounts().leaf("$.token", one, other).startswith("made anew")
    assert accounts(frozenset({one})).leaf("$.token", one, other) == ""
    assert accounts(values=(Value("", one, "e4da3b7fbbce2345d7772b0674a318d5"),)).leaf("$.token", one, other) == ""
    assert accounts(values=(Value("", one, other),)).leaf("$.token", one, other) == "mapped"


def test_what_was_redacted_is_not_compared() -> None:
    reference = "{{secret:password:0123456789abcdef0123456789abcdef}}"
    assert accounts().leaf("$.password", reference, "whatever") == "redacted"


@pytest.mark.parametrize(
    ("written", "live", "agrees", "decisive"),
    [
        ({"a": 1}, {"a": 1, "id": 7}, True, False),
        ({"a": 1}, {"data": {"a": 1, "id": 7}}, True, False),
        ({"data": {"a": 1}}, {"data": {"a": 1, "id": 7}, "permissions": {}}, True, False),
        ({"a": 1}, {"a": 2, "id": 7}, False, True),
        ({"a": 1, "once": "x"}, {"a": 1}, False, False),
        ({"a": 1}, {"b": 1}, False, False),
        ({"a": 1}, [1], False, False),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2], "c": 3}}, True, False),
    ],
)
def test_a_write_is_compared_by_what_it_says(written: Any, live: Any, agrees: bool, decisive: bool) -> None:
    findings = Findings()
    ids = Ids(lambda one: one, lambda one: False)
    compare_written(written, live, accounts(), ids=ids, ignore=(), findings=findings)
    assert (findings.agrees, findings.decisive) == (agrees, decisive)


def test_a_short_text_is_content_and_no_token() -> None:
    answer = Answer(200, (), "HTTP/1.1", b"<p>9</p>", 8, b"")
    findings, ids = Findings(), Ids(lambda one: one, lambda one: False)
    compare_whole("text/html", b"<p>6</p>", answer, accounts(), ids=ids, ignore=(), findings=findings)
    assert findings.decisive


def test_what_decides_is_kept_among_many_that_do_not() -> None:
    findings = Findings()
    for number in range(30):
        findings.add(f"$.a{number}", "1", "2", why="mapped")
    findings.add("$.real", "1", "2")
    assert "$.real" in [one.where for one in findings.differences]
    assert (len(findings.differences), findings.more) == (20, 11)
