"""Pieces of a text that are secrets, and putting references in their places: all else stays as it is, byte for byte."""

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Unredactable(ValueError):
    """Where the secrets are cannot be told; the message says why and never quotes the body."""


class Span(NamedTuple):
    """`text[start:end]` stands for `secret`; `quoted` says that a JSON string takes its place."""

    start: int
    end: int
    label: str
    secret: bytes
    quoted: bool = False


def splice(text: str, spans: Iterable[Span], hide: Callable[[Span], str]) -> str:
    """The text with `hide(span)` in the place of every span. They must not overlap."""
    parts = []
    position = 0
    for span in sorted(spans):
        parts.append(text[position : span.start])
        replacement = hide(span)
        parts.append(f'"{replacement}"' if span.quoted else replacement)
        position = span.end
    parts.append(text[position:])
    return "".join(parts)


def apart(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """Those of `spans`, which are in order and do not overlap, that overlap none of `others`."""
    edges = sorted((span.start, span.end) for span in others)
    result, position = [], 0
    for span in spans:
        while position < len(edges) and edges[position][1] <= span.start:
            position += 1
        if position == len(edges) or edges[position][0] >= span.end:
            result.append(span)
    return result


def uncovered(spans: Iterable[Span], others: Iterable[Span], text: str) -> list[Span]:
    """What of `spans` lies outside of `others`, which do not overlap; those that overlap one another become one."""
    result = []
    taken = sorted((span.start, span.end) for span in others)
    position = 0  # of the first taken one that may still overlap
    for joined, end, label in _joined(spans):
        while position < len(taken) and taken[position][1] <= joined:
            position += 1
        start, here = joined, position
        while start < end:
            free = min(end, taken[here][0]) if here < len(taken) else end
            if start < free:
                result.append(Span(start, free, label, text[start:free].encode("utf-8", "surrogateescape")))
            if here == len(taken):
                break
            start, here = max(start, taken[here][1]), here + 1
    return result


def _joined(spans: Iterable[Span]) -> Iterable[tuple[int, int, str]]:
    current: tuple[int, int, str] | None = None
    for span in sorted(spans):
        if current is not None and span.start < current[1]:
            current = current[0], max(current[1], span.end), current[2]
            continue
        if current is not None:
            yield current
        current = span.start, span.end, span.label
    if current is not None:
        yield current
