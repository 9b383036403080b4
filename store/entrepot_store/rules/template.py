"""OpenAPI-style path templates, for rules and for the catalog's `path_template` filter.

    /v1/settings/{user}     `{name}` stands for one segment, or for one or more characters of one (`/{id}.json`)
    /v1/reports/*.csv       `*` stands for any number of characters within one segment, none included
    /v1/files/**            `**` stands for any number of whole segments, none included: `/v1/files` matches as well

A template speaks of the path without its query, byte by byte: percent-encoding is not undone, case and a trailing `/`
count. Matching takes time proportional to the path, whatever it holds: hostile clients choose the paths. That is why
wildcards are compiled to atomic groups. In a glob the leftmost match of every literal is as good as any other, so
nothing is lost by never trying a second one.
"""

import re
from functools import lru_cache

_PIECE = re.compile(r"\*+|\{[^{}]*\}|[{}]|[^*{}]+")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WILDCARDS = "*{"
ACROSS = "**"
LONGEST = 2000
"""Characters of a template; they also come over the API, and compiling takes time."""


class PathTemplate:
    """One compiled template. Equal templates are interchangeable; compiled ones are shared."""

    __slots__ = ("_in_bytes", "_in_text", "literal_prefix", "pattern", "segments", "text")

    def __init__(self, text: str, segments: tuple[tuple[str, ...], ...]) -> None:
        self.text = text
        self.segments = segments
        """The pieces of each segment: literals, `*`, `{name}`; `**` stands alone in its segment."""
        self.pattern = _pattern(segments)
        """A regular expression without groups that a matching path matches as a whole, in text or in UTF-8."""
        self._in_text = re.compile(self.pattern)
        self._in_bytes = re.compile(self.pattern.encode())
        self.literal_prefix = _literal_prefix(segments)
        """Every path that matches begins with this: what an index can look up."""

    @staticmethod
    def compile(template: str) -> "PathTemplate":
        """Raises ValueError, with what is wrong and where, for a template that is malformed."""
        return _compiled(template)

    def matches(self, path: str | bytes) -> bool:
        """Whether the whole path, given without its query, matches."""
        if isinstance(path, bytes):
            return self._in_bytes.fullmatch(path) is not None
        return self._in_text.fullmatch(path) is not None

    @property
    def sql_like(self) -> str:
        """A LIKE pattern, with `\\` as its escape character, that every matching path matches (and others may)."""
        parts = []
        for segment in self.segments:
            if segment == (ACROSS,):
                parts.append("%")
                continue
            parts.append("/")
            parts.extend("%" if piece == "*" else "_%" if piece[:1] == "{" else _like(piece) for piece in segment)
        return "".join(parts)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"PathTemplate({self.text!r})"


@lru_cache(maxsize=1024)
def _compiled(template: str) -> PathTemplate:
    return PathTemplate(template, _parse(template))


def _parse(template: str) -> tuple[tuple[str, ...], ...]:
    if len(template) > LONGEST:
        raise ValueError(f"a path template has at most {LONGEST} characters; this one has {len(template)}")
    if not template.startswith("/"):
        raise ValueError(f"{template!r} does not begin with /")
    if "?" in template or "#" in template:
        raise ValueError(f"{template!r} has a query or a fragment, which a path template cannot match")
    if any(c <= " " or c == "\x7f" for c in template):
        raise ValueError(f"{template!r} has a space or a control character, which a path cannot hold")
    segments = tuple(_parse_segment(template, segment) for segment in template[1:].split("/"))
    names = [piece[1:-1] for segment in segments for piece in segment if piece.startswith("{")]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{template!r} has two parameters named {twice[0]!r}")
    return segments


def _parse_segment(template: str, segment: str) -> tuple[str, ...]:
    pieces = tuple(_PIECE.findall(segment))
    for position, piece in enumerate(pieces):
        if piece in ("{", "}"):
            raise ValueError(f"{template!r} has an unbalanced brace")
        if piece.startswith("{") and not _PARAMETER.fullmatch(piece[1:-1]):
            raise ValueError(f"{template!r} has {piece}, where a name such as {{user}} is expected")
        if piece.startswith("**") and len(pieces) > 1:
            raise ValueError(f"{template!r} has ** beside other text; it stands for whole segments, as in /a/**/b")
        if piece.startswith("***"):
            raise ValueError(f"{template!r} has {piece}; only * and ** mean something")
        if position and piece[0] in _WILDCARDS and pieces[position - 1][0] in _WILDCARDS:
            raise ValueError(f"{template!r} has two wildcards side by side in one segment")
    return pieces


def _pattern(segments: tuple[tuple[str, ...], ...]) -> str:
    """Runs of plain segments between `**`: each run but the last takes its leftmost place and keeps it."""
    runs: list[list[tuple[str, ...]]] = [[]]
    for segment in segments:
        if segment == (ACROSS,):
            runs.append([])
        else:
            runs[-1].append(segment)
    first, *rest = ("".join("/" + _segment_pattern(segment) for segment in run) for run in runs)
    if not rest:
        return first
    *middle, last = rest
    return (
        first
        + "".join(rf"(?>(?:/[^/]*)*?{run}(?![^/]))" for run in middle if run)
        + (rf"(?:/[^/]*)*{last}" if last else r"(?:/[^/]*)*")
    )


def _segment_pattern(pieces: tuple[str, ...]) -> str:
    """One segment. A literal behind a wildcard is found leftmost and for good, unless it ends the segment."""
    parts = []
    pending = ""  # the wildcard that precedes the next literal
    for position, piece in enumerate(pieces):
        if piece == "*":
            pending = "[^/]*"
        elif piece.startswith("{"):
            pending = "[^/]+"
        elif not pending:
            parts.append(re.escape(piece))
        else:
            ends = position == len(pieces) - 1
            parts.append(f"{pending}{re.escape(piece)}" if ends else f"(?>{pending}?{re.escape(piece)})")
            pending = ""
    return "".join(parts) + pending


def _literal_prefix(segments: tuple[tuple[str, ...], ...]) -> str:
    prefix = ""
    for segment in segments:
        if segment == (ACROSS,):
            return prefix  # without the slash: /a/** matches /a
        prefix += "/"
        for piece in segment:
            if piece[0] in _WILDCARDS:
                return prefix
            prefix += piece
    return prefix


def _like(literal: str) -> str:
    return literal.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
