"""What HTTP/1 and WARC syntax cannot hold exactly is written readably and kept exactly beside it.

`Entrepot-Exact` is the base64 of a msgpack map from attribute names (`method`, `headers`, `source`, …) to the captured
values. A reader that knows it puts these in place of what it parsed; any other reader sees a record that is valid.
"""

import base64
import binascii
import re
from typing import Any

import msgpack

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE_BYTE = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]|%")
_UNSAFE_URL = re.compile(rb"[^!#-;=?-~]")
_AUTHORITY = re.compile(rb"[!#-.0-;=?-~]+")
_PATH = re.compile(rb"/[!#-;=?-~]*")

type Exact = dict[str, Any]


def pack_exact(exact: Exact) -> bytes:
    # Source names and error texts are str and may hold lone surrogates out of a decoder: they pass through as well.
    return base64.b64encode(msgpack.packb(exact, use_bin_type=True, unicode_errors="surrogatepass"))


def unpack_exact(value: bytes) -> Exact:
    """Raises ValueError."""
    try:
        exact = msgpack.unpackb(
            base64.b64decode(value, validate=True), use_list=False, raw=False, unicode_errors="surrogatepass"
        )
    except (binascii.Error, msgpack.UnpackException) as error:
        raise ValueError(f"Entrepot-Exact does not decode: {error}") from error
    if not isinstance(exact, dict):
        raise ValueError("Entrepot-Exact is not a map")  # noqa: TRY004 - malformed data, not a programming error
    return exact


def is_token(name: bytes) -> bool:
    """Whether HTTP allows it as a method or header name (RFC 9110 §5.6.2)."""
    return _TOKEN.fullmatch(name) is not None


def is_plain_path(path: bytes) -> bool:
    """Begins with `/` and has visible ASCII only, without the quotes and angle brackets that URIs may stand in."""
    return _PATH.fullmatch(path) is not None


def is_plain_authority(authority: bytes) -> bool:
    """As a path, but without a slash."""
    return _AUTHORITY.fullmatch(authority) is not None


def as_token(raw: bytes) -> bytes:
    """A token that reads like `raw`."""
    return _percent(_UNSAFE_BYTE, raw) or b"-"


def as_path(raw: bytes) -> bytes:
    quoted = _percent(_UNSAFE_URL, raw)
    return quoted if quoted.startswith(b"/") else b"/" + quoted


def as_authority(raw: bytes) -> bytes:
    return _percent(_UNSAFE_URL, raw).replace(b"/", b"%2F") or b"unknown.invalid"


def as_value(raw: bytes) -> bytes:
    """A header value without line ends and NUL."""
    return raw.translate(_NO_BREAKS)


def as_text(text: str) -> str:
    """A field value without control characters, line ends and lone surrogates."""
    return "".join(char if char.isprintable() else "?" for char in text).strip() or "?"


def is_plain_text(text: str) -> bool:
    """Whether a field holds it exactly: printable (so no control, line end or surrogate), no blanks at its ends."""
    return text.isprintable() and text.strip() == text


_NO_BREAKS = bytes.maketrans(b"\r\n\x00", b"   ")


def _percent(unsafe: re.Pattern[bytes], raw: bytes) -> bytes:
    return unsafe.sub(lambda match: b"%%%02X" % match[0][0], raw)
