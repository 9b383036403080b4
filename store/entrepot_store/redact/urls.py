"""Where the secrets are in a URL, a path or an authority: in the userinfo (`http://user:pw@host/`) and in named fields
of the query and the fragment."""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

_USERINFO = re.compile(rb"(^//|(?<=:)//)([^/?#\s<>\"]+)@")
_FIELD = re.compile(rb"(?:^|[?#;])([^=?#;]*)=")
_QUERY = re.compile(rb"[?#]")


def redact_userinfo(text: bytes, hide: Callable[[bytes], bytes]) -> bytes:
    """Every `//user:pw@` in the text; nothing else changes. An `@` in a password does not end it."""
    return _USERINFO.sub(lambda match: match[1] + hide(match[2]) + b"@", text)


def redact_authority(authority: bytes, hide: Callable[[bytes], bytes]) -> bytes:
    """What stands before the `@` of `user:pw@host:port`."""
    userinfo, at, host = authority.rpartition(b"@")
    return hide(userinfo) + at + host if userinfo else authority


def redact_fields(url: bytes, fields: frozenset[bytes], hide: Callable[[bytes, bytes], bytes]) -> bytes:
    """The values of the `fields` (lower case) in the query and fragment of a URL or path; order, case and duplicates
    stay.

    `hide` gets the field's name and the value with its percent-encoding undone, so that a token is the same secret
    here and in a header. A value reaches to the next `&`: rather too much is hidden than too little where servers
    disagree about `;`, `#` and a second `?`. A field without a value stays.
    """
    start = _QUERY.search(url)
    if start is None:
        return url
    parts = url[start.end() :].split(b"&")
    for position, part in enumerate(parts):
        for match in _FIELD.finditer(part):
            field = unquote_to_bytes(match[1].replace(b"+", b" ")).lower()
            value = part[match.end() :]
            if field in fields and value:
                parts[position] = part[: match.end()] + hide(field, unquote_to_bytes(value))
                break
    return url[: start.end()] + b"&".join(parts)
