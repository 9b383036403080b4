"""Rules that can never match because an earlier one takes everything they speak of. For `entrepot rules check`.

Only what is certain is reported: a rule that two earlier ones cover together, but neither alone, is not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..config import RuleConfig
from .template import ACROSS, PathTemplate


@dataclass(slots=True, frozen=True)
class Shadowed:
    """`rule` can never match: `by`, which comes before it, matches all that it does."""

    rule: str
    by: str

    def __str__(self) -> str:
        return f"rule {self.rule!r} can never match: rule {self.by!r} before it takes everything it speaks of"


def shadowed(rules: Sequence[RuleConfig]) -> list[Shadowed]:
    """In the order of the rules, each with the first earlier rule that covers it."""
    found = []
    for position, rule in enumerate(rules):
        by = next((earlier for earlier in rules[:position] if _covers_rule(earlier, rule)), None)
        if by is not None:
            found.append(Shadowed(rule.name, by.name))
    return found


def _covers_rule(earlier: RuleConfig, later: RuleConfig) -> bool:
    return (
        _covers_each(earlier.source, later.source, _covers_glob)
        and _covers_each(earlier.destination, later.destination, _covers_glob)
        and _covers_each(earlier.method, later.method, str.__eq__)
        and _covers_each(earlier.path, later.path, _covers_path)
        and _covers_each(earlier.content_type, later.content_type, _covers_glob)
        and _covers_each(earlier.status, later.status, _covers_status)
    )


def _covers_each[T](wide: tuple[T, ...], narrow: tuple[T, ...], covers: Callable[[T, T], bool]) -> bool:
    """Nothing given matches everything."""
    if not wide:
        return True
    return bool(narrow) and all(any(covers(one, other) for one in wide) for other in narrow)


def _covers_status(wide: int | str, narrow: int | str) -> bool:
    return wide == narrow or (isinstance(wide, str) and wide[0] == str(narrow)[0])


def _covers_glob(wide: str, narrow: str) -> bool:
    return _covers(list(wide.lower()), list(narrow.lower()), "*", str.__eq__)


def _covers_path(wide: str, narrow: str) -> bool:
    first, second = PathTemplate.compile(wide).segments, PathTemplate.compile(narrow).segments
    return _covers(first, second, (ACROSS,), _covers_segment)


def _covers_segment(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    return _covers(_characters(wide), _characters(narrow), "*", lambda one, other: one in ("{", other))


def _characters(tokens: tuple[str, ...]) -> list[str]:
    """Literals letter by letter; `{name}` is one character, written `{`, and then any number of them."""
    characters: list[str] = []
    for token in tokens:
        characters.extend(("{", "*") if token.startswith("{") else token)
    return characters


def _covers[T](wide: Sequence[T], narrow: Sequence[T], star: T, includes: Callable[[T, T], bool]) -> bool:
    """Whether every sequence that `narrow` stands for is one that `wide` stands for; `star` is any number of items.

    One row of the table per item of `wide`, from its end: row[j] says whether what is left of both is covered.
    """
    row = [False] * len(narrow) + [True]
    for item in reversed(wide):
        below, row = row, [False] * (len(narrow) + 1)
        for j in range(len(narrow), -1, -1):
            if item == star:
                row[j] = below[j] or (j < len(narrow) and row[j + 1])
            elif j < len(narrow) and narrow[j] != star:
                row[j] = includes(item, narrow[j]) and below[j + 1]
    return row[0]
