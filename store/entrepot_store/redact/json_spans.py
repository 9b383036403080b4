"""Where the values that JSONPaths select stand in a JSON text. The text itself is not written anew: numbers keep their
digits, members their order, and what is not secret its bytes."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..jsonpaths import Path, Place, TooDeep, outermost
from .spans import Span, Unredactable

_BLANKS = re.compile(r"[ \t\n\r]*")
_skip = json.JSONDecoder().raw_decode

type _Tree = dict[str | int, _Tree | None]
"""Steps towards the selected values; None is a selected value."""


def json_spans(text: str, paths: Sequence[Path], start: int = 0, end: int | None = None) -> list[Span]:
    """Of the JSON document that is `text[start:end]`. Raises Unredactable if that is none, or says things twice."""
    document = text if start == 0 and end is None else text[start:end]
    try:
        data = json.loads(document, object_pairs_hook=_unique)
        places = {place for path in paths for place in path.places(data)}
    except (TooDeep, RecursionError):
        raise Unredactable("its JSON is nested too deeply") from None
    except Unredactable:
        raise
    except ValueError:
        # From None, and without its text: nothing of the body may get into a message or a traceback.
        raise Unredactable("it is not valid JSON") from None
    if not places:
        return []
    return [span._replace(start=span.start + start, end=span.end + start) for span in _Walk(document).spans(places)]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The last of members with one name would hide the others from the paths."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unredactable("its JSON has two members of one name")
    return members


class _Walk:
    """One pass through a text that is known to be JSON, into what is selected and over all else."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: list[Span] = []

    def spans(self, places: Iterable[Place]) -> list[Span]:
        tree: _Tree = {}
        for place in outermost(places):
            if not place:
                self._take(self._blanks(0), "body")
                return self._found
            here = tree
            for step in place[:-1]:
                below = here.setdefault(step, {})
                assert below is not None  # noqa: S101 # nothing selected lies above: they are the outermost
                here = below
            here[place[-1]] = None
        self._enter(self._blanks(0), tree, "body")
        return self._found

    def _enter(self, position: int, tree: _Tree, label: str) -> int:
        """`position` is at an object or array; returns the position behind it."""
        members = self._text[position] == "{"
        position = self._blanks(position + 1)
        number = 0
        while self._text[position] not in "}]":
            step: str | int = number
            if members:
                step, position = _skip(self._text, position)
                position = self._blanks(self._blanks(position) + 1)
            name = step if isinstance(step, str) else label
            if step not in tree:
                _, position = _skip(self._text, position)
            else:
                below = tree[step]
                position = self._take(position, name) if below is None else self._enter(position, below, name)
            position = self._blanks(position)
            if self._text[position] == ",":
                position = self._blanks(position + 1)
            number += 1
        return position + 1

    def _take(self, position: int, label: str) -> int:
        value, end = _skip(self._text, position)
        if value is not None and value != "":
            text = value if isinstance(value, str) else self._text[position:end]
            self._found.append(Span(position, end, label, text.encode("utf-8", "surrogatepass"), quoted=True))
        return end

    def _blanks(self, position: int) -> int:
        match = _BLANKS.match(self._text, position)
        return match.end() if match else position
