"""What contents are compared by, judged by the RFC 8785 library and by what people would call the same."""

import json
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.documents.canonical import canonical_json, is_json
from entrepot_store.jsonpaths import compile_path

SAFE = 2**53 - 1
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=12,
)


@given(JSON)
def test_it_is_rfc_8785(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        assert canonical_json(text.encode()).digest == sha256(rfc8785.dumps(value)).digest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": [1, 2]}', '{"b":[1,2],"a":1}'),
        ('{"a": 1}', '{"a": 1.0}'),
        ('{"a": 1e2}', '{"a": 100}'),
        ('"\\u00e9"', '"é"'),
        ("\ufeff[1]", "[1]"),
        ('{"n": 9007199254740993}', '{ "n": 9007199254740993 }'),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert canonical_json(one.encode()) == canonical_json(other.encode())


@pytest.mark.parametrize(
    "value",
    [
        [
            1e21,
            1e20,
            1e16,
            123456789012345680.0,
            2.0**53,
            -(2.0**53),
            1e-4,
            1e-5,
            1e-6,
            1e-7,
            5e-324,
            1.7976931348623157e308,
        ],
        [0.1, -0.0, 0.0, 4.5, 333333333.33333329, 1e-27, 9007199254740991.0, 0.30000000000000004],
        {"\U0001f600": 1, "\uffff": 2, "a": 3},
        {"\ue000": 1, "\U00010000": {"\uf8ff": 1, "\U0010ffff": 2}},
        {"😀": "only beyond", "b": 1},
    ],
)
def test_what_python_spells_or_sorts_otherwise(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert canonical_json(text.encode()).digest == sha256(rfc8785.dumps(value)).digest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[1, 2]", "[2, 1]"),
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": null}', "{}"),
        ('{"n": 9007199254740993}', '{"n": 9007199254740992}'),
        ('{"n": 9007199254740993, "f": 0.5}', '{"n": 9007199254740992, "f": 0.5}'),
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert canonical_json(one.encode()).digest != canonical_json(other.encode()).digest


@pytest.mark.parametrize("data", [b"{", b"", b"NaN", b"[1,]", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json_is_compared_as_bytes_and_marked(data: bytes) -> None:
    found = canonical_json(data)
    assert found.malformed
    assert found.digest == sha256(data).digest()


def test_ignored_fields_make_no_difference() -> None:
    ignore = (compile_path("$.served_at"), compile_path("$.items[*].etag"))
    one = canonical_json(b'{"served_at": 1, "items": [{"id": 1, "etag": "x"}]}', ignore)
    other = canonical_json(b'{"items": [{"etag": "y", "id": 1}], "served_at": 2.5}', ignore)
    changed = canonical_json(b'{"items": [{"etag": "y", "id": 2}], "served_at": 2}', ignore)
    assert one.digest == other.digest != changed.digest


def test_media_types() -> None:
    assert is_json("application/json; charset=utf-8")
    assert is_json("Application/Problem+JSON")
    assert not is_json("application/x-ndjson")
    assert not is_json("")
