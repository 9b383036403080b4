"""An answer's head, out of its bytes: status, headers as they came, and how its body ends (RFC 9112 §6.3).

Lenient where RFC 9112 asks a recipient to be (a bare LF, folded lines), strict wherever two readers could disagree on
where an answer ends: that is how one answer is taken for two.
"""

import re
from dataclasses import dataclass

from entrepot_store.model import Headers

from .request_head import TOKEN

MAX_HEAD = 128 * 1024
"""Bytes of one head, and of the trailers of a body; more than any server sends."""

_BEGIN = b"HTTP/1."
_STATUS = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: [^\0\r\n]*)?\r?\n")
_FIELDS = re.compile(rb"(?:%b:[^\0\r\n]*\r?\n)*" % TOKEN)
_FIELD = re.compile(rb"([^:\r\n]+):([^\r\n]*)\r?\n")
_FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
_END = re.compile(rb"\n\r?\n")
_DIGITS = re.compile(rb"[0-9]{1,19}")


class Malformed(Exception):
    """What came is no answer. The text is the reason."""


@dataclass(slots=True)
class AnswerHead:
    """`length` is the body's in bytes; None: it is `chunked`, or goes on until the connection ends. `kept` says that
    the connection may be used again after the body."""

    status: int
    version: str
    headers: Headers
    length: int | None
    chunked: bool
    kept: bool


def end_of_head(data: bytes, at: int = 0, looked: int = 0) -> int:
    """Where the head that begins at `at` ends, its empty line included; -1 if it has not all come. What is before
    `looked` was looked through earlier. Raises Malformed as soon as it can be no head."""
    found = _END.search(data, max(at, looked - 2))
    end = -1 if found is None else found.end()
    if max(end, len(data) if end < 0 else 0) - at > MAX_HEAD:
        raise Malformed("the head of the answer is too long")
    if not data.startswith(_BEGIN[: len(data) - at], at):
        raise Malformed("illegal status line")
    return end


def parse_head(data: bytes, *, to_head: bool) -> AnswerHead:
    """Takes a whole head. `to_head`: it answers a HEAD request. Raises Malformed."""
    line = _STATUS.match(data)
    if line is None:
        raise Malformed("illegal status line")
    fields = data[line.end() : -2 if data.endswith(b"\r\n") else -1]
    if b"\n " in fields or b"\n\t" in fields:
        fields = _FOLD.sub(b" ", fields)
    if _FIELDS.fullmatch(fields) is None:
        raise Malformed("illegal header line")
    headers = tuple([(name, value.strip(b" \t")) for name, value in _FIELD.findall(fields)])
    return _framed(int(line[2]), line[1], headers, to_head=to_head)


def _framed(status: int, minor: bytes, headers: Headers, *, to_head: bool) -> AnswerHead:
    chunked, length = False, None
    kept = minor != b"0"
    for name, value in headers:
        size = len(name)
        if size == 14 and name.lower() == b"content-length":
            length = _length(value, length)
        elif size == 17 and name.lower() == b"transfer-encoding":
            if chunked or value.lower() != b"chunked":
                raise Malformed("a transfer coding that is not chunked")
            chunked = True
        elif size == 10 and name.lower() == b"connection":
            tokens = [token.strip() for token in value.lower().split(b",")]
            kept = b"close" not in tokens and (kept or b"keep-alive" in tokens)
    if chunked and (length is not None or minor == b"0"):
        kept = False  # RFC 9112 §6.1: this may be an attempt to make two answers of one
    if to_head or status in (204, 304) or status < 200:
        return AnswerHead(status, f"HTTP/1.{minor.decode()}", headers, 0, chunked=False, kept=kept)
    if chunked:
        length = None
    return AnswerHead(
        status,
        f"HTTP/1.{minor.decode()}",
        headers,
        length,
        chunked=chunked,
        kept=kept and (chunked or length is not None),
    )


def _length(value: bytes, before: int | None) -> int:
    """Several lengths are one if all are equal."""
    numbers = {one.strip(b" \t") for one in value.split(b",")} if b"," in value else {value}
    number = numbers.pop()
    if numbers or _DIGITS.fullmatch(number) is None or before not in (None, int(number)):
        raise Malformed("an illegal length")
    return int(number)
