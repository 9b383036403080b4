"""The few headers the capture itself reads, out of raw header lines in one pass."""

import re
from base64 import b64decode
from binascii import Error as Base64Error

from entrepot_store.model import Headers

HOST = b"host"
CONTENT_LENGTH = b"content-length"
CONTENT_TYPE = b"content-type"
TRANSFER_ENCODING = b"transfer-encoding"
TRACEPARENT = b"traceparent"
PROXY_AUTHORIZATION = b"proxy-authorization"

_WANTED = frozenset((HOST, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, TRACEPARENT, PROXY_AUTHORIZATION))
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.DOTALL)
_NO_TRACE = b"0" * 32


def wanted(headers: Headers) -> dict[bytes, bytes]:
    """The headers above that are there, by lower-case name; the first of duplicates."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        key = name.lower()
        if key in _WANTED and key not in found:
            found[key] = value
    return found


def trace_id(traceparent: bytes | None) -> str | None:
    """The trace id of a W3C `traceparent`, or None if it is not one."""
    if traceparent is None:
        return None
    match = _TRACEPARENT.fullmatch(traceparent.strip())
    return match[1].decode() if match and match[1] != _NO_TRACE else None


def proxy_user(authorization: bytes | None) -> str | None:
    """The user name in `Basic …` proxy credentials, or None. The password is not looked at."""
    if authorization is None:
        return None
    scheme, _, credentials = authorization.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, _ = b64decode(credentials.strip(), validate=True).partition(b":")
    except (Base64Error, ValueError):
        return None
    return user.decode("utf-8", "replace") if colon else None


def body_length(found: dict[bytes, bytes]) -> int | None:
    """The length a message announces, or None if it announces none we can rely on (chunked, until close, nonsense)."""
    length = found.get(CONTENT_LENGTH)
    if length is None or TRANSFER_ENCODING in found or not length.isdigit():
        return None
    return int(length) if len(length) < 19 else None
