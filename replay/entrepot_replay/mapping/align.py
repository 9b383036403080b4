"""Lines up two lists with other items, or the same in another order: which live item is the recorded one?"""

from collections.abc import Callable
from typing import Any

MOST_REORDERED = 300
"""Lists up to this long are compared without regard to the order of their items."""
_DEEPEST = 100
MOST_ITEMS = 2000
"""Longer live lists are lined up by position."""


def live_pointer(recorded: Any, live: Any, pointer: str, translate: Callable[[str], str]) -> str | None:
    """The RFC 6901 pointer in `live` to what `pointer` leads to in `recorded`; None if there is no such thing.

    In a list it is the item that agrees with the recorded one in most fields; of equals, the one at its place."""
    steps: list[str] = []
    for raw in pointer.split("/")[1:]:
        name = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(recorded, list):
            index = int(name) if name.isdigit() else len(recorded)
            if index >= len(recorded) or not isinstance(live, list):
                return None
            recorded = recorded[index]
            found = _counterpart(recorded, live, index, translate)
            if found is None:
                return None
            live = live[found]
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
    moved: list[str] = []
    return _lined_up(recorded, live, translate, "$", moved, 0), moved


def _lined_up(  # noqa: PLR0917 # a recursion whose last three are its own
    recorded: Any, live: Any, translate: Callable[[str], str], where: str, moved: list[str], depth: int
) -> Any:
    if depth > _DEEPEST:
        return live
    if isinstance(recorded, dict) and isinstance(live, dict):
        return {
            name: _lined_up(recorded[name], value, translate, f"{where}.{name}", moved, depth + 1)
            if name in recorded
            else value
            for name, value in live.items()
        }
    if isinstance(recorded, list) and isinstance(live, list) and len(recorded) == len(live) <= MOST_REORDERED:
        order = _order(recorded, live, translate)
        if order != list(range(len(live))):
            moved.append(where)
            live = [live[position] for position in order]
        return [
            _lined_up(one, other, translate, f"{where}[*]", moved, depth + 1)
            for one, other in zip(recorded, live, strict=True)
        ]
    return live


def _order(recorded: list[Any], live: list[Any], translate: Callable[[str], str]) -> list[int]:
    """For each recorded item the position of its counterpart; as it is if they cannot be told one by one."""
    unchanged = list(range(len(live)))
    if not all(isinstance(one, dict) for one in (*recorded, *live)):
        return unchanged
    flat = [_flat(one, str) for one in live]
    free, order = set(unchanged), []
    for position, item in enumerate(recorded):
        wanted = _flat(item, translate)
        agreed = {one: sum(1 for name, value in wanted.items() if flat[one].get(name) == value) for one in free}
        best = max(free, key=lambda one: (agreed[one], one == position, -one))
        free.remove(best)
        order.append(best)
    return order


def _counterpart(item: Any, live: list[Any], index: int, translate: Callable[[str], str]) -> int | None:
    if not live:
        return None
    if not isinstance(item, dict) or len(live) > MOST_ITEMS:
        return index if index < len(live) else None
    wanted = _flat(item, translate)
    best, score = None, -1.0
    for position, other in enumerate(live):
        if not isinstance(other, dict):
            continue
        found = _flat(other, str)
        agreed = sum(1 for name, value in wanted.items() if found.get(name) == value)
        agreed_more = agreed + (0.5 if position == index else 0.0)
        if agreed_more > score:
            best, score = position, agreed_more
    if score < 1 and len(live) > 1 and best != index:
        return None  # nothing speaks for any of them
    return best


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
