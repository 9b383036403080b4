"""Rules that can never match: every one reported is dead, and the plain cases are reported."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from entrepot_store.config import RuleConfig, Settings
from entrepot_store.rules import PathTemplate, RuleSet, Shadowed, shadowed


def rules(*written: dict[str, Any]) -> list[RuleConfig]:
    return [RuleConfig.model_validate({"name": f"r{number}", **rule}) for number, rule in enumerate(written)]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({}, {}),
        ({}, {"to": "orders", "status": 200}),
        ({"to": "*"}, {"to": "orders"}),
        ({"to": ["a", "b*"]}, {"to": ["bc", "A"]}),
        ({"from": "*a*"}, {"from": "x*a*y"}),
        ({"method": ["GET", "PUT"]}, {"method": "GET"}),
        ({"status": "4xx"}, {"status": [404, "4xx"]}),
        ({"content_type": "application/*"}, {"content_type": "application/*+json"}),
        ({"path": "/v1/**"}, {"path": "/v1/{x}/y"}),
        ({"path": "/v1/**"}, {"path": "/v1"}),
        ({"path": "/v1/**"}, {"path": "/v1/**/x/**"}),
        ({"path": "/{a}/{b}"}, {"path": "/x/{c}.json"}),
        ({"path": "/*"}, {"path": "/{a}"}),
        ({"path": "/**/x"}, {"path": ["/x", "/a/x", "/**/y/x"]}),
        ({"path": "/a*c"}, {"path": "/ab{x}bc"}),
    ],
)
def test_dead_rules_are_reported(earlier: dict[str, Any], later: dict[str, Any]) -> None:
    assert shadowed(rules(earlier, later)) == [Shadowed("r1", ("r0",))]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"to": "orders"}, {}),
        ({"to": "orders"}, {"to": "*"}),
        ({"to": "a*b"}, {"to": "a*"}),
        ({"to": "orders", "status": "2xx"}, {"to": "orders"}),
        ({"status": 404}, {"status": "4xx"}),
        ({"path": "/{a}"}, {"path": "/*"}),
        ({"path": "/v1/*"}, {"path": "/v1/**"}),
        ({"path": "/{a}"}, {"path": "/**"}),
        ({"path": "/a/**/b"}, {"path": "/a/**"}),
        ({"path": "/{a}x"}, {"path": "/x"}),
        ({"content_type": "*/*"}, {}),
        ({"method": "GET"}, {"method": ["GET", "PUT"]}),
    ],
)
def test_rules_that_can_match_are_not(earlier: dict[str, Any], later: dict[str, Any]) -> None:
    assert shadowed(rules(earlier, later)) == []


def test_the_first_that_covers_it_is_named() -> None:
    found = shadowed(rules({"to": "a"}, {"to": "*"}, {}, {"to": "a", "status": 200}))
    assert found == [Shadowed("r3", ("r0",))]
    assert str(found[0]) == "rule 'r3' can never match: rule 'r0' before it takes everything it speaks of"


@pytest.mark.parametrize(
    "together",
    [
        [{"to": "a"}, {"to": "b"}, {"to": ["a", "b"]}],
        [{"status": "2xx"}, {"status": [400, "5xx"]}, {"status": [204, 400, "5xx"]}],
        [{"path": "/a/**"}, {"path": "/b", "method": "GET"}, {"path": ["/a/x", "/b"], "method": "GET", "to": "o"}],
        [{"to": "a", "status": "2xx"}, {"to": "a", "status": "3xx"}, {"to": "*"}, {"to": ["a", "b"], "status": 200}],
    ],
)
def test_rules_that_several_cover_together_are_reported(together: list[dict[str, Any]]) -> None:
    (found,) = shadowed(rules(*together))
    assert found.rule == f"r{len(together) - 1}"
    assert len(found.by) in (1, 2)


@pytest.mark.parametrize(
    "apart",
    [
        [{"to": "a"}, {"to": "b"}, {"to": ["a", "c"]}],
        [{"status": "2xx"}, {"status": "4xx"}, {}],
        [{"status": "2xx"}, {"status": [201, 404]}],
        [{"to": "a", "method": "GET"}, {"to": "b", "method": "PUT"}, {"to": ["a", "b"], "method": ["GET", "PUT"]}],
    ],
)
def test_what_is_left_between_several_is_not(apart: list[dict[str, Any]]) -> None:
    assert shadowed(rules(*apart)) == []


def test_several_are_named() -> None:
    (found,) = shadowed(rules({"to": "a"}, {"to": "b"}, {"to": ["a", "b"]}))
    assert (
        str(found) == "rule 'r2' can never match: rules 'r0' and 'r1' before it together take everything it speaks of"
    )


pieces = st.lists(st.sampled_from(["a", "b", "*", "{}"]), max_size=3)
templates = st.lists(st.just(["**"]) | pieces, min_size=1, max_size=3)
sample_paths = st.lists(st.text("abc", max_size=3), max_size=4).map(lambda parts: "".join(f"/{part}" for part in parts))


def spelled(template: list[list[str]]) -> str:
    names = iter("abcdefghi")
    return "".join("/" + "".join(f"{{{next(names)}}}" if p == "{}" else p for p in segment) for segment in template)


@settings(max_examples=400, deadline=None)
@given(templates, templates, st.lists(sample_paths, min_size=5, max_size=30))
def test_no_rule_is_called_dead_that_can_match(
    wide: list[list[str]], narrow: list[list[str]], paths: list[str]
) -> None:
    try:
        one, other = PathTemplate.compile(spelled(wide)), PathTemplate.compile(spelled(narrow))
    except ValueError:  # neighbouring wildcards, which no rule has
        assume(False)
        raise
    if shadowed(rules({"path": one.text}, {"path": other.text})):
        assert [path for path in paths if other.matches(path) and not one.matches(path)] == []


globs = st.text("ab*", min_size=1, max_size=5)


@settings(max_examples=400, deadline=None)
@given(globs, globs, st.lists(st.text("abc", max_size=6), min_size=5, max_size=30))
def test_no_name_pattern_is_called_dead_that_can_match(wide: str, narrow: str, names: list[str]) -> None:
    written = rules({"to": wide}, {"to": narrow})
    if shadowed(written):
        compiled = RuleSet.compile(Settings(rule=tuple(written)), bytes(32))
        assert all(compiled.decide("", name, b"GET", b"/", None, 200).rule != "r1" for name in names)
