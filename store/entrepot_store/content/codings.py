"""Reads `Content-Encoding`: the codings in the order in which the sender applied them (RFC 9110 §8.4)."""

from functools import lru_cache

from ..model import Headers

_LONGEST = 256
"""A longer value is not remembered: hostile headers must not fill the memory."""
_ALIASES = {b"x-gzip": "gzip", b"x-deflate": "deflate"}


def content_codings(headers: Headers) -> tuple[str, ...]:
    """The codings of a message, lower-case, first applied first; several header lines count as one list.

    `identity` and empty elements stand for nothing and are left out. Bytes that are no ASCII name no coding we know
    and come back as escaped text.
    """
    for name, _ in headers:
        # The length sorts out almost every header before anything is lower-cased.
        if len(name) == 16 and name.lower() == b"content-encoding":
            break
    else:
        return ()
    value = b",".join(value for name, value in headers if name.lower() == b"content-encoding")
    return _remembered(value) if len(value) <= _LONGEST else _parse(value)


def _parse(value: bytes) -> tuple[str, ...]:
    names = (element.strip(b" \t").lower() for element in value.split(b","))
    return tuple(
        _ALIASES.get(name) or name.decode("ascii", "backslashreplace")
        for name in names
        if name not in (b"", b"identity")
    )


_remembered = lru_cache(maxsize=256)(_parse)
