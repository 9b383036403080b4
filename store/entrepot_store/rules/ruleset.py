"""The compiled rules: asked once or twice for every exchange on the capture path, so it costs a few microseconds.

Who talks to whom and with which method settles most rules, and repeats: the rules that remain are kept per
(source, destination, method) in a bounded table. Of those, most fall at the first look at the path, the literal text
that its template begins with.
"""

import re
from dataclasses import dataclass, replace
from re import Pattern
from typing import Self

from ..config import RedactConfig, RuleConfig, Settings
from ..model import Action
from ..redact import BodyRules, Redactor
from .decision import Decision, Durability, OnFailure
from .glob import compile_globs
from .template import PathTemplate

DEFAULT_RULE = "default"
"""Name and class of what no rule matches: it is captured."""

_BOUND = 4096
"""Entries of the table before it is emptied: hostile traffic invents hosts and methods without end."""

_LONGEST_KEY = 1024
"""Characters of source, destination and method together that are worth remembering."""


@dataclass(slots=True, frozen=True, eq=False)
class _Compiled:
    """One rule, ready to match. None or an empty set matches everything."""

    sources: Pattern[str] | None
    destinations: Pattern[str] | None
    methods: frozenset[bytes]
    prefixes: tuple[bytes, ...]
    """What a matching path begins with: the empty one if it may begin with anything."""
    path: Pattern[bytes] | None
    statuses: frozenset[int]
    content_types: Pattern[str] | None
    decision: Decision
    early: dict[tuple[Durability, OnFailure], Decision]
    """The decision with stricter guarantees, for `decide_early`."""

    def concerns(self, source: str, destination: str, method: bytes) -> bool:
        return (
            (self.sources is None or self.sources.fullmatch(source) is not None)
            and (self.destinations is None or self.destinations.fullmatch(destination) is not None)
            and (not self.methods or method in self.methods)
        )


class RuleSet:
    """The rules of one configuration, in its order. Immutable: a reload compiles a new one and swaps it in."""

    def __init__(self, rules: tuple[_Compiled, ...]) -> None:
        self._rules = rules
        self._candidates: dict[tuple[str, str, bytes], tuple[_Compiled, ...]] = {}

    @classmethod
    def compile(cls, settings: Settings, key: bytes, *, keep_references: bool = False) -> Self:
        """`key` is the redaction key (`entrepot_store.redact.load_key`); `keep_references` as for Redactor.

        Raises ValueError for a malformed template.
        """
        redactors: dict[tuple[frozenset[str], frozenset[str], BodyRules | None], Redactor] = {}

        def redactor(rule: RuleConfig) -> Redactor:
            headers = frozenset(settings.proxy.redact_headers) | frozenset(rule.redact.headers)
            query = frozenset(rule.redact.query)
            bodies = _body_rules(rule.redact, settings.proxy.redact_body_bytes)
            if (headers, query, bodies) not in redactors:
                redactors[headers, query, bodies] = Redactor(
                    key, headers, query, bodies=bodies, keep_references=keep_references
                )
            return redactors[headers, query, bodies]

        default = RuleConfig(name=DEFAULT_RULE)
        return cls(tuple(_compile(rule, redactor(rule)) for rule in (*settings.rule, default)))

    def decide(  # noqa: PLR0917 - called per exchange: keywords cost time and every argument is its own type
        self,
        source: str,
        destination: str,
        method: bytes,
        path: bytes,
        content_type: bytes | None,
        status: int | None,
    ) -> Decision:
        """The decision of the first rule that matches the exchange.

        `path` may carry its query, which does not count. `content_type` and `status` are None when there is none (a
        failed exchange): a rule that asks for one does not match then.
        """
        candidates = self._candidates.get((source, destination, method)) or self._concerned(source, destination, method)
        bare, media_type = None, None
        for rule in candidates:
            # No prefix holds a `?`, so the query does not count here either.
            if not path.startswith(rule.prefixes) or (rule.statuses and status not in rule.statuses):
                continue
            if rule.path is not None:
                if bare is None:
                    bare = path.partition(b"?")[0]
                if rule.path.fullmatch(bare) is None:
                    continue
            if rule.content_types is not None:
                if content_type is None:
                    continue
                if media_type is None:
                    media_type = content_type.partition(b";")[0].strip().lower().decode("latin-1")
                if rule.content_types.fullmatch(media_type) is None:
                    continue
            return rule.decision
        raise AssertionError("the default rule matches everything")

    def decide_early(self, source: str, destination: str, method: bytes, path: bytes) -> Decision:
        """What must hold before the response is known: whichever rule it will be, nothing it demands is lost.

        Of the rules that can still match, the first that keeps the exchange lends its name and class; `durability`
        and `on_failure` are the strictest among them. `action` is therefore `ignore` only if no response can change
        that.
        """
        candidates = self._candidates.get((source, destination, method)) or self._concerned(source, destination, method)
        bare = path.partition(b"?")[0]
        chosen: _Compiled | None = None
        durability: Durability = "async"
        on_failure: OnFailure = "open"
        for rule in candidates:
            if not path.startswith(rule.prefixes) or (rule.path is not None and rule.path.fullmatch(bare) is None):
                continue
            decision = rule.decision
            if chosen is None or (chosen.decision.action is Action.IGNORE and decision.action is not Action.IGNORE):
                chosen = rule
            if decision.durability == "sync":
                durability = "sync"
            if decision.on_failure == "closed":
                on_failure = "closed"
            if not rule.statuses and rule.content_types is None:
                break
        if chosen is None:
            raise AssertionError("the default rule matches everything")
        return chosen.early[durability, on_failure]

    def may_redact_bodies(self, source: str, destination: str, method: bytes, path: bytes) -> bool:
        """Whether one of the rules that can still match before the response is known looks into bodies."""
        candidates = self._candidates.get((source, destination, method)) or self._concerned(source, destination, method)
        bare = path.partition(b"?")[0]
        for rule in candidates:
            if rule.path is not None and rule.path.fullmatch(bare) is None:
                continue
            if rule.decision.redactor.bodies is not None and rule.decision.action is not Action.IGNORE:
                return True
            if not rule.statuses and rule.content_types is None:
                return False
        raise AssertionError("the default rule matches everything")

    def _concerned(self, source: str, destination: str, method: bytes) -> tuple[_Compiled, ...]:
        names = source.lower(), destination.lower(), method.upper()
        found = tuple(rule for rule in self._rules if rule.concerns(*names))
        if len(source) + len(destination) + len(method) <= _LONGEST_KEY:
            if len(self._candidates) >= _BOUND:
                self._candidates.clear()
            self._candidates[source, destination, method] = found
        return found


def _body_rules(redact: RedactConfig, max_bytes: int) -> BodyRules | None:
    return BodyRules(redact.json_paths, redact.form, redact.regex, max_bytes) if redact.bodies else None


def _compile(rule: RuleConfig, redactor: Redactor) -> _Compiled:
    decision = Decision(
        rule.name,
        rule.action,
        rule.retention_class,
        rule.durability,
        rule.on_failure,
        redactor,
        wire=rule.fidelity == "wire",
    )
    templates = [PathTemplate.compile(path) for path in rule.path]
    durabilities: tuple[Durability, ...] = ("async", "sync")
    failures: tuple[OnFailure, ...] = ("open", "closed")
    return _Compiled(
        sources=compile_globs(rule.source) if rule.source else None,
        destinations=compile_globs(rule.destination) if rule.destination else None,
        methods=frozenset(method.encode() for method in rule.method),
        prefixes=tuple(template.literal_prefix.encode() for template in templates) or (b"",),
        path=re.compile("|".join(f"(?:{template.pattern})" for template in templates).encode()) if templates else None,
        statuses=frozenset(number for status in rule.status for number in _numbers(status)),
        content_types=compile_globs(rule.content_type) if rule.content_type else None,
        decision=decision,
        early={
            (durability, on_failure): replace(decision, durability=durability, on_failure=on_failure)
            for durability in durabilities
            for on_failure in failures
        },
    )


def _numbers(status: int | str) -> range:
    if isinstance(status, int):
        return range(status, status + 1)
    first = int(status[0]) * 100
    return range(first, first + 100)
