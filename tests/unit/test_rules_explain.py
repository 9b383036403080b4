"""Explaining a decision says what deciding does; what is not known depends, and only that."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot_store.config import RuleConfig, Settings
from entrepot_store.rules import RuleSet
from entrepot_store.rules.explain import Facts, Outcome, explain

NAMES = ["orders", "Billing", "10.0.0.1"]
TYPES = ["application/json", "text/csv", ""]
PATHS = ["/v1/a", "/v1/a/b", "/", "/v2/%C3"]
optional = {
    "from": st.sampled_from(["orders", "b*", "*"]),
    "to": st.lists(st.sampled_from(["orders", "billing", "10.*"]), min_size=1, max_size=2),
    "method": st.sampled_from(["GET", "put"]),
    "path": st.sampled_from(["/v1/{x}", "/v1/**", "/*"]),
    "content_type": st.sampled_from(["application/*", "text/csv"]),
    "status": st.sampled_from([200, "4xx"]),
}
rule = st.fixed_dictionaries({}, optional=optional)


def compiled(written: list[dict[str, Any]]) -> tuple[tuple[RuleConfig, ...], RuleSet]:
    rules = tuple(RuleConfig.model_validate({"name": f"r{number}", **one}) for number, one in enumerate(written))
    return rules, RuleSet.compile(Settings(rule=rules), bytes(32))


@settings(max_examples=200)
@given(
    st.lists(rule, max_size=4),
    st.tuples(*(st.sampled_from(values) for values in (NAMES, NAMES, ["GET", "put"], PATHS, TYPES))),
    st.sampled_from([0, 200, 404]),
)
def test_it_explains_what_is_decided(
    written: list[dict[str, Any]], facts: tuple[str, str, str, str, str], status: int
) -> None:
    rules, ruleset = compiled(written)
    source, destination, method, path, content_type = facts
    decided = ruleset.decide(
        source, destination, method.encode(), path.encode(), content_type.encode() or None, status or None
    )
    known = explain(rules, Facts(destination, path + "?q=1", method, source, content_type, status))
    assert (known.decides.name, known.may_decide) == (decided.rule, ())
    in_part = explain(rules, Facts(destination, path, method, source))
    assert decided.rule in {in_part.decides.name, *(rule.name for rule in in_part.may_decide)}


def test_every_matcher_that_failed_is_named() -> None:
    rules, _ = compiled([{"from": "billing", "path": "/v1/{x}", "status": [404, "5xx"]}])
    (one, default) = explain(rules, Facts("orders", "/v2/x", "GET", "shop")).rules
    assert one.outcome is Outcome.NO
    assert [(each.key, each.wanted, each.found, each.outcome.value) for each in one.matchers] == [
        ("from", ("billing",), "shop", "no"),
        ("path", ("/v1/{x}",), "/v2/x", "no"),
        ("status", ("404", "5xx"), None, "depends"),
    ]
    assert (default.rule.name, default.outcome) == ("default", Outcome.YES)
