"""Lines up the items of lists: the same items in another order are the same list, and one that is missing or added is
told as that and does not shift all others.

Items are known again by their ids, mapped to what they are now; those whose ids nobody mapped by what else is in them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..flow.names import names_an_id
from ..mapping.explain import micros_of

MOST_LEFT = 200
"""Items without a counterpart by id that are compared by content, each with each."""
DEEPEST = 50
_IDS = ("id", "_id", "uuid", "uid", "guid", "oid", "key", "name", "Id", "ID", "Name", "Key")
_WRAPPERS = ("data", "item", "node", "resource", "attributes", "metadata")


@dataclass(frozen=True, slots=True)
class Item:
    """One item on one side only. `where` is its JSONPath there, `id` is empty if it has none."""

    where: str
    id: str
    value: Any


@dataclass(slots=True)
class Alignment:
    """Both documents, the live one rearranged to the recorded one's order, without the items of one side only."""

    recorded: Any = None
    live: Any = None
    items: dict[str, str] = field(default_factory=dict)
    """JSONPath → id of the items that have a counterpart."""
    missing: list[Item] = field(default_factory=list)
    extra: list[Item] = field(default_factory=list)
    reordered: bool = False


def align(recorded: Any, live: Any, live_id: Callable[[str], str], *, own: Callable[[str], bool]) -> Alignment:
    """`live_id` gives what a recorded id is now; `own` tells whether it is known for sure what that is, so that the
    item must not pass for another one."""
    aligner = _Aligner(live_id, own)
    aligner.found.recorded, aligner.found.live = recorded, aligner.align(recorded, live, "$", 0)
    return aligner.found


def identity(item: Any) -> str:
    """The id of a list item, empty if it has none."""
    if not isinstance(item, dict):
        return ""
    for holder in (item, *(item.get(name) for name in _WRAPPERS)):
        if isinstance(holder, dict):
            for name in _IDS:
                value = holder.get(name)
                if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                    return str(value)
    return ""


class _Aligner:
    def __init__(self, live_id: Callable[[str], str], own: Callable[[str], bool]) -> None:
        self._live_id = live_id
        self._own = own
        self.found = Alignment()

    def align(self, recorded: Any, live: Any, where: str, depth: int) -> Any:
        """The live value in the recorded one's order."""
        if depth > DEEPEST:
            return live
        if isinstance(recorded, dict) and isinstance(live, dict):
            return {
                name: self.align(recorded[name], value, f"{where}.{name}", depth + 1) if name in recorded else value
                for name, value in live.items()
            }
        if not isinstance(recorded, list) or not isinstance(live, list):
            return live
        if not all(isinstance(item, dict) for item in (*recorded, *live)):
            return live
        return self._list(recorded, live, where, depth)

    def _list(self, recorded: list[Any], live: list[Any], where: str, depth: int) -> list[Any]:
        found, pairs = self.found, _pairs(recorded, live, self._live_id, self._own)
        found.reordered = found.reordered or list(pairs.values()) != sorted(pairs.values())
        taken = set(pairs.values())
        found.extra += [Item(f"{where}[{at}]", identity(one), one) for at, one in enumerate(live) if at not in taken]
        aligned = []
        for at, item in enumerate(recorded):
            place = f"{where}[{at}]"
            if at in pairs:
                found.items[place] = identity(item)
                aligned.append(self.align(item, live[pairs[at]], place, depth + 1))
            else:
                found.missing.append(Item(place, identity(item), item))
                aligned.append(item)  # told as missing; here it keeps the places of the others
        return aligned


def _pairs(
    recorded: list[Any], live: list[Any], live_id: Callable[[str], str], own: Callable[[str], bool]
) -> dict[int, int]:
    """Which live item each recorded one is."""
    places: dict[str, list[int]] = {}
    for at, item in enumerate(live):
        places.setdefault(identity(item), []).append(at)
    pairs: dict[int, int] = {}
    for at, item in enumerate(recorded):
        known = identity(item)
        if known and (same := places.get(live_id(known))):
            pairs[at] = same.pop(0)
    taken = set(pairs.values())
    left = [at for at, item in enumerate(recorded) if at not in pairs and not own(identity(item))]
    free = [at for at in range(len(live)) if at not in taken]
    if len(left) <= MOST_LEFT and len(free) <= MOST_LEFT:
        pairs |= _alike(recorded, live, left, free)
    return dict(sorted(pairs.items()))


def _alike(recorded: list[Any], live: list[Any], left: list[int], free: list[int]) -> dict[int, int]:
    """The best pairs by content; more than half of what is no id and no time must agree."""
    ours = {at: dict(_leaves(recorded[at])) for at in left}
    theirs = {at: dict(_leaves(live[at])) for at in free}
    scored = []
    for at, mine in ours.items():
        for other, content in theirs.items():
            agreed = sum(1 for name, value in mine.items() if name in content and content[name] == value)
            if agreed * 2 > max(len(mine), len(content)) or (not mine and not content):
                scored.append((agreed, at == other, -abs(at - other), at, other))
    pairs: dict[int, int] = {}
    for *_, at, other in sorted(scored, reverse=True):
        if at not in pairs and other not in pairs.values():
            pairs[at] = other
    return pairs


def _leaves(value: Any, where: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list) or not (names_an_id(name) or micros_of(str(inner)) is not None):
                yield from _leaves(inner, f"{where}.{name}", depth + 1)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{where}[{at}]", depth + 1)
    else:
        yield where, value
