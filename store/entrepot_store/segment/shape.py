"""The shape of a message's headers: their names in order, and what follows from the names alone.

Whole streams of messages share one shape, so what would be asked of every header is asked once for each shape: which
ones may need another name in storage, whether all names are HTTP tokens, and how the lines are laid out.
"""

from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from ..model import Headers, header_text
from .exact import as_token, is_token

PREFIX = b"Entrepot-Orig-"
_LOWER_PREFIX = PREFIX.lower()

_name = itemgetter(0)


@dataclass(slots=True, frozen=True)
class HeaderShape:
    """`template` takes the values, for a stored body whose content coding was undone or not and whose length the
    `Content-Length` header states or not: `template[undone][stated]`. `length_at` and `type_at` are the places of
    the only `Content-Length` and of the first `Content-Type`, -1 if there is none (or more than one length).
    `tokens` says that every name is one."""

    template: tuple[tuple[bytes, bytes], tuple[bytes, bytes]]
    length_at: int
    type_at: int
    encoded: bool
    tokens: bool

    def media_type(self, headers: Headers) -> str:
        """The first `Content-Type` of headers of this shape, as sent; empty if there is none."""
        return _media_type(headers[self.type_at][1]) if self.type_at >= 0 else ""


def header_shape(headers: Headers) -> HeaderShape:
    """The shape of the headers; remembered for the shapes met last."""
    return _shape(tuple(map(_name, headers)))


@lru_cache(maxsize=1024)
def _media_type(value: bytes) -> str:
    return header_text(value).strip()


@lru_cache(maxsize=1024)
def _shape(names: tuple[bytes, ...]) -> HeaderShape:
    lower = [name.lower() for name in names]
    return HeaderShape(
        template=(
            (_template(names, lower, False, False), _template(names, lower, False, True)),
            (_template(names, lower, True, False), _template(names, lower, True, True)),
        ),
        length_at=lower.index(b"content-length") if lower.count(b"content-length") == 1 else -1,
        type_at=lower.index(b"content-type") if b"content-type" in lower else -1,
        encoded=b"content-encoding" in lower,
        tokens=all(map(is_token, names)),
    )


def _template(names: tuple[bytes, ...], lower: list[bytes], undone: bool, stated: bool) -> bytes:
    lines = []
    for name, low in zip(names, lower, strict=True):
        renamed = (
            low == b"transfer-encoding"
            or (low == b"content-encoding" and undone)
            or (low == b"content-length" and not stated)
            or low.startswith(_LOWER_PREFIX)
        )
        written = (PREFIX if renamed else b"") + (name if is_token(name) else as_token(name))
        lines.append(written.replace(b"%", b"%%") + b": %s\r\n")
    return b"".join(lines)
