"""Pairs up the equal elements of two sequences, so that what was put in at the front does not make everything behind it
look changed. Lines, rows and elements of JSON arrays are aligned by it.

Patience diff: elements that occur once on both sides are anchors, what lies between anchors is aligned in the same way,
and small rests without an anchor go to difflib. difflib alone takes quadratic time, and a captured document may be
made for that: beyond a fixed amount of work, what is left stays unpaired, which is correct and merely less fine.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher

WORK = 4_000_000
"""Elements looked at before the rest stays unpaired; about a second."""
_SMALL = 250_000
"""Product of the lengths up to which difflib is asked."""

type Region = tuple[int, int, int, int]
"""Elements `[0]` to `[1]` of the one sequence and `[2]` to `[3]` of the other."""


def align(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Positions of equal elements in both, ascending in both."""
    pairs: list[tuple[int, int]] = []
    work = WORK
    regions: list[Region] = [(0, len(before), 0, len(after))]
    while regions:
        region = _trimmed(before, after, regions.pop(), pairs)
        start, end, other, other_end = region
        size, other_size = end - start, other_end - other
        if not size or not other_size or work <= 0:
            continue
        work -= size + other_size
        anchors = _anchors(before, after, region)
        if anchors:
            regions += _between(anchors, region)
            pairs += anchors
        elif size * other_size <= _SMALL:
            work -= size * other_size
            matcher = SequenceMatcher(None, before[start:end], after[other:other_end], autojunk=False)
            for block in matcher.get_matching_blocks():
                pairs += ((start + block.a + step, other + block.b + step) for step in range(block.size))
    pairs.sort()
    return pairs


def gaps(pairs: Sequence[tuple[int, int]], before: int, after: int) -> Iterator[Region]:
    """What lies between the pairs of two sequences of these lengths: regions of which one side may be empty."""
    start = other = 0
    for position, other_position in (*pairs, (before, after)):
        if position > start or other_position > other:
            yield start, position, other, other_position
        start, other = position + 1, other_position + 1


def _trimmed(
    before: Sequence[Hashable], after: Sequence[Hashable], region: Region, pairs: list[tuple[int, int]]
) -> Region:
    """The region without what is equal at its beginning and its end, which is added to the pairs."""
    start, end, other, other_end = region
    while start < end and other < other_end and before[start] == after[other]:
        pairs.append((start, other))
        start, other = start + 1, other + 1
    while start < end and other < other_end and before[end - 1] == after[other_end - 1]:
        end, other_end = end - 1, other_end - 1
        pairs.append((end, other_end))
    return start, end, other, other_end


def _anchors(before: Sequence[Hashable], after: Sequence[Hashable], region: Region) -> list[tuple[int, int]]:
    """The longest ascending run of elements that occur exactly once on both sides."""
    start, end, other, other_end = region
    count, other_count = Counter(before[start:end]), Counter(after[other:other_end])
    places = {after[place]: place for place in range(other, other_end) if other_count[after[place]] == 1}
    unique = [
        (place, places[before[place]])
        for place in range(start, end)
        if count[before[place]] == 1 and before[place] in places
    ]
    return _ascending(unique)


def _ascending(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence that ascends in the second position as well as in the first (patience sorting)."""
    ends: list[int] = []  # the smallest last value of a run of each length
    last: list[int] = []  # which pair that is
    previous: list[int] = []
    for index, (_, value) in enumerate(pairs):
        length = bisect_left(ends, value)
        ends[length : length + 1] = [value]
        last[length : length + 1] = [index]
        previous.append(last[length - 1] if length else -1)
    found: list[tuple[int, int]] = []
    index = last[-1] if last else -1
    while index >= 0:
        found.append(pairs[index])
        index = previous[index]
    return found[::-1]


def _between(anchors: list[tuple[int, int]], region: Region) -> Iterator[Region]:
    start, end, other, other_end = region
    for position, other_position in (*anchors, (end, other_end)):
        if position > start and other_position > other:
            yield start, position, other, other_position
        start, other = position + 1, other_position + 1
