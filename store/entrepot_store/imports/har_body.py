"""Bodies in HAR: text or base64, decoded already, and often left out.

HAR holds bodies after content decoding while the headers still name the coding; `Body.decoded` says so. A body that
the recorder left out makes its exchange incomplete: we know that there was one, and that we do not have it.
"""

import binascii
import codecs
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from ..content import content_codings
from ..model import Body, Headers

_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._:-]+)", re.IGNORECASE)
_ON_THE_WEB = re.compile(r"ascii|iso8859-|cp125\d|koi8|gb|hz|big5|euc|shift_jis|iso2022_|mac-|utf-16-[lb]e")
"""Python's names of the charsets that browsers know; it knows others, such as idna, that are none."""
_NO_BODY = frozenset({204, 205, 304})


def request_body(request: Mapping[str, Any], headers: Headers) -> Body:
    """The body of `entry.request`."""
    posted = request.get("postData")
    if not isinstance(posted, dict):
        return _absent(_whole(request.get("bodySize")) > 0 or _declared(headers) > 0)
    text = posted.get("text")
    if isinstance(text, str) and (text or not posted.get("params")):
        return _body(posted, text, posted.get("encoding") or posted.get("_encoding"), headers)
    params = posted.get("params")
    if isinstance(params, list) and params:
        if not str(posted.get("mimeType", "")).lower().startswith("application/x-www-form-urlencoded"):
            return _absent(missing=True)  # the boundaries of a multipart body, and its files, are not in the HAR
        return _form(params)
    return _absent(_whole(request.get("bodySize")) > 0 or _declared(headers) > 0)


def response_body(response: Mapping[str, Any], headers: Headers, method: str, status: int) -> Body:
    """The body of `entry.response`."""
    content = response.get("content")
    content = content if isinstance(content, dict) else {}
    text = content.get("text")
    if isinstance(text, str) and (text or _whole(content.get("size")) <= 0):
        return _body(content, text, content.get("encoding"), headers)
    if method.upper() == "HEAD" or status in _NO_BODY or status < 200:
        return Body()
    size = _whole(content.get("size"))
    # -1 is "unknown", which a recorder writes that keeps no bodies; then the headers are what is known.
    return _absent(size > 0 or _whole(response.get("bodySize")) > 0 or (size < 0 and _declared(headers) != 0))


def _body(holder: Mapping[str, Any], text: str, encoding: object, headers: Headers) -> Body:
    if encoding == "base64":
        try:
            data = b64decode(text, validate=False)
        except (binascii.Error, ValueError):
            return _absent(missing=True)
    else:
        data = _encode(text, str(holder.get("mimeType", "")))
    cut = holder.get("_truncated") is True  # as our own export says it
    return Body(data=data, size=len(data), truncated=cut, decoded=", ".join(content_codings(headers)))


def _encode(text: str, media_type: str) -> bytes:
    """HAR holds text, the wire held bytes: those of the declared charset if the text fits into it, else UTF-8."""
    charset = _CHARSET.search(media_type)
    if charset:
        try:
            codec = codecs.lookup(charset[1])
            if _ON_THE_WEB.match(codec.name):
                return codec.encode(text)[0]
        except (UnicodeError, LookupError):
            pass  # a charset that is unknown, or that does not hold this text, cannot have been the one used
    return text.encode("utf-8", "surrogatepass")


def _form(params: list[Any]) -> Body:
    pairs = [
        f"{quote_plus(str(param.get('name', '')))}={quote_plus(str(param.get('value', '')))}"
        for param in params
        if isinstance(param, dict)
    ]
    return Body.of("&".join(pairs).encode())


def _absent(missing: bool) -> Body:
    return Body(truncated=missing)


def _declared(headers: Headers) -> int:
    """What Content-Length says; -1 if there is none that is a number."""
    for name, value in headers:
        if name.lower() == b"content-length" and value.strip().isdigit() and len(value) < 20:
            return int(value)
    return -1


def _whole(value: object) -> int:
    """A size as HAR gives it; -1 for unknown."""
    return int(value) if isinstance(value, int | float) and -1 < value < 2**63 else -1
