"""The id map: what is put into requests, what is read out of answers, and what a difference is put down to."""

import json
from typing import Any
from uuid import UUID

import pytest

from entrepot_replay.flow import Key
from entrepot_replay.flow.links import Make
from entrepot_replay.mapping import IdMap, Value, learn_made
from entrepot_replay.mapping.align import lined_up, live_pointer
from entrepot_replay.mapping.explain import Explainer

NOW = 1_763_800_000_000_000
# The same in every process: workers of a test run must collect the same tests.
A, B, C = (str(UUID(int=0x9D0E0F1C86A0B6D57B0A3A5694C74F26 * factor % 2**128, version=4)) for factor in (3, 5, 7))
HEX, OTHER_HEX = "8f14e45fceea167a5a36dedd4bea2543", "c9f0f895fb98ab9159f51fd0297e236d"


def explainer(idmap: IdMap | None = None, sent: frozenset[str] = frozenset(), collection: str = "order") -> Explainer:
    return Explainer(
        IdMap() if idmap is None else idmap,
        step=3,
        collection=collection,
        recorded_at=NOW,
        sent_at=NOW + 10**13,
        sent=lambda: sent,
        tentative=True,
    )


# What differences are put down to


@pytest.mark.parametrize(
    ("where", "recorded", "live"),
    [
        ("$.items", 5, 3), ("$.rooms", 5, 3), ("$.duration", 3600, 60), ("$.price_ms", 5, 3),
        ("$.total_number", 5, 7), ("$.pageNumber", 5, 7), ("$.amount", 7, 12), ("$.price", "7", "12"),
        ("$.sha", HEX, OTHER_HEX), ("$.files[0].fingerprint", HEX, OTHER_HEX),
        ("$.price", "EUR100.00", "EUR150.00"), ("$.key", f"{HEX}-EUR100", f"{HEX}-EUR150"),
        ("$.version", "1.20.3-beta4", "1.21.0-beta1"), ("$.text", "<price>7</price>", "<price>9</price>"),
        ("$.image", f"sha256:{HEX}", f"sha256:{OTHER_HEX}"),
    ],
)  # fmt: skip
def test_an_amount_or_a_digest_that_came_out_otherwise_is_no_noise(where: str, recorded: object, live: object) -> None:
    assert explainer().leaf(where, recorded, live) == ""


@pytest.mark.parametrize(
    ("recorded", "live"),
    [
        (A, B), (HEX, OTHER_HEX), ("vpc-0a1b2c3d", "vpc-99f1e2a0"), ("V1StGXR8_Z5jdHi6B-myT", "kf93Ksla-93jsSK29_sa1"),
        ("7Zx3kQ0abR", "q93HsLpe02"), ("order/7Zx3kQ0abR/x", "order/q93HsLpe02/x"),
    ],
)  # fmt: skip
def test_what_is_drawn_at_random_is_made_anew(recorded: str, live: str) -> None:
    assert explainer().leaf("$.handle", recorded, live).startswith("made anew")


@pytest.mark.parametrize("name", ["took", "took_ms", "elapsedMs", "query_latency_us"])
def test_how_long_the_service_took_is_noise_unless_a_client_sent_it(name: str) -> None:
    assert explainer().leaf(f"$.{name}", 5, 3) == "a duration"
    assert explainer(sent=frozenset({"5"})).leaf(f"$.{name}", 5, 3) == ""


def test_the_digest_of_other_content_in_a_text_is_no_noise() -> None:
    listing = "<Contents><Key>a</Key><ETag>&quot;{}&quot;</ETag></Contents><RequestId>{}</RequestId>"
    told = explainer()
    assert told.value("body", "", listing.format(HEX, A), listing.format(OTHER_HEX, B)) == ""
    assert explainer().value("body", "", listing.format(HEX, A), listing.format(HEX, B)) == "made anew: uuid"
    assert explainer().value("body", "", f"pull sha256:{HEX} done", f"pull sha256:{OTHER_HEX} done") == ""


def test_two_that_were_different_are_not_one() -> None:
    told = explainer()
    assert told.leaf("$.first.id", A, C) == "made anew: uuid"
    assert told.leaf("$.second.id", B, C) == ""
    assert told.leaf("$.again.id", A, C) == "mapped"
    assert told.leaf("$.again.id", A, B) == ""
    known = IdMap([Value("", A, C)])
    assert explainer(known).leaf("$.second.id", B, C) == ""
    assert explainer(IdMap([Value("order", "1", "7")])).leaf("$.id", 2, 7) == ""


def test_what_answers_that_disagree_suppose_is_not_learnt() -> None:
    idmap = IdMap()
    told = explainer(idmap)
    assert told.leaf("$[0].id", A, B)  # the list lost its first item
    assert idmap.live(Key("", A)) is None
    assert idmap.news(3) == ()
    told.keep()
    assert idmap.live(Key("", A)) == B
    assert idmap.news(3) == (Value("", A, B, 3, "$[0].id"),)


def test_live_secrets_are_not_among_what_is_stored() -> None:
    idmap = IdMap()
    told = explainer(idmap)
    assert told.leaf("$.access_token", HEX, OTHER_HEX)
    assert told.value("body", "", f'<input name="csrf_token" value="{A}">', f'<input name="csrf_token" value="{B}">')
    told.keep()
    assert (idmap.live(Key("", HEX)), idmap.live(Key("", A))) == (OTHER_HEX, B)
    assert idmap.news(3) == ()
    learnt: dict[str, bytes] = {}
    made = [Make("json:/token", Key("secret", "ab" * 16), "ab" * 16), Make("json:/token", Key("", C))]
    answer = json.dumps({"token": "l1ve-l1ve-l1ve"}).encode()
    _learn(made, idmap, {"token": C}, answer, learnt)
    assert learnt == {"ab" * 16: b"l1ve-l1ve-l1ve"}
    assert idmap.live(Key("", C)) == "l1ve-l1ve-l1ve"
    assert idmap.news(0) == ()


# The map


def test_what_a_step_learnt_is_stored_with_its_own_outcome() -> None:
    idmap = IdMap()
    idmap.learn(Key("", A), B, step=1, where="json:/id")
    idmap.miss(Key("order", "7"), step=2, where="path:1")
    assert [value.step for value in idmap.news(2)] == [2]
    assert [value.step for value in idmap.news(1)] == [1]
    assert idmap.news(1) == ()


def _learn(makes: list[Make], idmap: IdMap, recorded: Any, live: bytes, learnt: dict[str, bytes] | None = None) -> None:
    secrets: dict[str, bytes] = {} if learnt is None else learnt
    learn_made(
        *(makes, b"/orders", (), "application/json", live),
        step=0,
        idmap=idmap,
        recorded_body=lambda: json.dumps(recorded).encode(),
        learned=secrets.__setitem__,
    )


# Lists


def place(recorded: list[Any], live: list[Any], index: int) -> str | None:
    return live_pointer(recorded, live, f"/{index}/id", str)


def test_an_item_that_did_not_come_back_does_not_get_the_id_of_another() -> None:
    recorded = [
        {"id": 1, "name": "tea", "state": "new", "price": 2},
        {"id": 2, "name": "coffee", "state": "new", "price": 3},
    ]
    live = [{"id": 40, "name": "coffee", "state": "new", "price": 3}]
    assert (place(recorded, live, 0), place(recorded, live, 1)) == (None, "/0/id")
    grown = [{"id": 9, "name": "milk", "state": "old", "price": 1}, *live]
    assert (place(recorded, grown, 0), place(recorded, grown, 1)) == (None, "/1/id")
    assert place(recorded, [], 0) is None


def test_items_are_found_in_another_order_and_small_ids_mislead_nobody() -> None:
    recorded = [{"id": 1, "name": "tea"}, {"id": 2, "name": "coffee"}, {"id": 3, "name": "milk"}]
    live = [{"id": 1, "name": "milk"}, {"id": 3, "name": "tea"}, {"id": 2, "name": "coffee"}]
    assert [place(recorded, live, index) for index in range(3)] == ["/1/id", "/2/id", "/0/id"]
    assert lined_up(recorded, live, str)[0] == [live[1], live[2], live[0]]


def test_of_items_that_are_alike_only_the_one_at_its_place_is_taken() -> None:
    recorded = [{"id": 1, "kind": "a"}, {"id": 2, "kind": "a"}, {"id": 3, "kind": "a"}]
    assert place(recorded, [{"id": 7, "kind": "a"}, {"id": 8, "kind": "a"}, {"id": 9, "kind": "a"}], 2) == "/2/id"
    assert place(recorded, [{"id": 7, "kind": "a"}, {"id": 8, "kind": "a"}], 2) is None
    assert place([{"id": 1}, {"id": 2}], [{"id": 7}, {"id": 8}], 1) == "/1/id"
    assert place([{"id": 1}, {"id": 2}], [{"id": 7}], 0) is None


def test_swapped_references_are_told() -> None:
    idmap = IdMap([Value("", A, B), Value("", C, HEX)])
    recorded = [{"name": "x", "of": A}, {"name": "y", "of": C}]
    live = [{"name": "x", "of": HEX}, {"name": "y", "of": B}]
    told = explainer(idmap)
    assert "" in [told.leaf("$[0].of", A, told.lined_up(recorded, live)[0][0]["of"]), told.leaf("$[0].name", "x", "y")]


def test_hostile_lists_are_lined_up_in_time() -> None:
    recorded = [{"rows": [{"n": one, "m": 1} for one in range(300)]} for _ in range(100)]
    live = [{"rows": [{"n": -one, "m": 2} for one in range(300)]} for _ in range(100)]
    assert len(lined_up(recorded, live, str)[0]) == 100


def test_the_ids_of_a_long_list_are_learnt_in_time() -> None:
    def items(first: int) -> list[dict[str, Any]]:
        return [{"id": first + one, "name": f"n{one}", "state": "new", "kind": "a"} for one in range(600)]

    recorded, live = items(0), items(3)[::-1]
    idmap = IdMap()
    makes = [Make(f"json:/{one}/id", Key("order", str(one))) for one in range(600)]
    _learn(makes, idmap, recorded, json.dumps(live).encode())
    assert all(idmap.live(Key("order", str(one))) == str(one + 3) for one in range(600))


def test_one_more_element_in_front_shifts_nothing() -> None:
    def learnt(live: bytes) -> str | None:
        idmap = IdMap()
        learn_made(
            [Make("xml:vpcId#1", Key("", "vpc-0a1b2c3d"))],
            *(b"/", (), "text/xml", live),
            step=0,
            idmap=idmap,
            recorded_body=lambda: b"<R><vpcId>default</vpcId><vpcId>vpc-0a1b2c3d</vpcId></R>",
            learned=lambda _digest, _value: None,
        )
        return idmap.live(Key("", "vpc-0a1b2c3d"))

    two = b"<R><vpcId>default</vpcId><vpcId>vpc-99f1e2a0</vpcId>%s</R>"
    assert learnt(two % b"") == "vpc-99f1e2a0"
    assert learnt(two % b"<vpcId>vpc-11111111</vpcId>") is None
