"""Decisions: the first matching rule decides, judged by a slow reading of the rules as they are written."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot_store.config import RuleConfig, Settings
from entrepot_store.model import Action
from entrepot_store.rules import RuleSet

KEY = bytes(range(32))


def compile_rules(*rules: dict[str, Any]) -> RuleSet:
    return RuleSet.compile(Settings(rule=tuple(RuleConfig.model_validate(rule) for rule in rules)), KEY)


def test_what_no_rule_matches_is_captured() -> None:
    for rules in (compile_rules(), compile_rules({"name": "a", "to": "else"})):
        decision = rules.decide("billing", "orders", b"GET", b"/", None, None)
        assert (decision.rule, decision.action, decision.retention_class) == ("default", Action.CAPTURE, "default")
        assert (decision.durability, decision.on_failure) == ("async", "open")


def test_a_decision_is_made_once_per_rule() -> None:
    rules = compile_rules({"name": "a", "action": "protect", "class": "config", "durability": "sync"})
    decision = rules.decide("billing", "orders", b"GET", b"/", None, 200)
    assert rules.decide("else", "where", b"PUT", b"/x", b"text/html", 500) is decision
    assert (decision.rule, decision.action, decision.retention_class) == ("a", Action.PROTECT, "config")
    assert decision.durability == "sync"


@pytest.mark.parametrize(
    ("matcher", "matching", "other"),
    [
        ({"from": "bill*"}, {"source": "Billing"}, {"source": "orders"}),
        ({"to": ["a", "orders"]}, {"destination": "ORDERS"}, {"destination": "orders2"}),
        ({"to": "Orders.Internal:8443"}, {"destination": "orders.internal:8443"}, {"destination": "orders.internal"}),
        ({"to": "[::1]:9000"}, {"destination": "[::1]:9000"}, {"destination": ":"}),
        ({"to": "*.internal"}, {"destination": "a.b.internal"}, {"destination": "internal"}),
        ({"method": ["put", "POST"]}, {"method": b"PUT"}, {"method": b"GET"}),
        ({"method": "m-search"}, {"method": b"M-SEARCH"}, {"method": b"SEARCH"}),
        ({"path": "/v1/{x}"}, {"path": b"/v1/a?b=/c/d"}, {"path": b"/v1/a/c"}),
        ({"path": ["/a", "/b/**"]}, {"path": b"/b?/c"}, {"path": b"/a/b"}),
        ({"path": "/v1/settings"}, {"path": b"/v1/settings?x"}, {"path": b"/v1/set?tings"}),
        ({"content_type": "application/json"}, {"content_type": b"Application/JSON; charset=utf-8"}, {}),
        (
            {"content_type": "application/*+json"},
            {"content_type": b" application/hal+json "},
            {"content_type": b"\xff"},
        ),
        ({"content_type": "*"}, {"content_type": b""}, {"content_type": None}),
        ({"status": 404}, {"status": 404}, {"status": 400}),
        ({"status": ["5xx", 200]}, {"status": 599}, {"status": None}),
    ],
)
def test_matchers(matcher: dict[str, Any], matching: dict[str, Any], other: dict[str, Any]) -> None:
    rules = compile_rules({"name": "a", **matcher})
    exchange = {
        "source": "x",
        "destination": "y",
        "method": b"GET",
        "path": b"/",
        "content_type": b"text/html",
        "status": 204,
    }
    for _ in range(2):  # first learnt, then remembered
        assert rules.decide(**(exchange | matching)).rule == "a"
        assert rules.decide(**(exchange | other)).rule == "default"


def test_redaction_adds_to_what_is_always_redacted() -> None:
    rules = compile_rules({"name": "a", "to": "a", "redact": {"headers": "X-Mine", "query": ["key"]}}, {"name": "b"})
    headers = ((b"Authorization", b"Bearer abcdef"), (b"X-Mine", b"ghijkl"))
    first = rules.decide("", "a", b"GET", b"/", None, 200).redactor
    other = rules.decide("", "b", b"GET", b"/", None, 200).redactor
    assert b"abcdef" not in b"".join(value for _, value in first.headers(headers))
    assert b"ghijkl" not in b"".join(value for _, value in first.headers(headers))
    assert first.path(b"/?key=mnopqr") != b"/?key=mnopqr"
    assert b"abcdef" not in b"".join(value for _, value in other.headers(headers))
    assert other.headers(headers)[1] == headers[1]
    assert other.path(b"/?key=mnopqr") == b"/?key=mnopqr"


def test_hostile_hosts_and_methods_do_not_fill_the_memory() -> None:
    rules = compile_rules({"name": "a", "to": "host-1"})
    for number in range(10_000):
        rules.decide("x", f"host-{number}", b"GET", b"/", None, 200)
        rules.decide("x", "y" * 2000 + str(number), b"GET", b"/", None, 200)
    assert len(rules._candidates) <= 4096
    assert max(len(key[1]) for key in rules._candidates) < 1000
    assert rules.decide("x", "host-1", b"GET", b"/", None, 200).rule == "a"


# The slow reading.

sources = st.sampled_from(["billing", "orders", "10.0.0.1"])
methods = st.sampled_from(["GET", "PUT"])
paths = st.sampled_from(["/a", "/a/b", "/a/b/c", "/"])
types = st.sampled_from([None, "application/json", "text/html"])
statuses = st.sampled_from([None, 200, 404, 503])


def some(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


rule_fields = st.fixed_dictionaries(
    {
        "action": st.sampled_from(list(Action)),
        "durability": st.sampled_from(["async", "sync"]),
        "on_failure": st.sampled_from(["open", "closed"]),
    },
    optional={
        "from": some(["billing", "b*", "*.1"]),
        "to": some(["orders", "*i*", "*"]),
        "method": some(["GET", "PUT"]),
        "path": some(["/a", "/a/{x}", "/a/**", "/*"]),
        "content_type": some(["application/json", "text/*", "*"]),
        "status": some([200, 404, "4xx", "5xx"]),
    },
).map(lambda rule: rule | {"durability": "async", "on_failure": "open"} if rule["action"] is Action.IGNORE else rule)
PATHS = {"/a": "/a", "/a/{x}": "/a/[^/]+", "/a/**": "/a(/.*)?", "/*": "/[^/]*"}


def glob(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def reads(rule: dict[str, Any], exchange: dict[str, Any]) -> bool:
    status, content_type = exchange["status"], exchange["content_type"]
    return (
        any(glob(pattern, exchange["source"]) for pattern in rule.get("from", ["*"]))
        and any(glob(pattern, exchange["destination"]) for pattern in rule.get("to", ["*"]))
        and exchange["method"] in rule.get("method", [exchange["method"]])
        and ("path" not in rule or any(re.fullmatch(PATHS[path], exchange["path"]) for path in rule["path"]))
        and ("status" not in rule or any(status == s or (status and s == f"{status // 100}xx") for s in rule["status"]))
        and (
            "content_type" not in rule
            or (content_type is not None and any(glob(pattern, content_type) for pattern in rule["content_type"]))
        )
    )


exchanges = st.fixed_dictionaries(
    {
        "source": sources,
        "destination": sources,
        "method": methods,
        "path": paths,
        "content_type": types,
        "status": statuses,
    }
)


def asked(exchange: dict[str, Any]) -> dict[str, Any]:
    content_type = exchange["content_type"]
    return exchange | {
        "method": exchange["method"].encode(),
        "path": exchange["path"].encode() + b"?q",
        "content_type": None if content_type is None else content_type.encode(),
    }


@settings(max_examples=200, deadline=None)
@given(st.lists(rule_fields, max_size=4), st.lists(exchanges, min_size=1, max_size=5))
def test_the_first_rule_that_reads_so_decides(written: list[dict[str, Any]], seen: list[dict[str, Any]]) -> None:
    named = [{"name": f"r{number}", **rule} for number, rule in enumerate(written)]
    rules = compile_rules(*named)
    for exchange in seen:
        expected = next((rule["name"] for rule in named if reads(rule, exchange)), "default")
        assert rules.decide(**asked(exchange)).rule == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(rule_fields, max_size=4), exchanges)
def test_what_is_decided_early_loses_nothing(written: list[dict[str, Any]], exchange: dict[str, Any]) -> None:
    """Whatever the response will be, the early decision demands at least what the final one does."""
    rules = compile_rules(*({"name": f"r{number}", **rule} for number, rule in enumerate(written)))
    request = {name: value for name, value in asked(exchange).items() if name not in ("content_type", "status")}
    early = rules.decide_early(**request)
    finals = [
        rules.decide(**request, content_type=content_type, status=status)
        for content_type in (None, b"application/json", b"text/html", b"image/png")
        for status in (None, 200, 404, 410, 503, 204)
    ]
    for final in finals:
        assert early.on_failure == "closed" or final.on_failure == "open"
        assert early.durability == "sync" or final.durability == "async"
        assert early.action is not Action.IGNORE or final.action is Action.IGNORE


def early_of(*rules: dict[str, Any]) -> tuple[str, Action, str, str]:
    early = compile_rules(*rules).decide_early("billing", "orders", b"GET", b"/a?q")
    return early.rule, early.action, early.durability, early.on_failure


STRICT = {"name": "strict", "action": "protect", "durability": "sync", "on_failure": "closed"}


def test_what_is_known_early() -> None:
    errors = {"name": "errors", "status": "5xx", "action": "ignore"}
    assert early_of() == ("default", Action.CAPTURE, "async", "open")
    assert early_of(STRICT) == ("strict", Action.PROTECT, "sync", "closed")
    assert early_of({"name": "a"}, STRICT) == ("a", Action.CAPTURE, "async", "open")
    assert early_of({"name": "a", "action": "ignore"}, STRICT) == ("a", Action.IGNORE, "async", "open")
    assert early_of({"name": "a", "path": "/a"}, STRICT) == ("a", Action.CAPTURE, "async", "open")
    assert early_of({"name": "a", "path": "/b"}, STRICT) == ("strict", Action.PROTECT, "sync", "closed")
    assert early_of(errors, STRICT) == ("strict", Action.PROTECT, "sync", "closed")
    assert early_of(errors) == ("default", Action.CAPTURE, "async", "open")
    assert early_of({"name": "a", "content_type": "*"}, STRICT) == ("a", Action.CAPTURE, "sync", "closed")
    assert early_of(STRICT | {"status": 200}, {"name": "b"}) == ("strict", Action.PROTECT, "sync", "closed")
    assert early_of(STRICT | {"method": "PUT"}) == ("default", Action.CAPTURE, "async", "open")
