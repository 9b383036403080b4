"""Lines up two lists with other items, or the same in another order: which live item is the recorded one?"""

from collections.abc import Callable
from typing import Any

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
