"""Range, If-Range and If-None-Match (RFC 9110) over a body whose size and digest are known. Pure functions."""

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE | re.ASCII)
_TAG = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(slots=True, frozen=True)
class Span:
    """Bytes `start` (inclusive) to `end` (exclusive) of a body."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def requested_span(header: str | None, size: int) -> Span | None:
    """The span a Range header asks for; None if there is no such header or it is one to ignore (malformed, another
    unit, several ranges: a server may answer those with the whole). An empty Span means that nothing of it exists: 416.
    """
    match = _SINGLE.fullmatch(header) if header is not None else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return Span(max(size - int(match[2]), 0), size)
    start = int(match[1])
    end = int(match[2]) + 1 if match[2] else size
    if match[2] and end <= start:
        return None  # "bytes=5-2" is malformed, not unsatisfiable
    return Span(start, min(end, size)) if start < size else Span(size, size)


def range_applies(if_range: str | None, etag: str) -> bool:
    """Whether the Range may be honoured: always without If-Range, else for the very same strong tag only. A date never
    matches, because a captured body has none."""
    return if_range is None or if_range.strip() == etag


def is_fresh(if_none_match: str | None, etag: str) -> bool:
    """Whether the client already has this body: 304. Weak tags compare equal to strong ones here."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)
