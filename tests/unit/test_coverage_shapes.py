"""Shapes of payloads, how they change, and which of their fields are noise."""

import json
from collections.abc import Sequence
from typing import Any

from entrepot_store.coverage import shapes
from entrepot_store.coverage.noise import noisy
from entrepot_store.coverage.shapes import changes, fields_of, schema_of
from entrepot_store.jsonpaths import compile_path


def changed(*bodies: Any) -> list[tuple[int, str, str]]:
    history = [(hour, schema_of("application/json", json.dumps(body).encode())) for hour, body in enumerate(bodies)]
    return [(change.at, change.field, change.kind) for change in changes(history)]


def test_fields_that_come_go_and_change_their_type() -> None:
    old, new = {"a": 1, "b": {"c": [1]}}, {"b": {"c": ["x"], "d": None}, "e": {"f": {"g": 1}}}
    assert changed(*[old] * 3, *[new] * 3) == [
        (3, "$.a", "removed"),
        (3, "$.b.c[*]", "retyped"),
        (3, "$.b.d", "added"),
        (3, "$.e", "added"),  # and not what it holds as well
    ]


def test_what_comes_and_goes_is_no_change() -> None:
    one, other = {"a": 1, "b": 2.5, "l": [{"x": 1}]}, {"a": None, "b": 2, "l": []}
    assert changed(*[one, other] * 6) == []
    assert changed(*[one] * 6, *[other] * 6, *[one] * 2) == []
    assert changed({"a": 1}, {"a": 1}, {"a": 1, "new": 2}) == []  # too early to tell
    assert changed(*[{"a": 1}] * 5, {}, {}) == []


def test_a_body_that_is_no_json_has_no_shape() -> None:
    for content_type, body in (
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"a": '),
        ("application/json", b"\xff\xfe\xfd"),
        ("application/json", b""),
        ("text/csv", b"{}"),
        ("application/json", b'{"a": "' + b"x" * shapes.LONGEST + b'"}'),
    ):
        assert schema_of(content_type, body) is None


def test_a_shape_is_bounded_and_the_same_for_the_same_shape() -> None:
    many = schema_of("application/json", json.dumps({f"name{number}": {"x": 1} for number in range(5000)}).encode())
    assert many is not None
    assert len(fields_of(many)) <= shapes.MOST_FIELDS + 1
    deep = schema_of("application/vnd.x+json", b'{"a":' * 500 + b"1" + b"}" * 500)
    assert deep is not None
    assert len(fields_of(deep)) == shapes.DEEPEST + 1
    by_id = [schema_of("application/json", b'{"%d": {"a": 1}, "b": 1}' % number) for number in (7, 8)]
    assert by_id[0] == by_id[1] == schema_of("application/json", b'{"b": 1, "9": {"a": 2}}')


def test_fields_are_named_by_paths_that_compile() -> None:
    odd = {"it's": 1, 'a"b': 1, "x.y": {"z": 1}, "": 1, "é\\": 1, "7": 1, "{a}": 1, "a b": [{"c": 1}]}
    schema = schema_of("application/json", json.dumps(odd).encode())
    assert schema is not None
    fields = fields_of(schema)
    assert "$['it\\'s']" in fields
    for name in fields:
        found = compile_path(name).find(odd)
        assert found, name


def noise(*histories: Sequence[Any]) -> dict[str, str]:
    return {field.path: field.looks_like for field in noisy(histories)}


def test_noise_is_what_differs_every_time_and_nobody_sets() -> None:
    def look(number: int, **more: Any) -> dict[str, Any]:
        return {
            "served_at": f"2026-11-22T08:00:{number:02}Z",
            "epoch": 1_790_000_000 + number,
            "request": {"id": f"8c5b4c1e-8a57-5d0c-9d0e-0f1c86a0b6{number:02x}"},
            "items": [
                {"sig": f"{number}ab/cdEF+{number * 7919:012}=="},
                {"sig": f"{number}xy/cdEF+{number * 31:012}=="},
            ],
            "took": number / 7,
            "balance": number,
            "name": f"person {number}",
            "steady": "2026-01-01T00:00:00Z",
            **more,
        }

    assert noise([look(number) for number in range(4)]) == {
        "$.epoch": "a timestamp",
        "$.items[*].sig": "a random or signed value",
        "$.request.id": "an id made for the occasion",
        "$.served_at": "a timestamp",
        "$.took": "what its name says",
    }
    # Once the same, and it is no noise; and two pairs are too few.
    assert "$.served_at" not in noise([look(1), look(2), look(3), look(4, served_at="2026-11-22T08:00:03Z")])
    assert noise([look(1), look(2), look(3)]) == {}
    assert set(noise([look(1), look(2), look(3)], [look(5), look(6)])) >= {"$.served_at", "$.request.id"}
    # A field that no rule could name is not proposed.
    unnamed = [
        {"\x01" * 9: f"2026-11-22T08:00:0{number}Z", "x" * 2000: f"2026-11-22T08:00:0{number}Z"} for number in range(5)
    ]
    assert noise(unnamed) == {}
