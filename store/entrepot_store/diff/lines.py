"""Compares text by line, into the hunks of a unified diff."""

from collections.abc import Iterator

from .align import Region, align, gaps
from .model import Hunk

CONTEXT = 3
"""Equal lines shown around what changed."""
_UNENDED = "\\ No newline at end of file"


def compare_lines(before: str, after: str) -> Iterator[Hunk]:
    """Lines end with LF; a CR before it belongs to the line, so that a change of line ends is seen."""
    old, new = _lines(before), _lines(after)
    group: list[Region] = []
    for region in gaps(align(old, new), len(old), len(new)):
        if group and region[0] - group[-1][1] > 2 * CONTEXT:
            yield _hunk(group, old, new)
            group = []
        group.append(region)
    if group:
        yield _hunk(group, old, new)


def _lines(text: str) -> list[str]:
    """With their ends, so that a last line without one differs from one with."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _hunk(group: list[Region], old: list[str], new: list[str]) -> Hunk:
    lead = min(CONTEXT, group[0][0])
    start, other = group[0][0] - lead, group[0][2] - lead
    trail = min(CONTEXT, len(old) - group[-1][1])
    end, other_end = group[-1][1] + trail, group[-1][3] + trail
    lines: list[str] = []
    position = start
    for first, last, other_first, other_last in group:
        _put(lines, " ", old[position:first])
        _put(lines, "-", old[first:last])
        _put(lines, "+", new[other_first:other_last])
        position = last
    _put(lines, " ", old[position:end])
    # As diff does it: a side without lines is named by the line before it.
    return Hunk(
        start + 1 if end > start else start,
        end - start,
        other + 1 if other_end > other else other,
        other_end - other,
        tuple(lines),
    )


def _put(lines: list[str], sign: str, more: list[str]) -> None:
    for line in more:
        lines.append(sign + line.removesuffix("\n"))
        if not line.endswith("\n"):
            lines.append(_UNENDED)
