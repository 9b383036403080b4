"""Rules that can never match because earlier ones take everything they speak of. For `entrepot rules check`.

A rule is taken apart into what it says with one value of each of its lists; it is dead if for each of these
combinations there is an earlier rule, or for its statuses several, that covers it. Only what is certain is reported: a
path that two templates cover together, but neither alone, is not.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from ..config import RuleConfig
from .template import ACROSS, PathTemplate


@dataclass(slots=True, frozen=True)
class Shadowed:
    """`rule` can never match: `by`, which come before it, match all that it does, one of them or several together."""

    rule: str
    by: tuple[str, ...]

    def __str__(self) -> str:
        names = " and ".join(repr(name) for name in self.by)
        which = f"rule {names} before it takes" if len(self.by) == 1 else f"rules {names} before it together take"
        return f"rule {self.rule!r} can never match: {which} everything it speaks of"


def shadowed(rules: Sequence[RuleConfig]) -> list[Shadowed]:
    """In the order of the rules, each with the first earlier rule that covers it, or else those that do so together."""
    found = []
    for position, rule in enumerate(rules):
        by = _covering(rules[:position], rule)
        if by:
            found.append(Shadowed(rule.name, by))
    return found


def _covering(earlier: Sequence[RuleConfig], rule: RuleConfig) -> tuple[str, ...]:
    """Names of those that cover the rule; none if they do not."""
    lists = (rule.source, rule.destination, rule.method, rule.path, rule.content_type)
    if prod(len(values) or 1 for values in lists) > _MOST_ATOMS:
        return ()
    # Nothing given matches everything, which only a rule with nothing given covers.
    atoms = [_Atom(*values) for values in product(*((values or (None,)) for values in lists))]
    alone = next((one.name for one in earlier if _covers_alone(one, rule, atoms)), None)
    if alone is not None:
        return (alone,)
    names: dict[str, None] = {}
    for atom in atoms:
        takers = list(_takers([one for one in earlier if _covers_ends(one, atom)], rule.status))
        if not takers:
            return ()
        names |= dict.fromkeys(takers)
    return tuple(one.name for one in earlier if one.name in names)


_MOST_ATOMS = 10_000
"""A rule with longer lists is not looked at: that is not worth the time."""


@dataclass(slots=True, frozen=True)
class _Atom:
    """One value of each list of a rule, None where it has none."""

    source: str | None
    destination: str | None
    method: str | None
    path: str | None
    content_type: str | None


def _covers_alone(earlier: RuleConfig, rule: RuleConfig, atoms: Iterable[_Atom]) -> bool:
    return list(_takers([earlier], rule.status)) != [] and all(_covers_ends(earlier, atom) for atom in atoms)


def _covers_ends(earlier: RuleConfig, atom: _Atom) -> bool:
    return (
        _covers_one(earlier.source, atom.source, _covers_glob)
        and _covers_one(earlier.destination, atom.destination, _covers_glob)
        and _covers_one(earlier.method, atom.method, str.__eq__)
        and _covers_one(earlier.path, atom.path, _covers_path)
        and _covers_one(earlier.content_type, atom.content_type, _covers_glob)
    )


def _takers(earlier: Sequence[RuleConfig], statuses: tuple[int | str, ...]) -> Iterator[str]:
    """Those of the rules that take the statuses between them; none if some are left."""
    whole = next((one for one in earlier if not one.status), None)
    if not statuses:
        if whole is not None:
            yield whole.name
        return
    left, takers = _numbers(statuses), []
    for one in earlier:
        taken = left if not one.status else left & _numbers(one.status)
        if taken:
            takers.append(one.name)
            left = left - taken
    if not left:
        yield from takers


def _numbers(statuses: Iterable[int | str]) -> frozenset[int]:
    return frozenset(
        number
        for status in statuses
        for number in (
            range(int(status[0]) * 100, int(status[0]) * 100 + 100) if isinstance(status, str) else (status,)
        )
    )


def _covers_one(wide: tuple[str, ...], narrow: str | None, covers: Callable[[str, str], bool]) -> bool:
    return not wide or (narrow is not None and any(covers(one, narrow) for one in wide))


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
