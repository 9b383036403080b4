"""JSONPath as rules use it: found, replaced, removed; and what is refused says where it is wrong."""

from typing import Any

import pytest

from entrepot_store.jsonpaths import DEEPEST, TooDeep, compile_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.b", "'a.b' is not a JSONPath: it does not begin with $"),
        ("$.a[", "'$.a[' is not a JSONPath: unexpected end of query at its end"),
        ("$.a | $.b", "'$.a | $.b' is not a JSONPath: unexpected token '|' at character 5"),
        ("$.a[?match(@.b, '(a+)+')]", "function 'match' is not defined at character 6"),
        ("$[99999999999999999999]", "index out of range at character 3"),
        ("$" + ".a" * 600, "a JSONPath has at most 1000 characters; this one has 1201"),
    ],
)
def test_a_malformed_path_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        compile_path(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("path", "data", "found"),
    [
        ("$.a.b", {"a": {"b": None}}, [None]),
        ("$..id", {"id": 1, "a": [{"id": 2}]}, [1, 2]),
        ("$.a[?@.k == 'x'].v", {"a": [{"k": "x", "v": 1}, {"k": "y", "v": 2}]}, [1]),
        ("$.a[0:2]", {"a": "a text is no list"}, []),
        ("$[0:1][0:1]", "neither is this", []),
        ("$", '{"a": 1}', ['{"a": 1}']),
    ],
)
def test_find(path: str, data: Any, found: list[Any]) -> None:
    assert compile_path(path).find(data) == found


def test_replacing_takes_the_outermost_and_each_once() -> None:
    data = {"t": {"t": 1}, "l": [{"t": 2}, 3]}
    assert compile_path("$..t").replace(data, lambda value: f"<{value}>") == {"t": "<{'t': 1}>", "l": [{"t": "<2>"}, 3]}
    assert compile_path("$['a','a']").replace({"a": 1}, lambda value: value + 1) == {"a": 2}
    assert compile_path("$").replace("all", lambda _: "x") == "x"


def test_removing_items_does_not_move_the_others_away() -> None:
    assert compile_path("$.a[0,2,-1]").remove({"a": [0, 1, 2, 3, 4]}) == {"a": [1, 3]}
    assert compile_path("$..t").remove({"t": {"t": 1}, "l": [{"t": 2, "u": 3}]}) == {"l": [{"u": 3}]}
    assert compile_path("$").remove({"a": 1}) is None


def test_nesting_without_end_is_refused() -> None:
    data: dict[str, Any] = {}
    inner = data
    for _ in range(DEEPEST + 1):
        inner["x"] = inner = {}
    with pytest.raises(TooDeep, match=r"the data is nested too deeply for \$\.\.t"):
        compile_path("$..t").find(data)
