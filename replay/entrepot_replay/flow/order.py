"""Which steps must not overtake each other although no value ties them together: those on the same document.

A step comes after the last one on its own path, and after the last one on each path above it: a bucket is there before
its objects. A read comes after everything below its path too, because a list tells of its items. Paths named inside a
body (the parts of a batch) count like the step's own.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

MOST_AFTER = 64
"""A step that comes after more than this many comes after everything before it instead."""
DEEPEST = 32
"""Segments of a path that tell documents apart; what lies deeper keeps its order as if it were one."""


class PathOrder:
    """Sees the steps in recorded order and says which earlier ones each must wait for."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, ...], int] = {}
        self._below: dict[tuple[str, ...], list[int]] = defaultdict(list)

    def after(self, seq: int, paths: Iterable[str], *, whole: bool) -> Sequence[int] | None:
        """Earlier steps that step `seq` on these paths waits for; None for all of them. `whole`: it reads or removes
        what is below its paths as well."""
        found: set[int] = set()
        places = [tuple(part for part in path.partition("?")[0].split("/") if part)[:DEEPEST] for path in paths]
        for place in places:
            for depth in range(len(place) + 1):
                last = self._last.get(place[:depth])
                if last is not None:
                    found.add(last)
            if whole:
                found.update(self._below.get(place, ()))
        for place in places:
            self._last[place] = seq
            if whole:
                self._below.pop(place, None)
            for depth in range(len(place)):
                below = self._below[place[:depth]]
                if len(below) <= MOST_AFTER:  # one more than that says "all" already
                    below.append(seq)
        found.discard(seq)
        return None if len(found) > MOST_AFTER else sorted(found)
