"""Writes HAR 1.2, for browsers' network panels and every tool that reads what they save.

HAR is text: bytes that are not UTF-8 become base64 in bodies and ISO-8859-1 in headers, and the order of header lines
survives. What HAR has no place for stands in fields that begin with an underscore, as HAR provides; `imports.har`
reads them back. Memory does not grow with the number of exchanges, nor with a body over 1 MiB.
"""

import json
import secrets
from base64 import b64encode
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from ..clock import to_rfc3339
from ..model import Body, Exchange, Headers, Request, Response, header_text, safe_text

CREATOR = "Entrepot"
_CHUNK = 3 * 64 * 1024  # base64 turns three bytes into four characters: chunks of a multiple of three join seamlessly
_PLACE = f"body:{secrets.token_hex(16)}"
"""Stands in an entry where a long body is to be written. Random, so that nothing captured can look like it."""


def write_har(exchanges: Iterable[Exchange], target: BinaryIO, bodies: Path) -> int:
    """Writes one HAR document; says how many entries it has. `bodies` is the folder of `Body.file`.

    Raises what iterating `exchanges` raises; what was written by then is no whole document.
    """
    creator = {"name": CREATOR, "version": metadata.version("entrepot")}
    target.write(b'{"log":{"version":"1.2","creator":%s,"entries":[' % _json(creator))
    count = 0
    for exchange in exchanges:
        target.write(b",\n" if count else b"\n")
        for piece in _entry_pieces(exchange, bodies):
            target.write(piece)
        count += 1
    target.write(b"\n]}}\n")
    return count


def _entry_pieces(exchange: Exchange, bodies: Path) -> Iterator[bytes]:
    entry = har_entry(exchange)
    files = [
        body.file
        for body in (exchange.request.body, exchange.response.body if exchange.response else Body())
        if body.file is not None
    ]
    parts = _json(entry).split(_json(_PLACE))
    yield parts[0]
    for file, part in zip(files, parts[1:], strict=True):
        yield b'"'
        with (bodies / file).open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield b64encode(chunk)
        yield b'"'
        yield part


def har_entry(exchange: Exchange) -> dict[str, Any]:
    """One entry of `log.entries`. A body that is a file is left as a place to be filled."""
    send, wait, receive = (
        microseconds / 1000 for microseconds in (exchange.request_us, exchange.waiting_us, exchange.response_us)
    )
    entry = {
        "startedDateTime": to_rfc3339(exchange.started_at),
        "time": send + wait + receive,
        "request": _request(exchange.request),
        "response": _response(exchange.response) if exchange.response else _no_response(exchange.error),
        "cache": {},
        "timings": {"send": send, "wait": wait, "receive": receive},
        "_entrepot": {
            "id": str(exchange.id),
            "source": exchange.source,
            "destination": exchange.destination,
            "rule": exchange.rule,
            "class": exchange.retention_class,
            "complete": exchange.complete,
            "error": exchange.error,
            "trace_id": exchange.trace_id,
        },
    }
    address = exchange.server_address.rpartition(":")[0].strip("[]")
    if address:
        entry["serverIPAddress"] = address
    if exchange.messages:
        entry["_webSocketMessages"] = [
            {
                "type": "send" if message.from_client else "receive",
                "time": message.at / 1_000_000,
                "opcode": 1 if message.text else 2,
                "data": safe_text(message.data) if message.text else b64encode(message.data).decode(),
            }
            for message in exchange.messages
        ]
    return entry


def _request(request: Request) -> dict[str, Any]:
    url = safe_text(request.url)
    found: dict[str, Any] = {
        "method": safe_text(request.method),
        "url": url,
        "httpVersion": request.version,
        "cookies": _cookies(request.headers, b"cookie"),
        "headers": _pairs(request.headers),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(url.partition("?")[2], keep_blank_values=True, max_num_fields=None)
        ],
        "headersSize": -1,
        "bodySize": request.body.size,
    }
    if request.body.size:
        text, base64 = _text(request.body)
        found["postData"] = {"mimeType": _content_type(request.headers), "params": [], "text": text}
        if base64:
            found["postData"]["_encoding"] = "base64"  # HAR knows it for responses only
        if request.body.truncated:
            found["postData"]["_truncated"] = True
    return found


def _response(response: Response) -> dict[str, Any]:
    content: dict[str, Any] = {"size": response.body.size, "mimeType": _content_type(response.headers)}
    if response.body.size:
        text, base64 = _text(response.body)
        content["text"] = text
        if base64:
            content["encoding"] = "base64"
    if response.body.truncated:
        content["_truncated"] = True
    return {
        "status": response.status,
        "statusText": safe_text(response.reason),
        "httpVersion": response.version,
        "cookies": _cookies(response.headers, b"set-cookie"),
        "headers": _pairs(response.headers),
        "content": content,
        "redirectURL": next((value for name, value in _texts(response.headers) if name.lower() == "location"), ""),
        "headersSize": -1,
        "bodySize": -1,  # as sent, which is not known once the content coding is undone
    }


def _no_response(error: str | None) -> dict[str, Any]:
    """What browsers write for a request that nobody answered."""
    return {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_error": error or "no response",
    }


def _text(body: Body) -> tuple[str, bool]:
    """The body as HAR holds it, and whether that is base64."""
    if body.data is None:
        return _PLACE, True
    try:
        return body.data.decode("utf-8"), False
    except UnicodeDecodeError:
        return b64encode(body.data).decode("ascii"), True


def _cookies(headers: Headers, header: bytes) -> list[dict[str, str]]:
    """Name and value of each cookie. Attributes of Set-Cookie stay in the header itself."""
    cookies = []
    for name, value in headers:
        if name.lower() != header:
            continue
        fields = header_text(value).split(";")
        for field in fields if header == b"cookie" else fields[:1]:
            key, _, content = field.strip().partition("=")
            cookies.append({"name": key, "value": content})
    return cookies


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in _texts(headers)]


def _texts(headers: Headers) -> Iterator[tuple[str, str]]:
    return ((header_text(name), header_text(value)) for name, value in headers)


def _content_type(headers: Headers) -> str:
    return next((value for name, value in _texts(headers) if name.lower() == "content-type"), "")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
