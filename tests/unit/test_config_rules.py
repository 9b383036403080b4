"""What a rule may say, beyond its matchers: each mistake is one clear sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

from entrepot_store.config import KeepConfig, RuleConfig
from entrepot_store.config.values import parse_duration

HOUR = 3_600_000_000


def refusal(**keys: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        RuleConfig(name="a", **keys)
    return "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in caught.value.errors())


@pytest.mark.parametrize(
    ("text", "hours"), [("12h", 12), ("30d", 720), ("8w", 1344), ("6m", 4464), ("10y", 87840), ("1y6m", 13248)]
)
def test_durations_are_spelt_as_in_restic(text: str, hours: int) -> None:
    assert parse_duration(text) == hours * HOUR


@pytest.mark.parametrize("bad", ["", "30", "d", "1.5d", "-1d", "1d1d", "0h", "2000y", "1 d", 30, None, "९h"])
def test_what_is_no_duration_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"duration|between|twice"):
        parse_duration(bad)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"action": "protect", "keep": {}}, "an empty keep would keep nothing; leave it out to keep everything"),
        ({"keep": {"last": 3, "daily": 2, "within": "1d"}}, "so keep can have no last, daily; how long exchanges"),
        ({"keep": {"within": "1d", "deleted_within": "1d"}}, "so keep can have no deleted_within"),
        ({"action": "protect", "keep": {"deleted_within": "1d"}}, "says what becomes of deleted documents only"),
        ({"action": "ignore", "keep": {"within": "1d"}}, "there is nothing to keep or index"),
        ({"action": "ignore", "index": {"a": "$.a"}}, "there is nothing to keep or index"),
        ({"ignore": "$.at"}, "so ignore says nothing"),
        ({"document": {"query": []}}, "so document says nothing"),
        ({"action": "protect", "ignore": "$"}, "nothing would ever be a new version"),
        ({"redact": {"json": "$.a["}}, "'$.a[' is not a JSONPath: unexpected end of query at its end"),
        ({"redact": {"regex": "(a"}}, "'(a' is not a regular expression: missing ), unterminated subpattern"),
        ({"redact": {"regex": "a*"}}, "matches an empty text"),
        ({"fidelity": "wire", "redact": {"form": "pin"}}, 'fidelity = "wire" cannot hold'),
        ({"index": {"a b": "$.a"}}, "a name is up to 63"),
    ],
)
def test_contradictions_are_refused_with_the_reason(keys: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(**keys)


def test_what_is_captured_may_be_kept_for_a_span() -> None:
    rule = RuleConfig.model_validate({"name": "a", "keep": {"within": "30d"}})
    assert rule.keep == KeepConfig.model_validate({"within": "30d"})
    assert rule.keep is not None
    assert rule.keep.within == 720 * HOUR
    assert rule.keep.words == ("within",)
