"""Where the leaves of a JSON text stand, so that one can be replaced and every other byte stays as it was recorded."""

import re
from collections.abc import Iterator

# Part of the standard library since 2.6 and used by its own decoder; the type stubs leave it out.
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import NamedTuple

_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r"[^\s,\]}]+")
_DEEPEST = 100


class Leaf(NamedTuple):
    """A scalar: its RFC 6901 pointer, its place in the text, and the text of a string (None for any other scalar)."""

    pointer: str
    start: int
    end: int
    string: str | None


def leaves(text: str) -> Iterator[Leaf]:
    """The scalars of a JSON text in document order. Raises ValueError if it is not JSON, or deeper than 100."""
    yield from _Scanner(text).value(0, "", 0)


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0

    def value(self, at: int, pointer: str, depth: int) -> Iterator[Leaf]:
        """Afterwards `_end` is where the value ended."""
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        at = self._skip(at)
        first = self._text[at : at + 1]
        if first == '"':
            string, self._end = scanstring(self._text, at + 1)
            yield Leaf(pointer, at, self._end, string)
        elif first == "{":
            yield from self._members(at, pointer, depth)
        elif first == "[":
            yield from self._items(at, pointer, depth)
        else:
            found = _PLAIN.match(self._text, at)
            if found is None:
                raise ValueError(f"no value at {at}")
            self._end = found.end()
            yield Leaf(pointer, at, self._end, None)

    def _members(self, at: int, pointer: str, depth: int) -> Iterator[Leaf]:
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "}":
            self._end = at + 1
            return
        while True:
            self._expect(at, '"')
            name, at = scanstring(self._text, at + 1)
            at = self._expect(self._skip(at), ":")
            spelled = name.replace("~", "~0").replace("/", "~1")
            yield from self.value(at, f"{pointer}/{spelled}", depth + 1)
            at = self._skip(self._end)
            if self._text[at : at + 1] == "}":
                self._end = at + 1
                return
            at = self._skip(self._expect(at, ","))

    def _items(self, at: int, pointer: str, depth: int) -> Iterator[Leaf]:
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "]":
            self._end = at + 1
            return
        index = 0
        while True:
            yield from self.value(at, f"{pointer}/{index}", depth + 1)
            at = self._skip(self._end)
            if self._text[at : at + 1] == "]":
                self._end = at + 1
                return
            at = self._expect(at, ",")
            index += 1

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _expect(self, at: int, char: str) -> int:
        if self._text[at : at + 1] != char:
            raise ValueError(f"no {char!r} at {at}")
        return at + 1
