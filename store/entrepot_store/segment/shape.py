"""The shape of a message's headers: their names in order, and what follows from the names alone.

Whole streams of messages share one shape, so what would be asked of every header is asked once for each shape: which
ones may need another name in storage, whether all names are HTTP tokens, and how the lines are laid out.
"""

from functools import lru_cache
from operator import itemgetter

from ..model import Headers, header_text
from .exact import as_token, is_token

PREFIX = b"Entrepot-Orig-"
_LOWER_PREFIX = PREFIX.lower()
_MOST_NAMES, _LONGEST_NAME, _LONGEST_VALUE = 64, 64, 256
"""What is larger is not remembered: hostile headers must not fill the memory."""

_name = itemgetter(0)


class HeaderShape:
    """`length_at` and `type_at` are the places of the only `Content-Length` and of the first `Content-Type`, -1 if
    there is none (or more than one length). `encoded` says that there is a `Content-Encoding`, `tokens` that every
    name is a token."""

    __slots__ = ("_names", "_templates", "encoded", "length_at", "tokens", "type_at")

    def __init__(self, names: tuple[bytes, ...]) -> None:
        lower = [name.lower() for name in names]
        self._names = names
        self._templates: dict[tuple[bool, bool], bytes] = {}
        self.length_at = lower.index(b"content-length") if lower.count(b"content-length") == 1 else -1
        self.type_at = lower.index(b"content-type") if b"content-type" in lower else -1
        self.encoded = b"content-encoding" in lower
        self.tokens = all(map(is_token, names))

    def template(self, undone: bool, stated: bool) -> bytes:
        """Header lines that take the values; for a stored body whose content coding was undone or not, and whose
        length the `Content-Length` header states or not."""
        template = self._templates.get((undone, stated))
        if template is None:
            template = b"".join(_line(name, undone, stated) for name in self._names)
            self._templates[undone, stated] = template
        return template

    def media_type(self, headers: Headers) -> str:
        """The first `Content-Type` of headers of this shape, as sent; empty if there is none."""
        if self.type_at < 0:
            return ""
        value = headers[self.type_at][1]
        return _media_type(value) if len(value) <= _LONGEST_VALUE else _text(value)


def header_shape(headers: Headers) -> HeaderShape:
    """The shape of the headers; remembered for the shapes met last."""
    names = tuple(map(_name, headers))
    if len(names) > _MOST_NAMES or max(map(len, names), default=0) > _LONGEST_NAME:
        return HeaderShape(names)
    return _shape(names)


_shape = lru_cache(maxsize=1024)(HeaderShape)


def _text(value: bytes) -> str:
    return header_text(value).strip()


_media_type = lru_cache(maxsize=1024)(_text)


def _line(name: bytes, undone: bool, stated: bool) -> bytes:
    lower = name.lower()
    renamed = (
        lower == b"transfer-encoding"
        or (lower == b"content-encoding" and undone)
        or (lower == b"content-length" and not stated)
        or lower.startswith(_LOWER_PREFIX)
    )
    written = (PREFIX if renamed else b"") + (name if is_token(name) else as_token(name))
    return written.replace(b"%", b"%%") + b": %s\r\n"
