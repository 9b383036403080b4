"""A request's head as bytes: what was given, byte by byte, or a refusal. Nothing is normalised.

Checked as a whole by one pattern: no name, value or path can bring a line end of its own, so none can add a header or
a second request.
"""

import re
from dataclasses import dataclass

from ..errors import Unsendable
from ..outgoing import Outgoing

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HEAD = re.compile(
    rb"%b [\x21-\x7e]+ HTTP/1\.1\r\n(?:%b: [^\0\r\n]*\r\n)*\r\n" % (TOKEN, TOKEN),
)
_METHOD, _TARGET, _NAME = re.compile(TOKEN), re.compile(rb"[\x21-\x7e]+"), re.compile(TOKEN)


@dataclass(slots=True)
class RequestHead:
    """`data` ends with the empty line. `chunked`: the body is to be sent in chunks. `expects`: the client asked to be
    told to go on (100-continue) before it sends the body. `closes`: it asked for the connection to end."""

    data: bytes
    chunked: bool = False
    expects: bool = False
    closes: bool = False


def request_head(request: Outgoing) -> RequestHead:
    """Raises Unsendable."""
    parts = [request.method, b" ", request.path, b" HTTP/1.1\r\n"]
    head = RequestHead(b"")
    length: bytes | None = None
    for name, value in request.headers:
        parts += (name, b": ", value, b"\r\n")
        size = len(name)
        if size == 14 and name.lower() == b"content-length":
            if length is not None:
                raise Unsendable("it cannot be put on the wire: it has two lengths")
            length = value
        elif size == 17 and name.lower() == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                raise Unsendable("it cannot be put on the wire: it has a transfer coding that is not chunked")
            head.chunked = True
        elif size == 6 and name.lower() == b"expect":
            head.expects = value.strip().lower() == b"100-continue"
        elif size == 10 and name.lower() == b"connection":
            head.closes = b"close" in (token.strip() for token in value.lower().split(b","))
    parts.append(b"\r\n")
    head.data = b"".join(parts)
    if _HEAD.fullmatch(head.data) is None or head.data.count(b"\n") != len(request.headers) + 2:
        raise Unsendable(f"it cannot be put on the wire: {_fault(request)}")
    _check_length(request, length, chunked=head.chunked)
    return head


def _check_length(request: Outgoing, length: bytes | None, *, chunked: bool) -> None:
    if chunked:
        if length is not None:
            raise Unsendable("it cannot be put on the wire: it has a length and a transfer coding")
    elif length is None:
        if request.length:
            raise Unsendable("it cannot be put on the wire: it has a body and no length")
    elif length != b"%d" % request.length:
        raise Unsendable("it cannot be put on the wire: its length is not that of its body")


def _fault(request: Outgoing) -> str:
    if _METHOD.fullmatch(request.method) is None:
        return "illegal method"
    if _TARGET.fullmatch(request.path) is None:
        return "illegal path"
    for name, _ in request.headers:
        if _NAME.fullmatch(name) is None:
            return f"illegal header name {name[:100]!r}"
    return "illegal header value"
