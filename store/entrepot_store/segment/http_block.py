"""HTTP messages in HTTP/1 syntax, as the block of a WARC record, and back to exactly what was captured.

A header that would lie over the stored body (transfer coding gone, content coding undone, another length) is renamed
in place with a prefix; one whose name already begins with the prefix is prefixed once more. So taking one prefix off
every name that has it restores the captured headers.
"""

from operator import itemgetter

from ..model import Headers, Request, Response
from .exact import Exact, as_authority, as_path, as_token, as_value, is_plain_authority, is_plain_path, is_token
from .payload import Prepared
from .shape import PREFIX

CONTENT_LENGTH = b"Content-Length"
END = b"\r\n"

_value = itemgetter(1)
_SCHEMES = (b"http", b"https")
_PROTOCOLS = {"HTTP/1.1": b"http/1.1", "HTTP/1.0": b"http/1.0", "HTTP/2.0": b"h2", "HTTP/3": b"h3"}
_VERSIONS = {b"http/1.1": "HTTP/1.1", b"http/1.0": "HTTP/1.0", b"h2": "HTTP/2.0", b"h2c": "HTTP/2.0", b"h3": "HTTP/3"}


def protocol_of(version: str, scheme: bytes, exact: Exact) -> bytes:
    """The WARC-Protocol of an HTTP version; the version itself goes to `exact` if no protocol stands for it."""
    protocol = _PROTOCOLS.get(version)
    if protocol is None:
        exact["version"] = version
        return b"http/1.1"
    return b"h2c" if protocol == b"h2" and scheme == b"http" else protocol


def version_of(protocol: bytes) -> str:
    """Raises ValueError."""
    version = _VERSIONS.get(protocol)
    if version is None:
        raise ValueError(f"WARC-Protocol {protocol!r} is not one of ours")
    return version


def target_uri(request: Request) -> bytes:
    """A WARC-Target-URI that ends with the path of the request line."""
    scheme, authority, path = request.scheme, request.authority, request.path
    return b"%s://%s%s" % (
        scheme if scheme in _SCHEMES else b"http",
        authority if is_plain_authority(authority) else as_authority(authority),
        path if is_plain_path(path) else as_path(path),
    )


def request_head(request: Request, prepared: Prepared, exact: Exact) -> tuple[bytes, bool]:
    """Block up to and with the empty line, and whether a Content-Length was added for the payload."""
    method, path = request.method, request.path
    if not is_token(method):
        exact["method"] = method
        method = as_token(method)
    if request.scheme not in _SCHEMES:
        exact["scheme"] = request.scheme
    if not is_plain_authority(request.authority):
        exact["authority"] = request.authority
    if not is_plain_path(path):
        exact["path"] = path
        path = as_path(path)
    lines, added = _header_lines(request.headers, prepared, exact)
    version = b"HTTP/1.0" if request.version == "HTTP/1.0" else b"HTTP/1.1"
    return b"%s %s %s\r\n%s\r\n" % (method, path, version, lines), added


def response_head(response: Response, prepared: Prepared, exact: Exact) -> tuple[bytes, bool]:
    """As `request_head`."""
    status, reason = response.status, response.reason
    if not 100 <= status <= 999:
        exact["status"] = status
        status = 599
    if b"\r" in reason or b"\n" in reason or b"\x00" in reason:
        exact["reason"] = reason
        reason = as_value(reason)
    lines, added = _header_lines(response.headers, prepared, exact)
    version = b"HTTP/1.0" if response.version == "HTTP/1.0" else b"HTTP/1.1"
    return b"%s %d %s\r\n%s\r\n" % (version, status, reason, lines), added


def parse_request(head: bytes, uri: bytes, version: str, added: bool, exact: Exact) -> Request:
    """The request without body and trailers; `head` is the block without the empty line. Raises ValueError."""
    start, _, lines = head.partition(END)
    method, path, _ = start.split(b" ")
    scheme, separator, rest = uri.partition(b"://")
    if not (separator and rest.endswith(path)):
        raise ValueError(f"request line {start!r} does not fit WARC-Target-URI {uri!r}")
    return Request(
        method=exact.get("method", method),
        scheme=exact.get("scheme", scheme),
        authority=exact.get("authority", rest[: len(rest) - len(path)]),
        path=exact.get("path", path),
        version=exact.get("version", version),
        headers=_parse_lines(lines, added, exact),
    )


def parse_response(head: bytes, version: str, added: bool, exact: Exact) -> Response:
    """As `parse_request`."""
    start, _, lines = head.partition(END)
    _, status, reason = start.split(b" ", 2)
    return Response(
        version=exact.get("version", version),
        status=exact.get("status", int(status)),
        reason=exact.get("reason", reason),
        headers=_parse_lines(lines, added, exact),
    )


def _header_lines(headers: Headers, prepared: Prepared, exact: Exact) -> tuple[bytes, bool]:
    shape, size = prepared.shape, prepared.payload.size
    values = tuple(map(_value, headers))
    stated = shape.length_at >= 0 and values[shape.length_at] == b"%d" % size
    template = shape.template(prepared.payload.encoding != "", stated)
    lines = template % values
    count = len(values)
    # A line end within a value would make more lines than headers, a stray CR, LF or NUL an unequal count.
    if not (shape.tokens and lines.count(b"\n") == count and lines.count(b"\r") == count and b"\x00" not in lines):
        exact["headers"] = headers
        lines = template % tuple(map(as_value, values))
    if size and not stated:
        return b"%s%s: %d\r\n" % (lines, CONTENT_LENGTH, size), True
    return lines, False


def _parse_lines(lines: bytes, added: bool, exact: Exact) -> Headers:
    if "headers" in exact:
        return tuple((name, value) for name, value in exact["headers"])
    pairs = [line.partition(b": ") for line in lines.split(END) if line]
    if not all(separator for _, separator, _ in pairs):
        raise ValueError(f"{lines[:80]!r} are not header lines")
    if added:
        pairs.pop()
    return tuple([(name.removeprefix(PREFIX), value) for name, _, value in pairs])
