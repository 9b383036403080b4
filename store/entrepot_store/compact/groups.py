"""Which small segments become one. A pure function over what the catalog knows of them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ..catalog.retention import Weight

SMALL = 16 * 1024 * 1024
"""Segments from this size on are left as they are."""
LARGEST = 64 * 1024 * 1024
MOST_EXCHANGES = 50_000
"""Whoever reads a whole segment holds a row of each in memory: a few KiB, most of them headers."""
ENOUGH = 8
"""So many segments are merged even if what comes of it is still small…"""
DEAD_PART = 0.25
"""A segment of which more than this is dead is written again."""


def groups(weights: Iterable[Weight], *, eager: bool = False) -> Iterator[Sequence[Weight]]:
    """Segments to merge, in the order of their keys, each group of one class.

    A group is worth writing when it makes a whole segment, or when it is of many segments and none of them is most of
    it (…so that what was merged yesterday is not written again for every little that came since: a byte is rewritten a
    logarithmic number of times). `eager` merges whatever is small.
    """
    for _, of_class in groupby(sorted(weights, key=_place), key=lambda weight: weight.segment.retention_class):
        group: list[Weight] = []
        for weight in of_class:
            if weight.segment.size >= SMALL:
                continue
            if group and not _fits(group, weight):
                if _worthwhile(group, eager=eager):
                    yield group
                group = []
            group.append(weight)
        if _worthwhile(group, eager=eager):
            yield group


def heavy(weights: Iterable[Weight], *, part: float = DEAD_PART) -> Iterator[Weight]:
    """Segments that hold much that nothing refers to. Only those that lost exchanges: WebSocket messages count as dead,
    because the catalog does not know their places, and would be written again and again."""
    return (
        weight
        for weight in weights
        if weight.exchanges < weight.segment.exchanges and weight.dead_bytes > part * weight.segment.size
    )


def _place(weight: Weight) -> tuple[str, str]:
    return weight.segment.retention_class, weight.segment.key


def _fits(group: Sequence[Weight], weight: Weight) -> bool:
    size = sum(found.segment.size for found in group)
    exchanges = sum(found.exchanges for found in group) + weight.exchanges
    return size < SMALL and size + weight.segment.size <= LARGEST and exchanges <= MOST_EXCHANGES


def _worthwhile(group: Sequence[Weight], *, eager: bool) -> bool:
    if len(group) < 2:
        return False
    size, largest = sum(found.segment.size for found in group), max(found.segment.size for found in group)
    full = size >= SMALL or sum(found.exchanges for found in group) > MOST_EXCHANGES // 2
    return eager or full or (len(group) >= ENOUGH and largest * 2 <= size)
