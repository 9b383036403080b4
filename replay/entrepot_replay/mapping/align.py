"""Lines up two lists with other items, or the same in another order: which live item is the recorded one?"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from ..flow.names import names_an_id

MOST_REORDERED = 300
"""Lists up to this long are compared without regard to the order of their items."""
_DEEPEST = 100
MOST_COMPARED = 2_000_000
"""Fields of items that are compared to line up one answer; after that, lists stay in their order."""
_ID_WEIGHT = 0.25
"""A small id that is the same says little: the rebuilt service may have given it to another item."""
MOST_ITEMS = 2000
"""Longer live lists are lined up by position."""


class Items:
    """The items of one list by what is in them, made once for all that are looked for among them."""

    def __init__(self, items: list[Any], translate: Callable[[str], str]) -> None:
        self.flat = [_flat(item, translate) if isinstance(item, dict) else {} for item in items]
        self._holding: dict[tuple[str, Any], list[int]] = {}
        for position, item in enumerate(self.flat):
            for field in item.items():
                self._holding.setdefault(field, []).append(position)

    def agreeing(self, wanted: dict[str, Any]) -> dict[int, float]:
        """Position → how many fields are equal, for items that have any."""
        whole: Counter[int] = Counter()
        small_ids: Counter[int] = Counter()
        for field in wanted.items():
            (small_ids if _is_small_id(*field) else whole).update(self._holding.get(field, ()))
        return {one: whole[one] + _ID_WEIGHT * small_ids[one] for one in whole.keys() | small_ids.keys()}


def live_pointer(
    recorded: Any, live: Any, pointer: str, translate: Callable[[str], str], known: dict[int, Items] | None = None
) -> str | None:
    """The RFC 6901 pointer in `live` to what `pointer` leads to in `recorded`; None if there is no such thing.

    In a list it is the item that agrees with the recorded one in most fields; of equals, the one at its place. There is
    none if another recorded item agrees with that one better: then the item itself did not come back, and whoever took
    the other one's id for its own would change the wrong thing. `known` remembers the lists of the two documents from
    call to call."""
    known = {} if known is None else known
    steps: list[str] = []
    for raw in pointer.split("/")[1:]:
        name = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(recorded, list):
            index = int(name) if name.isdigit() else len(recorded)
            if index >= len(recorded) or not isinstance(live, list):
                return None
            found = _counterpart(recorded, live, index, translate, known)
            if found is None:
                return None
            recorded, live = recorded[index], live[found]
            steps.append(str(found))
        elif isinstance(recorded, dict):
            if not isinstance(live, dict) or name not in live or name not in recorded:
                return None
            recorded, live = recorded[name], live[name]
            steps.append(raw)
        else:
            return None
    return "".join(f"/{step}" for step in steps)


def lined_up(recorded: Any, live: Any, translate: Callable[[str], str]) -> tuple[Any, list[str]]:
    """The live document with the items of its lists in the order of their counterparts, and JSONPaths of the lists that
    were in another order. Only lists of the same number of objects are touched, and only if each has a counterpart."""
    liner = _Liner(translate)
    return liner.lined_up(recorded, live, "$", 0), liner.moved


class _Liner:
    """Lines up one answer, with a bound on the work."""

    def __init__(self, translate: Callable[[str], str]) -> None:
        self._translate = translate
        self._left = MOST_COMPARED
        self.moved: list[str] = []

    def lined_up(self, recorded: Any, live: Any, where: str, depth: int) -> Any:
        if depth > _DEEPEST:
            return live
        if isinstance(recorded, dict) and isinstance(live, dict):
            return {
                name: self.lined_up(recorded[name], value, f"{where}.{name}", depth + 1) if name in recorded else value
                for name, value in live.items()
            }
        if isinstance(recorded, list) and isinstance(live, list) and len(recorded) == len(live) <= MOST_REORDERED:
            order = self._order(recorded, live)
            if order != list(range(len(live))):
                self.moved.append(where)
                live = [live[position] for position in order]
            return [
                self.lined_up(one, other, f"{where}[*]", depth + 1) for one, other in zip(recorded, live, strict=True)
            ]
        return live

    def _order(self, recorded: list[Any], live: list[Any]) -> list[int]:
        """For each recorded item the position of its counterpart; as it is if they cannot be told one by one."""
        unchanged = list(range(len(live)))
        if not all(isinstance(one, dict) for one in (*recorded, *live)):
            return unchanged
        flat = [_flat(one, str) for one in live]
        free, order = set(unchanged), []
        for position, item in enumerate(recorded):
            wanted = _flat(item, self._translate)
            best = position
            if position not in free or not wanted.items() <= flat[position].items():
                self._left -= len(free) * len(wanted)
                if self._left < 0:
                    return unchanged
                agreed = {one: _agreement(wanted, flat[one]) for one in free}
                best = max(free, key=lambda one: (agreed[one], one == position, -one))
            free.remove(best)
            order.append(best)
        return order


def _counterpart(
    recorded: list[Any], live: list[Any], index: int, translate: Callable[[str], str], known: dict[int, Items]
) -> int | None:
    """The position of the live item that the recorded one at `index` became."""
    if not isinstance(recorded[index], dict) or max(len(live), len(recorded)) > MOST_ITEMS:
        return index if index < len(live) else None
    for items, spelled in ((recorded, translate), (live, str)):
        if id(items) not in known:
            known[id(items)] = Items(items, spelled)
    ours, theirs = known[id(recorded)], known[id(live)]
    agreed = theirs.agreeing(ours.flat[index])
    score = max(agreed.values(), default=0)
    best = [one for one, found in agreed.items() if found == score]
    if index < len(live) and agreed.get(index, 0) == score and (score >= 1 or len(live) == len(recorded)):
        position = index
    elif len(best) == 1 and score >= 1:
        position = best[0]
    else:
        return None  # nothing speaks for any of them, or the same for several
    claims = ours.agreeing(theirs.flat[position])
    return None if any(claim > score for place, claim in claims.items() if place != index) else position


def _agreement(wanted: dict[str, Any], found: dict[str, Any]) -> float:
    """How many fields are equal."""
    return sum(
        _ID_WEIGHT if _is_small_id(name, value) else 1
        for name, value in wanted.items()
        if name in found and found[name] == value
    )


def _is_small_id(name: str, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and names_an_id(name.rpartition(".")[2])


def _flat(item: dict[str, Any], translate: Callable[[str], str], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, dict):
            found |= _flat(value, translate, f"{prefix}{name}.")
        elif isinstance(value, str):
            found[prefix + name] = translate(value)
        elif not isinstance(value, list):
            found[prefix + name] = value
    return found
