"""What a path looks like when its values are left out: `/v1/orders/7` and `/v1/orders/8` as `/v1/orders/{number}`.

A segment whose text is of a kind that identifiers have is replaced by that kind; other text stays. A pure function of
the path: which of the kinds are parameters is decided when templates are read (`templates`), by what was seen to vary.
"""

import re
from typing import NamedTuple

ANYTHING = "/**"
"""The path that stands for all that no bound left room for."""
OTHER = "other"
"""The kind of text that no template can hold literally: braces, `*`, spaces, or too long."""

LONGEST_SEGMENT = 64
LONGEST_PATH = 400
"""Characters of a path that are told apart; what follows is `**`."""
DEEPEST = 24
_LONGEST_EMAIL = 320

_KINDS = re.compile(
    r"""
    (?P<number>[0-9]+)
  | (?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})
  | (?P<date>[0-9]{4}-[0-9]{2}(?:-[0-9]{2}(?:T[0-9:.+Z%a-f-]*)?)?)
  | (?P<hash>(?=[a-f]*[0-9])[0-9a-f]{12,64})
  | (?P<ulid>[0-7][0-9a-hjkmnp-tv-z]{25})
  | (?P<email>[^@%/]+(?:@|%40)[^@%/]+\.[a-z]{2,})
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_TOKEN = re.compile(r"(?=(?:[^0-9]*[0-9]){2})(?=(?:[^A-Z]*[A-Z]){2})(?=(?:[^a-z]*[a-z]){2})[A-Za-z0-9_-]{14,64}")
"""Made by a generator and no person: both cases and digits, mixed (`cus_9s6XKzkNRiz8i3`)."""
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}")
_UNFIT = re.compile(r"[\x00-\x20\x7f{}*?#]")


class Seen(NamedTuple):
    """A path without its values, and the values: one for each `{kind}` in it, None where it is not worth keeping."""

    path: str
    values: tuple[str | None, ...]


def kind_of(text: str) -> str | None:
    """`number`, `uuid`, `ulid`, `hash`, `date`, `email` or `token`; None for a word."""
    found = _KINDS.fullmatch(text)
    if found is not None:
        return found.lastgroup
    return "token" if _TOKEN.fullmatch(text) is not None else None


def generalise(path: str) -> Seen:
    """`path` is without its query."""
    segments = path.split("/")
    if segments[0] or len(segments) < 2 or len(segments) > DEEPEST + 1 or len(path) > LONGEST_PATH:
        return _shortened(path)
    values: list[str | None] = []
    # In place, and numbers first: this runs for every exchange.
    for place in range(1, len(segments)):
        segment = segments[place]
        part = "{number}" if segment.isdecimal() and segment.isascii() else _remembered.get(segment) or _part(segment)
        if part != segment:
            segments[place] = part
            values.append(_value(segment, part))
    return Seen("/".join(segments), tuple(values))


def _shortened(path: str) -> Seen:
    """A path that is too deep or too long, down to where it is; what is no path at all is anything."""
    if not path.startswith("/"):
        return Seen(ANYTHING, ())
    parts: list[str] = []
    values: list[str | None] = []
    length = 0
    for segment in path[1:].split("/", DEEPEST)[:DEEPEST]:
        part = _part(segment)
        length += len(part) + 1
        if length > LONGEST_PATH:
            break
        parts.append(part)
        if part != segment:
            values.append(_value(segment, part))
    else:
        if path.count("/") <= DEEPEST:
            return Seen("/" + "/".join(parts), tuple(values))
    return Seen("/" + "/".join((*parts, "**")), tuple(values))


def _value(segment: str, part: str) -> str | None:
    return None if part == "{other}" or len(segment) > LONGEST_SEGMENT else segment


def _part(segment: str) -> str:
    """The segment itself if it stays."""
    if len(segment) > LONGEST_SEGMENT:
        return "{email}" if len(segment) <= _LONGEST_EMAIL and kind_of(segment) == "email" else "{other}"
    found = _remembered.get(segment)
    if found is None:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        found = _remembered[segment] = _part_of(segment)
    return found


_remembered: dict[str, str] = {}
_MOST_REMEMBERED = 32_768


def _part_of(segment: str) -> str:
    kind = kind_of(segment)
    if kind is not None:
        return f"{{{kind}}}"
    if _UNFIT.search(segment):
        return "{other}"
    dot = segment.rfind(".")
    if dot > 0 and _EXTENSION.fullmatch(segment, dot):
        kind = kind_of(segment[:dot])
        if kind is not None:
            return f"{{{kind}}}{segment[dot:]}"
    return segment
