"""Why a rule decides about an exchange, and why the others do not. For `entrepot rules explain`; `ruleset` decides.

What is asked about may be known in part: a URL has no status yet. A matcher then says that it depends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..config import RuleConfig
from .glob import compile_globs
from .ruleset import DEFAULT_RULE
from .template import PathTemplate


class Outcome(StrEnum):
    """Of a matcher or a rule: it matches, it does not, or it depends on what is not known."""

    YES = "yes"
    NO = "no"
    DEPENDS = "depends"


@dataclass(slots=True, frozen=True)
class Facts:
    """What rules look at. None is what is not known; `content_type` without parameters, empty if there is none, and
    `status` 0 if there was no response."""

    destination: str
    path: str
    method: str
    source: str | None = None
    content_type: str | None = None
    status: int | None = None


@dataclass(slots=True, frozen=True)
class Matched:
    """One matcher of a rule, by its key in the file: what it wants, and what there is (None: not known)."""

    key: str
    wanted: tuple[str, ...]
    found: str | None
    outcome: Outcome


@dataclass(slots=True, frozen=True)
class Explained:
    """One rule. `outcome` is NO if one matcher says so, DEPENDS if one does and none says NO."""

    rule: RuleConfig
    matchers: tuple[Matched, ...]
    outcome: Outcome


@dataclass(slots=True, frozen=True)
class Explanation:
    """Every rule in its order, the default one last. `decides` is the first that matches for certain; `may_decide` are
    those before it of which one decides instead if what is not known is as it wants it."""

    facts: Facts
    rules: tuple[Explained, ...]
    decides: RuleConfig
    may_decide: tuple[RuleConfig, ...]


def explain(rules: Sequence[RuleConfig], facts: Facts) -> Explanation:
    explained = tuple(_explain(rule, facts) for rule in (*rules, RuleConfig(name=DEFAULT_RULE)))
    position = next(number for number, one in enumerate(explained) if one.outcome is Outcome.YES)
    before = tuple(one.rule for one in explained[:position] if one.outcome is Outcome.DEPENDS)
    return Explanation(facts, explained, explained[position].rule, before)


def _explain(rule: RuleConfig, facts: Facts) -> Explained:
    matchers = tuple(_matchers(rule, facts))
    outcomes = {matcher.outcome for matcher in matchers}
    outcome = next((one for one in (Outcome.NO, Outcome.DEPENDS) if one in outcomes), Outcome.YES)
    return Explained(rule, matchers, outcome)


def _matchers(rule: RuleConfig, facts: Facts) -> Iterator[Matched]:
    """Those that the rule has."""
    if rule.source:
        yield _glob("from", rule.source, facts.source)
    if rule.destination:
        yield _glob("to", rule.destination, facts.destination)
    if rule.method:
        yield Matched("method", rule.method, facts.method, _is(facts.method.upper() in rule.method))
    if rule.path:
        bare = facts.path.partition("?")[0].encode("utf-8", "surrogateescape")
        matches = any(PathTemplate.compile(path).matches(bare) for path in rule.path)
        yield Matched("path", rule.path, facts.path.partition("?")[0], _is(matches))
    if rule.content_type:
        yield _glob("content_type", rule.content_type, facts.content_type)
    if rule.status:
        yield _status(rule.status, facts.status)


def _glob(key: str, wanted: tuple[str, ...], found: str | None) -> Matched:
    if found is None:
        return Matched(key, wanted, None, Outcome.DEPENDS)
    # No content type is none, also for the pattern that any would fit.
    matches = bool(found) and compile_globs(wanted).fullmatch(found.lower()) is not None
    return Matched(key, wanted, found, _is(matches))


def _status(wanted: tuple[int | str, ...], found: int | None) -> Matched:
    texts = tuple(str(status) for status in wanted)
    if found is None:
        return Matched("status", texts, None, Outcome.DEPENDS)
    matches = any(text == str(found) or text == f"{found // 100}xx" for text in texts)
    return Matched("status", texts, str(found) if found else "", _is(matches))


def _is(matches: bool) -> Outcome:
    return Outcome.YES if matches else Outcome.NO
