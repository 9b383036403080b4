"""Where the secrets are in a URL or a path: in the userinfo (`http://user:pw@host/`) and in named query fields."""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

_USERINFO = re.compile(rb"(//)([^/?#@\s\"'<>]+)(@)")


def redact_userinfo(text: bytes, hide: Callable[[bytes], bytes]) -> bytes:
    """Every `//user:password@` in the text; nothing else changes."""
    return _USERINFO.sub(lambda match: match[1] + hide(match[2]) + match[3], text)


def redact_query(query: bytes, fields: frozenset[bytes], hide: Callable[[bytes, bytes], bytes]) -> bytes:
    """The values of the `fields` (lower case) in a query without its `?`; order, case and duplicates stay.

    `hide` gets the field's name and the value with its percent-encoding undone, so that a token is the same secret
    here and in a header. A field without a value stays.
    """
    parts = query.split(b"&")
    for position, part in enumerate(parts):
        name, equals, value = part.partition(b"=")
        if not value:
            continue
        field = unquote_to_bytes(name.replace(b"+", b" ")).lower()
        if field in fields:
            parts[position] = name + equals + hide(field, unquote_to_bytes(value))
    return b"&".join(parts)
