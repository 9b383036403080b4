"""What is put into a request, and that nothing else is touched."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot_replay.flow import Analysis, Flow, Key, Use, request_parts, response_parts
from entrepot_replay.mapping import IdMap, Substitution, Value, substitute
from entrepot_replay.mapping.jsonspans import leaves
from entrepot_store.model import exchange_id

A, B = "7b0a3a56-94c7-4f26-9d0e-0f1c86a0b6d5", "16fd2706-8baf-433b-82eb-8c7fada847da"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


def followed(
    made: dict[str, Any],
    path: str,
    body: bytes | None,
    kind: str = JSON,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> tuple[Use, ...]:
    """The uses in a request that follows an answer to `POST /orders`."""
    analysis = Analysis()
    one, two = exchange_id(1), exchange_id(2)
    analysis.see(one, (), response_parts(b"/orders", (), JSON, json.dumps(made).encode()), writes=True)
    analysis.see(two, request_parts(path.encode(), headers, kind, body), (), writes=True)
    return analysis.flows({one: 0, two: 1}, set()).get(two, Flow()).uses


def sent(
    ids: dict[str, str],
    uses: tuple[Use, ...],
    path: str,
    body: bytes | None = None,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> tuple[str, bytes | None, list[tuple[bytes, bytes]]]:
    changes = [Substitution(use, ids[use.text]) for use in uses]
    done = substitute(path.encode(), headers, body, changes)
    assert not done.missed
    return done.path.decode(), done.body, done.headers


@given(documents)
def test_every_leaf_is_where_its_pointer_leads(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    for leaf in leaves(text):
        found = json.loads(text)
        for step in leaf.pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found[name]
        assert json.loads(text[leaf.start : leaf.end]) == found
        assert leaf.string == (found if isinstance(found, str) else None)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["id", "order_id", "note", "x/y", "p|q"]), documents, max_size=4))
def test_what_is_replaced_by_itself_changes_no_byte(value: dict[str, Any]) -> None:
    value = {**value, "order_id": 7, "url": f"/orders/7?x={A}", "ids": [A, "7"]}
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    path, headers = f"/orders/7;v=1/a%2fb?q=%37&r=a+b&order_id=7&s={A}#x", ((b"X-Order-Id", b" 7"), (b"Cookie", b"a=7"))
    uses = followed({"id": 7, "other_id": A}, path, body, headers=headers)
    assert len(uses) >= 5
    done = substitute(path.encode(), headers, body, [Substitution(use, use.text) for use in uses])
    assert (done.path.decode(), done.body, tuple(done.headers)) == (path, body, headers)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"order_id": 7, "price": 7, "name": "7"}, {"order_id": 40, "price": 7, "name": "7"}),
        ({"order_ids": [7, 8], "amounts": [7, 8]}, {"order_ids": [40, 7], "amounts": [7, 8]}),
        ({"ids": [7, 8]}, {"ids": [40, 7]}),
        ({"order_ids": "7,8", "sizes": "7,8"}, {"order_ids": "40,7", "sizes": "7,8"}),
        ({"path": "/v1/orders/7?limit=7&order_id=8"}, {"path": "/v1/orders/40?limit=7&order_id=7"}),
        ({"payload": '{"order_id": 7, "price": 7.0, "n": 8}'}, {"payload": '{"order_id": 40, "price": 7.0, "n": 8}'}),
        ({"note": "order-7 costs 7"}, {"note": "order-7 costs 7"}),
        ({"id": "7b0a3a56", "word": f"x{A}", "see": f"<{A}>"}, {"id": "7b0a3a56", "word": f"x{A}", "see": f"<{B}>"}),
    ],
)
def test_small_ids_and_prices_in_one_body(body: dict[str, Any], expected: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    uses = followed({"items": [{"id": 7}, {"id": 8}], "token": A}, "/orders", raw)
    assert json.loads(sent({"7": "40", "8": "7", A: B}, uses, "/orders", raw)[1] or b"") == expected


def test_a_live_value_is_not_taken_for_another_recorded_one() -> None:
    made = {"orders": [{"id": 1}, {"id": 2}], "line": {"id": 2}}
    batch = b'{"path": "/orders/1/lines/2?limit=2"}'
    uses = followed(made, "/batch", batch)
    changes = [Substitution(use, {"1": "2", "2": "3"}[use.text]) for use in uses]
    assert substitute(b"/batch", (), batch, changes).body == b'{"path": "/orders/2/lines/3?limit=2"}'
    numbers = b"10000001,10000002;10000002x"
    uses = followed({"a": 10000001, "b": 10000002}, "/x", numbers, "text/plain")
    next_ones = {"10000001": "10000002", "10000002": "10000003"}
    tokens = [Substitution(Use(f"text#{at}", Key("", one), one, 0), next_ones[one]) for at, one in enumerate(next_ones)]
    assert substitute(b"/x", (), numbers, tokens).body == b"10000002,10000003;10000002x"


def test_json_under_base64_keeps_its_prices() -> None:
    hidden = b64encode(b'{"order_id": 7, "price": 7, "pad": "......"}').decode()
    raw = json.dumps({"state": hidden}).encode()
    uses = followed({"id": 7}, "/x", raw)
    expected = b64encode(b'{"order_id": 40, "price": 7, "pad": "......"}').decode()
    assert json.loads(sent({"7": "40"}, uses, "/x", raw)[1] or b"") == {"state": expected}


def test_paths_queries_forms_cookies_and_validators() -> None:
    path = "/orders/7/lines?order_id=%37&limit=7&name=a%20b"
    uses = followed({"id": 7}, path, None)
    assert sent({"7": "40"}, uses, path)[0] == "/orders/40/lines?order_id=40&limit=7&name=a%20b"
    form = b"order_id=7&amount=7&order_id=7"
    assert sent({"7": "a&b"}, followed({"id": 7}, "/x", form, FORM), "/x", form)[1] == (
        b"order_id=a%26b&amount=7&order_id=a%26b"
    )
    cookies = ((b"cookie", f"a={A}; b=x{A}".encode()), (b"cookie", f"c={A}".encode()))
    uses = followed({"token": A}, "/x", None, headers=cookies)
    assert sent({A: B}, uses, "/x", None, cookies)[2] == [
        (b"cookie", f"a={B}; b=x{A}".encode()), (b"cookie", f"c={B}".encode()),
    ]  # fmt: skip
    tags = ((b"If-None-Match", b'"1", W/"1-2", W/"2"'),)
    changes = [
        Substitution(Use(f"header:if-none-match#{at}", Key("etag /x", one), one, 0), live)
        for at, one, live in ((0, "1", "2"), (2, "2", "3"))
    ]
    assert substitute(b"/x", tags, None, changes).headers == [(b"If-None-Match", b'"2", W/"1-2", W/"3"')]


def test_xml_stays_well_formed_and_json_numbers_stay_numbers() -> None:
    raw = b'<?xml version="1.0"?><R><OrderId>7</OrderId><Price>7</Price><a:OrderId xmlns:a="x"> 7 </a:OrderId></R>'
    uses = followed({"id": 7}, "/x", raw, "application/xml")
    assert sent({"7": "<&"}, uses, "/x", raw)[1] == (
        b'<?xml version="1.0"?><R><OrderId>&lt;&amp;</OrderId><Price>7</Price>'
        b'<a:OrderId xmlns:a="x"> &lt;&amp; </a:OrderId></R>'
    )
    for live, text in (("007", b'{"order_id":"007"}'), ("-4", b'{"order_id":-4}'), ("x", b'{"order_id":"x"}')):
        assert sent({"7": live}, followed({"id": 7}, "/x", b'{"order_id":7}'), "/x", b'{"order_id":7}')[1] == text


def test_a_lone_surrogate_beside_an_id_breaks_nothing() -> None:
    raw = '{"é": 1, "note": "\\ud800 {A}"}'.replace("{A}", A).encode()
    done = sent({A: B}, followed({"token": A}, "/x", raw), "/x", raw)[1]
    assert json.loads(done or b"") == {"é": 1, "note": f"\ud800 {B}"}


def test_multipart_fields_and_what_is_missed() -> None:
    raw = (
        b'--x\r\nContent-Disposition: form-data; name="order_id"\r\n\r\n7\r\n'
        b'--x\r\nContent-Disposition: form-data; name="amount"\r\n\r\n7\r\n--x--\r\n'
    )
    kind = "multipart/form-data; boundary=x"
    made = sent({"7": "40"}, followed({"id": 7}, "/x", raw, kind), "/x", raw)[1] or b""
    assert (made.count(b"\r\n40\r\n"), made.count(b"\r\n7\r\n")) == (1, 1)
    gone = Substitution(Use("json:/order_id", Key("order", "7"), "7", 0), "40")
    assert substitute(b"/x", (), b'{"order_id": 8, "n": 7}', [gone]).missed == (gone,)


def test_a_hostile_multipart_body_is_read_in_time() -> None:
    body = b'name="x"\r\n' * 60_000
    assert sum(1 for _ in request_parts(b"/x", (), "multipart/form-data", body)) < 10


def test_a_uuid_in_capitals_is_the_same_one() -> None:
    uses = followed({"id": A}, f"/orders/{A.upper()}", None)
    assert [(use.key, use.text) for use in uses] == [(Key("", A), A.upper())]
    assert sent({A.upper(): B}, uses, f"/orders/{A.upper()}")[0] == f"/orders/{B}"
    assert IdMap([Value("", A.upper(), B)]).translate(f"see {A}, {A.upper()}") == f"see {B}, {B}"
