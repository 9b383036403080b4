"""Compares JSON by path: the order of keys, white space, escapes and the spelling of numbers do not count.

Numbers are compared exactly and not as doubles, so that a long amount that was rounded is noticed. Elements of an array
are matched by a member that names them (`id` and the like) if all have one, else by their order with what is equal as
anchors. Equal branches are found by numbers that stand for whole values, each value once for both documents.
"""

import json
import re
from collections.abc import Hashable, Iterator
from decimal import Decimal
from typing import Any

from .align import align, gaps
from .model import Op, PathChange

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMING = ("id", "_id", "uuid", "key", "name")
"""Members that name the element of an array they are in, the first that fits."""


def parse(text: str) -> Any:
    """Raises ValueError for what is no JSON, `NaN` included, and RecursionError for what nests too deep."""
    return json.loads(text, parse_float=Decimal, parse_int=_integer, parse_constant=_no_constant)


def compare_json(before: Any, after: Any) -> Iterator[PathChange]:
    """Every leaf or branch in which two parsed documents differ. Raises RecursionError for what nests too deep."""
    yield from _compare("$", before, after, _Marks())


def _integer(text: str) -> int | Decimal:
    # Python refuses to make an int of more than 4300 digits, for good reason; a Decimal compares as well.
    return int(text) if len(text) < 1000 else Decimal(text)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


class _Marks:
    """Gives every value a number, the same to equal values. Branches are remembered by identity: both documents live
    as long as this does."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._branches: dict[int, int] = {}
        self._elements: dict[int, tuple[int, ...]] = {}

    def of(self, value: Any) -> int:
        if not isinstance(value, dict | list):
            return self._numbers.setdefault((_kind(value), value), len(self._numbers))
        found = self._branches.get(id(value))
        if found is None:
            shape: Hashable
            if isinstance(value, dict):
                shape = ("object", tuple((name, self.of(value[name])) for name in sorted(value)))
            else:
                shape = self._elements[id(value)] = tuple(map(self.of, value))
            found = self._branches[id(value)] = self._numbers.setdefault(shape, len(self._numbers))
        return found

    def elements(self, array: list[Any]) -> tuple[int, ...]:
        """Those of an array's elements. The array has been marked."""
        return self._elements[id(array)]


def _compare(path: str, before: Any, after: Any, marks: _Marks) -> Iterator[PathChange]:
    if marks.of(before) == marks.of(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            where = f"{path}.{name}" if _PLAIN_NAME.fullmatch(name) else f"{path}[{json.dumps(name)}]"
            if name not in after:
                yield PathChange(Op.REMOVED, where, before=plain(before[name]))
            elif name not in before:
                yield PathChange(Op.ADDED, where, after=plain(after[name]))
            else:
                yield from _compare(where, before[name], after[name], marks)
    elif isinstance(before, list) and isinstance(after, list):
        name = next((name for name in _NAMING if _names(name, before) and _names(name, after)), None)
        if name is None:
            yield from _compare_by_order(path, before, after, marks)
        else:
            yield from _compare_by_name(path, before, after, name, marks)
    else:
        yield PathChange(Op.CHANGED, path, plain(before), plain(after))


def _names(name: str, elements: list[Any]) -> bool:
    """Whether every element is an object with a member of that name, and no two have the same."""
    if not all(isinstance(element, dict) and isinstance(element.get(name), str | int) for element in elements):
        return False
    return len({(_kind(element[name]), element[name]) for element in elements}) == len(elements)


def _compare_by_name(path: str, before: list[Any], after: list[Any], name: str, marks: _Marks) -> Iterator[PathChange]:
    places = {marks.of(element[name]): index for index, element in enumerate(after)}
    order: list[int] = []
    for index, element in enumerate(before):
        place = places.pop(marks.of(element[name]), None)
        if place is None:
            yield PathChange(Op.REMOVED, f"{path}[{index}]", before=plain(element))
            continue
        order.append(place)
        yield from _compare(f"{path}[{place}]", element, after[place], marks)
    for place in places.values():
        yield PathChange(Op.ADDED, f"{path}[{place}]", after=plain(after[place]))
    if order != sorted(order):
        yield PathChange(Op.MOVED, path)


def _compare_by_order(path: str, before: list[Any], after: list[Any], marks: _Marks) -> Iterator[PathChange]:
    pairs = align(marks.elements(before), marks.elements(after))
    for start, end, other, other_end in gaps(pairs, len(before), len(after)):
        both = min(end - start, other_end - other)
        for step in range(both):
            yield from _compare(f"{path}[{other + step}]", before[start + step], after[other + step], marks)
        for index in range(start + both, end):
            yield PathChange(Op.REMOVED, f"{path}[{index}]", before=plain(before[index]))
        for index in range(other + both, other_end):
            yield PathChange(Op.ADDED, f"{path}[{index}]", after=plain(after[index]))


def _kind(value: Any) -> str:
    """JSON's own types: `true` is no number although Python thinks so, and `1` is the same number as `1.0`."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | Decimal) else type(value).__name__


def plain(value: Any) -> Any:
    """A value as every JSON writer takes it. A number that no double holds comes as text, and so does half of a
    surrogate pair, which UTF-8 does not hold."""
    if isinstance(value, dict):
        return {_writable(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal):
        double = float(value)
        return double if repr(double) not in ("inf", "-inf") and Decimal(repr(double)) == value else str(value)
    return _writable(value) if isinstance(value, str) else value


def _writable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
