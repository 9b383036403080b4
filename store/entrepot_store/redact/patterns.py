"""Where regular expressions match, in a text as it is written and in what its escapes stand for.

A secret may be written with escapes that its expression does not foresee: `\\/` or `\\u0040` in JSON, `%40` in a form
or a URL. Strings and words that have such escapes are looked at once more without them, and hidden whole if something
is found there.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from .spans import Span

LABEL = "regex"

_STRING = re.compile(r'"(?>(?:[^"\\]|\\.)*)(?:"|\Z)', re.DOTALL)
_WORD = re.compile(r"[^&=;?#/\s\"'<>]+")


def compile_patterns(patterns: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


def pattern_spans(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Span]:
    """What the groups match, or, in a pattern without groups, all that it matches. They may overlap."""
    for pattern in patterns:
        names = {number: name for name, number in pattern.groupindex.items()}
        for match in pattern.finditer(text):
            for group in range(1, pattern.groups + 1) if pattern.groups else (0,):
                start, end = match.span(group)
                if start < end:
                    yield Span(start, end, names.get(group, LABEL), b"")


def string_spans(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Span]:
    """JSON strings in which something is found only without their escapes."""
    for match in _STRING.finditer(text) if "\\" in text else ():
        if "\\" in match[0]:
            value = _string(match[0])
            if value is not None and _found(value, match[0], patterns):
                yield Span(match.start(), match.end(), LABEL, value.encode("utf-8", "surrogatepass"), quoted=True)


def word_spans(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Span]:
    """Words of a form or URL in which something is found only without their percent-encoding."""
    for match in _WORD.finditer(text) if "%" in text else ():
        if "%" in match[0]:
            value = unquote(match[0].replace("+", " "), errors="surrogateescape")
            if _found(value, match[0], patterns):
                secret = unquote_to_bytes(match[0].encode("utf-8", "surrogateescape"))
                yield Span(match.start(), match.end(), LABEL, secret)


def _found(value: str, written: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    return value != written and any(pattern.search(value) for pattern in patterns)


def _string(token: str) -> str | None:
    try:
        value: Any = json.loads(token, strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) else None
