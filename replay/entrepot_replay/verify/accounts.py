"""Accounts for differences between a document as it was and as it is now: what `mapping.explain` knows, and what only
hindsight tells.

A document that was read last week holds times of the week before, when it was made; the rebuilt one was made by the
replay. So a time within the recorded traffic may have become one within the replay. What a client sent never changes
unaccounted, and what was redacted is nobody's to compare.
"""

from typing import Any

from entrepot_store.redact.reference import find_references

from ..mapping.explain import NEAR_US, Explainer, micros_of


class Accounts:
    """For one document. Times are microseconds since the epoch."""

    def __init__(
        self, explainer: Explainer, sent: frozenset[str] | set[str], *, recorded: tuple[int, int], live: tuple[int, int]
    ) -> None:
        """`recorded` and `live` are when the recorded traffic and the replay began and ended."""
        self._explainer = explainer
        self._sent = sent
        self._recorded = recorded
        self._live = live

    def leaf(self, where: str, recorded: object, live: object) -> str:
        if isinstance(recorded, str) and find_references(recorded):
            return "redacted"
        why = self._explainer.leaf(where, recorded, live)
        if why or isinstance(recorded, bool) or isinstance(live, bool):
            return why
        return self._time(str(recorded), str(live)) if isinstance(recorded, str) == isinstance(live, str) else ""

    def value(self, where: str, role: str, recorded: str, live: str) -> str:
        return self._explainer.value(where, role, recorded, live) or self._time(recorded, live)

    def lined_up(self, recorded: Any, live: Any) -> tuple[Any, list[str]]:
        """The live document as it is: `items` lines up lists here, and tells what is missing and what was added."""
        return live, []

    def _time(self, recorded: str, live: str) -> str:
        if recorded in self._sent:
            return ""
        then, now = micros_of(recorded), micros_of(live)
        if then is None or now is None:
            return ""
        return "a time of the replay" if _within(then, self._recorded) and _within(now, self._live) else ""


def _within(moment: int, span: tuple[int, int]) -> bool:
    return span[0] - NEAR_US <= moment <= span[1] + NEAR_US
