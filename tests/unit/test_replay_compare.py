"""Verdicts: what makes an answer identical, different, failed or unknown, and what the reasons say."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_replay.answer import HELD, Answer, read_body
from entrepot_replay.compare import MAX_DIFFERENCES, MAX_TEXT, Comparison, compare
from entrepot_replay.jsondiff import json_differences, parse_json
from entrepot_replay.target import Target
from entrepot_store.catalog import ExchangeRow, MessageRow
from entrepot_store.catalog.replays import Verdict
from entrepot_store.model import Action, Headers, exchange_id
from entrepot_store.redact import reference_for

NOW = 1_763_800_000_000_000
TARGET = Target("http", "127.0.0.1", 9002, "/tenant")
JSON = (b"Content-Type", b"application/json")


def compared(
    recorded: bytes,
    live: bytes,
    *,
    headers: Headers = (JSON,),
    live_headers: Headers = (JSON,),
    status: int = 200,
    live_status: int = 200,
    truncated: bool = False,
) -> Comparison:
    content_type = next((value.decode() for name, value in headers if name.lower() == b"content-type"), "")
    request = MessageRow((), "application/json", 2, bytes(32), 0, 10)
    response = MessageRow(headers, content_type, len(recorded), sha256(recorded).digest(), 0, 10, truncated=truncated)
    row = ExchangeRow(
        *(exchange_id(NOW), NOW, 1000, "billing", "orders", "PUT", "http://orders:81/v1/x", "/v1/x", status),
        *("HTTP/1.1", "default", Action.CAPTURE, "default", not truncated, None, None, "segment", request, response),
    )
    answer = Answer(live_status, live_headers, "HTTP/1.1", live, len(live), sha256(live).digest())
    return compare(row, answer, TARGET, lambda: recorded)


def wheres(found: Comparison) -> list[str]:
    return [difference.where for difference in found.differences]


def test_equal_answers_are_identical() -> None:
    assert compared(b'{"a": 1}', b'{"a": 1}') == Comparison(Verdict.IDENTICAL)


def test_json_is_compared_by_structure() -> None:
    assert compared(b'{"a": 1, "b": [1.0, "\\u00e9"]}', '{"b":[1,"é"],"a":1e0}'.encode()).verdict is Verdict.IDENTICAL


@pytest.mark.parametrize(
    ("recorded", "live", "where", "texts"),
    [
        ('{"a": 1}', '{"a": 2}', "$.a", ("1", "2")),
        ('{"a": 1}', '{"a": "1"}', "$.a", ("1", '"1"')),
        ('{"a": 1}', '{"a": true}', "$.a", ("1", "true")),
        ('{"a": 0}', '{"a": false}', "$.a", ("0", "false")),
        ('{"a": null}', "{}", "$.a", ("null", "(absent)")),
        ("{}", '{"a b": 1}', '$["a b"]', ("(absent)", "1")),
        ("[1, 2]", "[1]", "$.length", ("2", "1")),
        ('[{"x": [1, 2]}]', '[{"x": [1, 3]}]', "$[0].x[1]", ("2", "3")),
        ("123456789012345678", "123456789012345680", "$", ("123456789012345678", "123456789012345680")),
        ("0.1", "0.10000000000000001", "$", ("0.1", "0.10000000000000001")),
        ('{"token": "abc"}', '{"token": "def"}', "$.token", ("(not shown)", "(not shown)")),
        ('{"access_token": {"v": 1}}', '{"access_token": {"v": 2}}', "$.access_token.v", ("(not shown)",) * 2),
        ("{}", '{"a": {"password": "p", "b": 1}}', "$.a", ("(absent)", '{"password": "(not shown)", "b": 1}')),
    ],
)
def test_differences_are_named_by_field(recorded: str, live: str, where: str, texts: tuple[str, str]) -> None:
    found = compared(recorded.encode(), live.encode())
    assert found.verdict is Verdict.DIFFERENT
    assert wheres(found) == [where]
    assert (found.differences[0].recorded, found.differences[0].live) == texts


def test_reasons_are_bounded() -> None:
    many = {str(number): "x" * 5000 for number in range(100)}
    found = compared(json.dumps(many).encode(), json.dumps(dict.fromkeys(many, "y" * 5000)).encode())
    assert len(found.differences) == MAX_DIFFERENCES
    assert found.more == 100 - MAX_DIFFERENCES
    assert all(len(one.recorded) <= MAX_TEXT for one in found.differences)


def test_other_bodies_are_compared_by_their_bytes() -> None:
    text = ((b"Content-Type", b"text/csv"),)
    found = compared(b"a,b\n1,2\n", b"a,b\n1,3\n", headers=text, live_headers=text)
    assert found.verdict is Verdict.DIFFERENT
    assert found.differences[0].recorded == "8 bytes, first difference at byte 6"


def test_a_body_that_only_claims_to_be_json_is_compared_by_its_bytes() -> None:
    assert wheres(compared(b"{not json", b"{nor this")) == ["body"]
    assert compared(b"{not json", b"{not json").verdict is Verdict.IDENTICAL


def test_hostile_nesting_is_compared_somehow() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert compared(deep, deep[:-1] + b" ]").verdict is Verdict.DIFFERENT
    legal = b"[" * 900 + b"]" * 900
    assert compared(legal, b"[" * 900 + b"1" + b"]" * 900).verdict is Verdict.DIFFERENT


@pytest.mark.parametrize("live", [400, 404, 409, 500, 503])
def test_a_write_that_is_now_refused_has_failed(live: int) -> None:
    found = compared(b"{}", b'{"error": 1}', status=201, live_status=live)
    assert found.verdict is Verdict.FAILED
    assert found.reason == f"the target answered {live}"
    assert wheres(found) == ["status", "$.error"]


def test_another_success_is_different() -> None:
    assert compared(b"{}", b"{}", status=201, live_status=200).verdict is Verdict.DIFFERENT


def test_a_failure_that_fails_alike_is_identical() -> None:
    assert compared(b"{}", b"{}", status=409, live_status=409).verdict is Verdict.IDENTICAL


def test_the_media_type_decides() -> None:
    found = compared(b"{}", b"{}", live_headers=((b"content-type", b"text/html"),))
    assert wheres(found) == ["header content-type"]
    assert compared(b"{}", b"{}", live_headers=((b"content-type", b"Application/JSON ;"),)).verdict is Verdict.IDENTICAL


@pytest.mark.parametrize(
    ("recorded", "live", "same"),
    [
        (b"/v1/x/1", b"/v1/x/1", True),
        (b"/v1/x/1", b"/v1/x/2", False),
        (b"http://orders:81/v1/x/1", b"http://127.0.0.1:9002/tenant/v1/x/1", True),  # each relative to its server
        (b"http://orders:81/v1/x/1", b"/tenant/v1/x/1", True),
        (b"/v1/x/1", b"https://elsewhere/v1/x/1", False),
        (b"/v1/x/1", None, False),
        (None, b"/v1/x/1", False),
    ],
)
def test_a_location_decides(recorded: bytes | None, live: bytes | None, same: bool) -> None:
    found = compared(
        b"{}",
        b"{}",
        headers=(JSON, *(((b"Location", recorded),) if recorded else ())),
        live_headers=(JSON, *(((b"location", live),) if live else ())),
    )
    assert found.verdict is (Verdict.IDENTICAL if same else Verdict.DIFFERENT)


def test_a_redacted_part_of_a_location_is_not_compared_and_not_shown() -> None:
    reference = reference_for(bytes(32), "code", b"x")
    recorded = (JSON, (b"Location", b"/cb?code=" + reference + b"&state=1"))
    same = compared(b"{}", b"{}", headers=recorded, live_headers=(JSON, (b"Location", b"/cb?code=live&state=1")))
    assert same.verdict is Verdict.IDENTICAL
    other = compared(b"{}", b"{}", headers=recorded, live_headers=(JSON, (b"Location", b"/cb?code=live&state=2")))
    assert other.verdict is Verdict.DIFFERENT
    assert "live&" not in str(other.differences)


def test_an_etag_is_reported_and_does_not_decide() -> None:
    found = compared(b"{}", b"{}", headers=(JSON, (b"ETag", b'"1"')), live_headers=(JSON, (b"etag", b'"2"')))
    assert found.verdict is Verdict.IDENTICAL
    assert [(one.where, one.decisive) for one in found.differences] == [("header etag", False)]


def test_what_was_not_recorded_whole_is_unknown() -> None:
    assert compared(b'{"a"', b'{"a": 1}', truncated=True).verdict is Verdict.UNKNOWN
    assert compared(b'{"a"', b'{"a": 1}', truncated=True, live_status=201).verdict is Verdict.DIFFERENT


def test_no_recorded_answer_is_unknown() -> None:
    request = MessageRow((), "", 0, bytes(32), 0, 10)
    row = ExchangeRow(
        *(exchange_id(NOW), NOW, 1, "billing", "orders", "PUT", "http://orders/x", "/x", None, "HTTP/1.1"),
        *("default", Action.CAPTURE, "default", False, "refused", None, "segment", request, None),
    )
    answer = Answer(200, (), "HTTP/1.1", b"", 0, sha256().digest())
    assert compare(row, answer, TARGET, bytes).verdict is Verdict.UNKNOWN


def test_a_body_too_long_to_hold_is_compared_by_its_digest() -> None:
    pieces = [b"x" * 1_000_000] * 9
    held, size, digest, undecodable = read_body((), pieces)
    assert (held, size, undecodable) == (None, 9_000_000, "")
    assert digest == sha256(b"".join(pieces)).digest()
    assert size > HELD


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_a_document_has_no_difference_from_another_spelling_of_itself(value: Any) -> None:
    one = parse_json("application/json", json.dumps(value).encode())
    other = parse_json("application/x+json", json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace"))
    assert one is not None
    if "\\ud" not in json.dumps(value):  # lone surrogates have no other spelling
        assert other is not None
        assert list(json_differences(one.value, other.value)) == []


@given(json_values, json_values)
def test_documents_without_a_difference_are_equal(one: Any, other: Any) -> None:
    parsed = [parse_json("application/json", json.dumps(value).encode()) for value in (one, other)]
    assert parsed[0] is not None
    assert parsed[1] is not None
    if not list(json_differences(parsed[0].value, parsed[1].value)):
        # Serialised with sorted keys and numbers as decimals, they are the same text.
        texts = [json.dumps(item.value, sort_keys=True, default=float) for item in parsed]
        assert json.loads(texts[0]) == json.loads(texts[1])


def test_an_answer_with_an_unknown_coding_is_kept_as_it_came() -> None:
    held, size, _, undecodable = read_body(((b"Content-Encoding", b"x-own"),), [b"ab", b"cd"])
    assert (held, size) == (b"abcd", 4)
    assert "x-own" in undecodable
