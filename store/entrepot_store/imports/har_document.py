"""Walks a HAR document entry by entry, so that memory holds the file's text and one entry, not a tree of all of them.

The whole document is read once before anything is taken from it: a file that ends in the middle, as browsers leave
when they crash, is refused as a whole instead of being imported by half.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import BadInput

_SPACE = re.compile(r"[ \t\n\r]*")


class HarDocument:
    """A HAR file. `creator` is the program that wrote it (empty if it does not say)."""

    def __init__(self, path: Path) -> None:
        """Reads and checks the whole file. Raises BadInput with the reason, OSError."""
        self.creator = ""
        self._starts: list[int] | None = None
        self._decoder = json.JSONDecoder()
        try:
            self._text = path.read_bytes().decode("utf-8-sig")
            self._survey()
        except UnicodeDecodeError:
            raise BadInput(f"{path}: is not a HAR file: HAR is JSON in UTF-8.") from None
        except RecursionError:
            raise BadInput(f"{path}: is not a HAR file: it is nested too deeply.") from None
        except ValueError as error:  # json.JSONDecodeError among them
            raise BadInput(f"{path}: is not a whole HAR file: {error}.", hint="Nothing was imported.") from None

    def __len__(self) -> int:
        return len(self._starts or ())

    def entries(self) -> Iterator[Any]:
        """Every element of `log.entries`, whatever it is."""
        for start in self._starts or ():
            yield self._decoder.raw_decode(self._text, start)[0]

    def _survey(self) -> None:
        """Finds the entries. Raises ValueError, RecursionError."""
        end = self._object(self._skip(0), self._top)
        if self._skip(end) != len(self._text):
            raise ValueError("something follows the end of its JSON")
        if self._starts is None:
            raise ValueError("it has no log.entries")

    def _top(self, key: str, at: int) -> int:
        return self._object(at, self._log) if key == "log" else self._value(at)[1]

    def _log(self, key: str, at: int) -> int:
        if key == "entries":
            starts: list[int] = []
            end = self._array(at, starts)
            self._starts = starts
            return end
        value, end = self._value(at)
        if key == "creator" and isinstance(value, dict):
            self.creator = str(value.get("name", ""))
        return end

    def _object(self, at: int, visit: Callable[[str, int], int]) -> int:
        """Walks an object; `visit(key, start)` says where the value that begins at `start` ends."""
        at = self._skip(self._expect("{", at))
        if self._text.startswith("}", at):
            return at + 1
        while True:
            key, at = self._value(at)
            if not isinstance(key, str):
                raise ValueError(f"a member of an object has no name at character {at}")  # noqa: TRY004 - of the file
            at = self._skip(visit(key, self._skip(self._expect(":", self._skip(at)))))
            if not self._text.startswith(",", at):
                return self._expect("}", at)
            at = self._skip(at + 1)

    def _array(self, at: int, starts: list[int]) -> int:
        """Walks an array and notes where its elements start."""
        at = self._skip(self._expect("[", at))
        if self._text.startswith("]", at):
            return at + 1
        while True:
            starts.append(at)
            at = self._skip(self._value(at)[1])
            if not self._text.startswith(",", at):
                return self._expect("]", at)
            at = self._skip(at + 1)

    def _value(self, at: int) -> tuple[Any, int]:
        return self._decoder.raw_decode(self._text, at)

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _expect(self, character: str, at: int) -> int:
        if not self._text.startswith(character, at):
            found = repr(self._text[at]) if at < len(self._text) else "the end of the file"
            raise ValueError(f"{character!r} was expected at character {at}, there is {found}")
        return at + 1
