"""Where the values of named fields stand in form bodies: `application/x-www-form-urlencoded` and multipart."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from .spans import Span, Unredactable

_FIELD = re.compile(r"(?:^|[?#;])([^=?#;]*)=")
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_HEADER = re.compile(r"^([!-9;-~]+)[ \t]*:[ \t]*(.*(?:\r?\n[ \t].*)*)", re.MULTILINE)
_NAME = re.compile(r';\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.IGNORECASE)
_EXTENDED = re.compile(r";\s*name\*[0-9*]*\s*=", re.IGNORECASE)


def form_spans(text: str, fields: frozenset[str]) -> Iterator[Span]:
    """Of `a=1&b=2`. Names in lower case; a value reaches to the next `&`, as in queries."""
    start = 0
    for part in text.split("&"):
        for match in _FIELD.finditer(part):
            name = unquote(match[1].replace("+", " ")).strip().lower()
            value = part[match.end() :]
            # What ends the last line ends the form, and is no part of its last value.
            bare = value.rstrip("\r\n")
            if name in fields and bare:
                at = start + match.end()
                secret = unquote_to_bytes(bare.replace("+", " ").encode("utf-8", "surrogateescape"))
                yield Span(at, at + len(bare), name, secret)
                break
        start += len(part) + 1


class Part(NamedTuple):
    """One part of a multipart body: its content is `text[start:end]`."""

    name: str
    content_type: str
    start: int
    end: int


def parts(text: str, content_type: str, start: int, end: int) -> Iterator[Part]:
    """The parts of the multipart body that is `text[start:end]`. Raises Unredactable if it is not well formed."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise Unredactable("its multipart boundary is not known")
    delimiter = re.compile(rf"(?:\A|\r?\n)--{re.escape(match[1] or match[2])}(--)?[ \t]*(?=\r?\n|\Z)")
    body = text[start:end]
    found = list(delimiter.finditer(body))
    if not found or found[-1][1] is None:
        raise Unredactable("its multipart body has no end")
    for opening, closing in pairwise(found):
        if opening[1] is not None:
            raise Unredactable("its multipart body goes on behind its end")
        yield _part(body, opening.end(), closing.start(), start)


def _part(body: str, opening: int, closing: int, offset: int) -> Part:
    head = re.compile(r"\r?\n((?:[^\r\n]+\r?\n)*)\r?\n").match(body, opening, closing + 2)
    if head is None or head.end() > closing + 2:
        raise Unredactable("a part of its multipart body has no end of headers")
    lines = [(name.lower(), value) for name, value in _HEADER.findall(head[1])]
    headers = dict(lines)
    if len(headers) != len(lines):
        raise Unredactable("a part of its multipart body has two headers of one name")
    disposition = headers.get("content-disposition", "")
    if _EXTENDED.search(disposition):
        raise Unredactable("a part of its multipart body has a name of an unusual form")
    if headers.get("content-transfer-encoding", "binary").strip().lower() not in ("binary", "8bit", "7bit"):
        raise Unredactable("a part of its multipart body is encoded")
    named = _NAME.search(disposition)
    name = re.sub(r"\\(.)", r"\1", named[1]) if named and named[1] is not None else (named[2] if named else "")
    begins = min(head.end(), closing)
    return Part(unquote(name).strip().lower(), headers.get("content-type", ""), offset + begins, offset + closing)
