"""Where the secrets are in `Cookie` and `Set-Cookie`: in the values. Names and attributes stay.

Servers and gateways do to cookies what no grammar allows: values without names, quoted semicolons, several
`Set-Cookie` folded into one with commas. Whatever is not plainly a name or a well-formed attribute is taken for a
secret.
"""

import re
from collections.abc import Callable

_NAME = re.compile(rb"[A-Za-z0-9!#$%&'*+./:?@\[\]^_`|~-]{1,128}")
_LONG_NAME = 20
_ATTRIBUTES = {
    b"expires": re.compile(rb"[A-Za-z]{3,9}, ?\d{1,2}[ -][A-Za-z]{3}[ -]\d{2,4} [\d:]{5,8}(?: [A-Z]{3,4})?"),
    b"max-age": re.compile(rb"-?\d{1,20}"),
    b"domain": re.compile(rb"[A-Za-z0-9.:\[\]_-]{0,255}"),
    b"path": re.compile(rb'"?[^,;="\s]{0,1024}"?'),
    b"samesite": re.compile(rb"(?i:strict|lax|none)"),
    b"priority": re.compile(rb"(?i:low|medium|high)"),
    b"version": re.compile(rb"\d{1,3}"),
}
_FLAGS = frozenset({b"secure", b"httponly", b"partitioned"})

type Hide = Callable[[bytes], bytes]
"""Puts a reference in the place of a secret."""


def redact_cookie(value: bytes, hide: Hide) -> bytes:
    """`a=1; b=2`: each value on its own. A quoted value that holds a semicolon makes the whole header one secret."""
    pieces = value.split(b";")
    if any(_opens_quote(piece) for piece in pieces):
        return hide(value)
    return b";".join(_pair(piece, hide, _LONG_NAME) for piece in pieces)


def redact_set_cookie(value: bytes, hide: Hide) -> bytes:
    """`a=1; Path=/; Max-Age=60`: the value only; attributes stay as they are when they are known and well formed."""
    first, *attributes = value.split(b";")
    if _opens_quote(first):
        return hide(value)
    return b";".join([_pair(first, hide, None), *(_attribute(piece, hide) for piece in attributes)])


def _pair(piece: bytes, hide: Hide, longest_empty: int | None) -> bytes:
    text = piece.strip(b" \t")
    if not text:
        return piece
    name, equals, secret = text.partition(b"=")
    # `dG9rZW4tdmFsdWU=` alone is a value that ends in padding, not a name with nothing behind it.
    padding = not secret.strip(b"=") and (secret != b"" or (longest_empty is not None and len(name) >= longest_empty))
    if not equals or padding or not _NAME.fullmatch(name.rstrip(b" \t")):
        return piece.replace(text, hide(text))
    secret = secret.strip(b" \t")
    if not secret:
        return piece
    before = piece[: piece.index(b"=") + 1]
    start = len(before) + len(piece[len(before) :]) - len(piece[len(before) :].lstrip(b" \t"))
    return piece[:start] + hide(secret) + piece[start + len(secret) :]


def _attribute(piece: bytes, hide: Hide) -> bytes:
    text = piece.strip(b" \t")
    name, equals, value = text.partition(b"=")
    name, value = name.strip(b" \t").lower(), value.strip(b" \t")
    shape = _ATTRIBUTES.get(name)
    if not text or (not equals and name in _FLAGS) or (shape is not None and shape.fullmatch(value)):
        return piece
    return piece.replace(text, hide(text))


def _opens_quote(piece: bytes) -> bool:
    value = piece.partition(b"=")[2].strip(b" \t")
    return value.startswith(b'"') and not (len(value) > 1 and value.endswith(b'"'))
