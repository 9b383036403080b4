"""Reads HAR 1.2 as Chrome, Firefox, Safari, Playwright, mitmproxy and Entrepot itself write it.

Every entry becomes an exchange or a Refused with its reason; nothing is passed over in silence. Where recorders differ
from the specification the comment at the place names the recorder.
"""

import math
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from ..clock import from_rfc3339
from ..export.har import CREATOR
from ..model import Action, Exchange, Headers, Request, Response, WebSocketMessage
from .entries import Entry, Recorded, Refused
from .har_body import request_body, response_body
from .har_document import HarDocument
from .names import endpoint, split_endpoint

_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_VERSIONS = {
    "http/1.0": "HTTP/1.0",
    "http/2": "HTTP/2.0",
    "http/2.0": "HTTP/2.0",
    "h2": "HTTP/2.0",
    "h2c": "HTTP/2.0",
    "http/3": "HTTP/3",
    "http/3.0": "HTTP/3",
    "h3": "HTTP/3",
}
"""Chrome writes `http/2.0` or `h2`, Firefox `HTTP/2`, Safari `h3`; anything else (`unknown`, empty) is HTTP/1.1."""
_LATEST = 253_402_300_799_000_000  # the end of the year 9999
_LONGEST = 10 * 365 * 86_400 * 1000.0  # milliseconds; a duration beyond is not one
_NIL = UUID(int=0)


class _Unusable(ValueError):
    """Why an entry cannot be imported."""


def read_har(path: Path) -> Iterator[Entry]:
    """All entries, in file order. Raises BadInput for a file that is no HAR, before anything is yielded."""
    document = HarDocument(path)
    own = document.creator == CREATOR
    for number, entry in enumerate(document.entries(), start=1):
        where = _where(number, entry)
        try:
            yield Recorded(where, _exchange(entry, own), own)
        except _Unusable as error:
            yield Refused(where, str(error))


def _exchange(entry: Any, own: bool) -> Exchange:
    if not isinstance(entry, dict):
        raise _Unusable("it is not an object")
    request = _request(_object(entry, "request"))
    answer = _object(entry, "response")
    status = answer.get("status")
    response = None
    if isinstance(status, int) and 100 <= status <= 999:
        response = _response(answer, status, request)
    error = None if response else _error(entry, answer)
    sent, waited, received = _timings(entry)
    ours = entry.get("_entrepot")
    ours = ours if own and isinstance(ours, dict) else {}
    messages, missing = _messages(entry.get("_webSocketMessages"))
    return Exchange(
        id=_own_id(ours.get("id")),
        started_at=_moment(entry.get("startedDateTime")),
        source=_text(ours.get("source")),
        destination=_text(ours.get("destination")),
        client_address="",
        server_address=_server(entry, request),
        rule="",
        action=Action.CAPTURE,
        retention_class="",
        request=request,
        response=response,
        error=_text(ours.get("error")) or error,
        request_us=sent,
        waiting_us=waited,
        response_us=received,
        trace_id=_text(ours.get("trace_id")) or None,
        messages=messages,
        messages_missing=missing,
    )


def _request(request: Mapping[str, Any]) -> Request:
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise _Unusable("its method is not an HTTP method")
    if not isinstance(url, str):
        raise _Unusable("it has no URL")
    scheme, authority, path = _split(url)
    headers = _headers(request.get("headers"))
    return Request(
        method=method.encode(),
        scheme=scheme,
        authority=authority,
        # OPTIONS of a URL without a path was sent as "OPTIONS *" (RFC 9112, section 3.2.4).
        path=path or (b"*" if method == "OPTIONS" else b"/"),
        version=_version(request.get("httpVersion")),
        headers=headers,
        body=request_body(request, headers),
    )


def _response(response: Mapping[str, Any], status: int, request: Request) -> Response:
    headers = _headers(response.get("headers"))
    return Response(
        version=_version(response.get("httpVersion")),
        status=status,
        reason=_text(response.get("statusText")).encode("utf-8", "surrogatepass"),
        headers=headers,
        body=response_body(response, headers, request.method.decode(), status),
    )


def _split(url: str) -> tuple[bytes, bytes, bytes]:
    """Scheme, authority without credentials, and path with the query, empty if there is neither."""
    scheme, separator, rest = url.partition("://")
    # WebSockets begin as HTTP; recorders name them by the scheme the page used.
    scheme = {"ws": "http", "wss": "https"}.get(scheme.lower(), scheme.lower())
    if not separator or scheme not in ("http", "https"):
        raise _Unusable("its URL is not http or https")  # data:, blob:, chrome-extension:
    rest = rest.partition("#")[0]
    end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, path = rest[:end].rpartition("@")[2], rest[end:]
    if not split_endpoint(authority, 0)[0]:
        raise _Unusable("its URL names no host")
    path = f"/{path}" if path.startswith("?") else path
    return scheme.encode(), _bytes(authority), _bytes(path)


def _headers(headers: object) -> Headers:
    found: list[tuple[bytes, bytes]] = []
    for header in headers if isinstance(headers, list) else ():
        if not isinstance(header, dict) or not isinstance(header.get("name"), str):
            raise _Unusable("one of its headers has no name")
        name, value = header["name"], _text(header.get("value"))
        if name.startswith(":"):
            continue  # HTTP/2 pseudo headers (Chrome) say again what method and URL say
        # Chrome and Firefox put several Set-Cookie lines into one value, a line each.
        found.extend((_bytes(name), _bytes(line.rstrip("\r"))) for line in value.split("\n"))
    return tuple(found)


def _timings(entry: Mapping[str, Any]) -> tuple[int, int, int]:
    """Microseconds of sending, of everything between, and of receiving. `time` covers all of it; -1 is "none"."""
    timings = entry.get("timings")
    timings = timings if isinstance(timings, dict) else {}
    sent, waited, received = (_milliseconds(timings.get(name)) for name in ("send", "wait", "receive"))
    total = _milliseconds(entry.get("time"))
    return round(sent * 1000), round(max(waited, total - sent - received) * 1000), round(received * 1000)


def _messages(messages: object) -> tuple[list[WebSocketMessage], int]:
    """The messages of a WebSocket (Chrome and Playwright record them), and how many could not be read."""
    found: list[WebSocketMessage] = []
    missing = 0
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("opcode") in (8, 9, 10):
            continue  # close, ping and pong are no messages
        try:
            found.append(_message(message))
        except (ValueError, KeyError, TypeError, AttributeError, NotBase64):
            missing += 1
    return found, missing


def _message(message: Any) -> WebSocketMessage:
    """Raises ValueError, KeyError, TypeError, AttributeError or NotBase64 for what is no message."""
    text = {1: True, 2: False}[message["opcode"]]
    data = _bytes(message["data"]) if text else b64decode(message["data"], validate=True)
    return WebSocketMessage(round(_seconds(message["time"]) * 1_000_000), message["type"] == "send", text, data)


def _error(entry: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    # Chrome has response._error, Playwright response._failureText, Firefox nothing.
    for said in (answer.get("_error"), answer.get("_failureText"), entry.get("_error")):
        if isinstance(said, str) and said:
            return said
    return "no response was recorded"


def _server(entry: Mapping[str, Any], request: Request) -> str:
    address = _text(entry.get("serverIPAddress")).strip("[]")
    if not address:
        return ""
    port = endpoint(request)[1]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _moment(text: object) -> int:
    try:
        at = from_rfc3339(text) if isinstance(text, str) else -1
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at <= _LATEST:
        raise _Unusable("its startedDateTime is not a time")
    return at


def _milliseconds(value: object) -> float:
    """A duration; 0 for one that is unknown (-1), missing (null in Firefox) or absurd."""
    usable = isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= _LONGEST
    return float(value) if usable else 0.0  # type: ignore[arg-type] # `usable` says that it is a number


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value * 1_000_000 <= _LATEST:
        raise ValueError(f"{value!r} is not a time")
    return float(value)


def _version(text: object) -> str:
    return _VERSIONS.get(_text(text).lower(), "HTTP/1.1")


def _own_id(text: object) -> UUID:
    """The id that Entrepot gave the exchange when it was captured, else the nil id: one is derived later."""
    try:
        return UUID(text) if isinstance(text, str) else _NIL
    except ValueError:
        return _NIL


def _object(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = entry.get(name)
    if not isinstance(value, dict):
        raise _Unusable(f"it has no {name}")
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _where(number: int, entry: Any) -> str:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        return f"entry {number}"
    return f"entry {number} ({_text(request.get('method'))} {_text(request.get('url'))[:200]})"
