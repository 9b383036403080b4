"""JSONPath (RFC 9535) as rules write it: the one place where paths are compiled and applied.

`config.rule` checks paths with it; `redact`, `documents` and the catalog's index fields look into payloads with it.
The syntax is the RFC's and nothing else. Its two functions that take regular expressions, `match()` and `search()`,
are refused: captured payloads are hostile, and a regular expression can be made to run for hours by what it reads.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from jsonpath import JSONPathEnvironment
from jsonpath.exceptions import JSONPathError, JSONPathRecursionError
from jsonpath.match import JSONPathMatch
from jsonpath.path import JSONPath
from jsonpath.segments import JSONPathRecursiveDescentSegment
from jsonpath.selectors import IndexSelector, NameSelector, WildcardSelector

type Place = tuple[str | int, ...]
"""Where a value stands: member names and item numbers from the root on."""

LONGEST = 1000
"""Characters of a path."""
DEEPEST = 100
"""Levels of nesting that `..` follows."""


class TooDeep(ValueError):
    """The data is nested deeper than a path with `..` follows (DEEPEST levels)."""


class _Step(NamedTuple):
    """One segment of a plain path. A selector is a name, an index, or None for all."""

    descends: bool
    selectors: tuple[str | int | None, ...]


type _Node = tuple[Place, Any]


class _Environment(JSONPathEnvironment):
    max_recursion_depth = DEEPEST

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        for name in set(self.function_extensions) - {"length", "count", "value"}:
            del self.function_extensions[name]


_environment = _Environment(strict=True)


class Path:
    """One compiled path. Data is what `json.loads` makes. Shared freely between threads."""

    __slots__ = ("_compiled", "_steps", "text")

    def __init__(self, text: str, compiled: JSONPath) -> None:
        self.text = text
        self._compiled = compiled
        self._steps = _plain_steps(compiled)

    @property
    def is_root(self) -> bool:
        """Whether it can select nothing but the whole document."""
        return not self._compiled.segments

    def places(self, data: Any) -> list[Place]:
        """Where the selected values stand, in the order of the RFC, each once. Raises TooDeep."""
        return list(dict.fromkeys(place for place, _ in self._nodes(data)))

    def find(self, data: Any) -> list[Any]:
        """The selected values. Raises TooDeep."""
        return [value for _, value in self._nodes(data)]

    def replace(self, data: Any, new: Callable[[Any], Any]) -> Any:
        """Puts `new(value)` in the place of each selected value, within `data`; returns `data`, or what replaced it
        as a whole. A value within another selected one goes with it. Raises TooDeep."""
        for place in outermost(self.places(data)):
            if not place:
                return new(data)
            holder = _at(data, place[:-1])
            holder[place[-1]] = new(holder[place[-1]])
        return data

    def remove(self, data: Any) -> Any:
        """Takes the selected members and items out of `data`, and returns it; None if all of it was selected.
        Raises TooDeep."""
        # Backwards: the items behind a removed one move up.
        for place in sorted(outermost(self.places(data)), key=_order, reverse=True):
            if not place:
                return None
            del _at(data, place[:-1])[place[-1]]
        return data

    def _nodes(self, data: Any) -> Iterable[_Node]:
        if self._steps is None:
            return [(match.parts, match.obj) for match in self._matches(data)]
        nodes: list[_Node] = [((), data)]
        for step in self._steps:
            if step.descends:
                nodes = [below for node in nodes for below in self._containers(node)]
            nodes = [child for node in nodes for child in _children(node, step.selectors)]
        return nodes

    def _containers(self, node: _Node) -> list[_Node]:
        """The node and all objects and arrays within it, parents first."""
        found: list[_Node] = []
        stack = [node] if isinstance(node[1], dict | list) else []
        while stack:
            place, value = here = stack.pop()
            found.append(here)
            if len(place) - len(node[0]) > DEEPEST:
                raise TooDeep(f"the data is nested too deeply for {self.text}")
            items = value.items() if isinstance(value, dict) else enumerate(value)
            below = [((*place, key), item) for key, item in items if isinstance(item, dict | list)]
            below.reverse()
            stack += below
        return found

    def _matches(self, data: Any) -> Iterable[JSONPathMatch]:
        # Not by `finditer`, which takes a text for JSON that is still to be parsed.
        matches: Iterable[JSONPathMatch] = (
            JSONPathMatch(filter_context={}, obj=data, parent=None, path="$", parts=(), root=data),
        )
        for segment in self._compiled.segments:
            matches = segment.resolve(matches)
        try:
            # The library also slices texts, which the RFC does not.
            return [match for match in matches if match.parent is None or not isinstance(match.parent.obj, str)]
        except (JSONPathRecursionError, RecursionError) as error:
            raise TooDeep(f"the data is nested too deeply for {self.text}") from error

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


@lru_cache(maxsize=1024)
def compile_path(text: str) -> Path:
    """Raises ValueError, with what is wrong and where, for a path that is malformed."""
    if len(text) > LONGEST:
        raise ValueError(f"a JSONPath has at most {LONGEST} characters; this one has {len(text)}")
    if not text.startswith("$"):
        raise ValueError(f"{text!r} is not a JSONPath: it does not begin with $")
    try:
        compiled = _environment.compile(text)
    except JSONPathError as error:
        place = error.token.index if error.token and 0 <= error.token.index < len(text) else None
        where = "at its end" if place is None else f"at character {place + 1}"
        raise ValueError(f"{text!r} is not a JSONPath: {error.message} {where}") from None
    if not isinstance(compiled, JSONPath):
        raise ValueError(f"{text!r} is several JSONPaths; write them as a list")  # noqa: TRY004 - a malformed value
    return Path(text, compiled)


def outermost(places: Iterable[Place]) -> list[Place]:
    """Without those that stand within another one of them."""
    known = set(places)
    return [place for place in known if not any(place[:length] in known for length in range(len(place)))]


def _plain_steps(compiled: JSONPath) -> tuple[_Step, ...] | None:
    """The segments of a path of names, indexes and `*`, which nearly all are: done here at a tenth of the library's
    cost. None for a path with slices or filters, which are the library's."""
    steps = []
    for segment in compiled.segments:
        selectors: list[str | int | None] = []
        for selector in segment.selectors:
            if type(selector) is NameSelector:
                selectors.append(selector.name)
            elif type(selector) is IndexSelector:
                selectors.append(selector.index)
            elif type(selector) is WildcardSelector:
                selectors.append(None)
            else:
                return None
        steps.append(_Step(isinstance(segment, JSONPathRecursiveDescentSegment), tuple(selectors)))
    return tuple(steps)


def _children(node: _Node, selectors: tuple[str | int | None, ...]) -> Iterator[_Node]:
    place, value = node
    for selector in selectors:
        if selector is None:
            items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            for key, item in items:
                yield (*place, key), item
        elif isinstance(selector, str):
            if isinstance(value, dict) and selector in value:
                yield (*place, selector), value[selector]
        elif isinstance(value, list) and -len(value) <= selector < len(value):
            yield (*place, selector % len(value)), value[selector]


def _order(place: Place) -> tuple[tuple[bool, str | int], ...]:
    return tuple((isinstance(step, str), step) for step in place)


def _at(data: Any, place: Place) -> Any:
    for step in place:
        data = data[step]
    return data
