"""What the rules in force would do with traffic that was captured under other ones."""

from collections.abc import Sequence
from typing import NamedTuple

from ..config import Settings
from ..model import Action
from ..rules import RuleSet
from .segments import OTHER

_EXAMPLES = {
    "number": "7",
    "uuid": "8c5b4c1e-8a57-5d0c-9d0e-0f1c86a0b6d5",
    "ulid": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "hash": "0f1c86a0b6d58c5b4c1e8a57",
    "date": "2026-01-01",
    "email": "someone@example.org",
    "token": "cus9s6XKzkNRiz8i3",
    OTHER: "x",
}
_KEY = bytes(32)
"""Nothing is redacted here, so any key will do."""


class Ruling(NamedTuple):
    """A rule and what it does."""

    rule: str
    action: Action


class PresentRules:
    """The rules of one configuration. Answers are remembered; not for several threads at once."""

    def __init__(self, settings: Settings) -> None:
        self._rules = RuleSet.compile(settings, _KEY)
        self._known: dict[tuple[object, ...], Ruling] = {}

    def ruling(  # noqa: PLR0917 - the same arguments as RuleSet.decide, which this asks
        self,
        source: str,
        destination: str,
        method: str,
        path: str,
        media_type: str,
        status: int | None,
    ) -> Ruling:
        """`path` as `filled` makes it."""
        key = (source, destination, method, path, media_type, status)
        found = self._known.get(key)
        if found is None:
            content_type = media_type.encode() or None
            decision = self._rules.decide(
                source, destination, method.encode(), path.encode("utf-8", "replace"), content_type, status
            )
            found = self._known[key] = Ruling(decision.rule, decision.action)
        return found


def filled(path: str, values: Sequence[str | None]) -> str:
    """A path as it may have been sent: with its one value where there was one, else with some value of the kind."""
    if "{" not in path:
        return path
    remaining = iter(values)
    return "/".join(
        (next(remaining, None) or _example(segment)) if segment.startswith("{") else segment
        for segment in path.split("/")
    )


def _example(segment: str) -> str:
    kind, _, extension = segment[1:].partition("}")
    return _EXAMPLES.get(kind, "x") + extension
