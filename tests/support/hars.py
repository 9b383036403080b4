"""HAR documents as recorders write them, each with the quirks of its maker. Written by hand from what they save."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

CHROME: dict[str, Any] = {
    "_connectionId": "17",
    "_initiator": {"type": "other"},
    "_priority": "VeryHigh",
    "_resourceType": "fetch",
    "cache": {},
    "connection": "443",
    "request": {
        "method": "POST",
        "url": "https://orders.internal/v1/settings/7?full=1#top",
        "httpVersion": "http/2.0",
        "headers": [
            {"name": ":authority", "value": "orders.internal"},
            {"name": ":method", "value": "POST"},
            {"name": ":path", "value": "/v1/settings/7?full=1"},
            {"name": ":scheme", "value": "https"},
            {"name": "content-type", "value": "application/json"},
            {"name": "authorization", "value": "Bearer topsecret-1"},
            {"name": "cookie", "value": "sid=topsecret-2"},
        ],
        "queryString": [{"name": "full", "value": "1"}],
        "cookies": [{"name": "sid", "value": "topsecret-2"}],
        "headersSize": -1,
        "bodySize": 16,
        "postData": {"mimeType": "application/json", "text": '{"theme":"dark"}'},
    },
    "response": {
        "status": 200,
        "statusText": "",
        "httpVersion": "http/2.0",
        "headers": [
            {"name": "content-type", "value": "application/json"},
            {"name": "content-encoding", "value": "br"},
            {"name": "set-cookie", "value": "a=topsecret-3; Path=/\nb=topsecret-4; Secure"},
        ],
        "cookies": [],
        "content": {"size": 11, "mimeType": "application/json", "text": '{"ok":true}'},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_transferSize": 61,
        "_error": None,
    },
    "serverIPAddress": "[2001:db8::1]",
    "startedDateTime": "2026-05-01T10:00:00.123Z",
    "time": 41.5,
    "timings": {
        "blocked": 1.5,
        "dns": -1,
        "ssl": -1,
        "connect": -1,
        "send": 0.5,
        "wait": 30.0,
        "receive": 9.5,
        "_blocked_queueing": 1.0,
    },
}

FIREFOX: dict[str, Any] = {
    "startedDateTime": "2026-05-01T12:00:01.000+02:00",
    "request": {
        "bodySize": 0,
        "method": "GET",
        "url": "http://files.internal:8080/logo.png",
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": "Host", "value": "files.internal:8080"}],
        "cookies": [],
        "queryString": [],
        "headersSize": 300,
    },
    "response": {
        "status": 200,
        "statusText": "OK",
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": "Content-Type", "value": "image/png"}],
        "cookies": [],
        "content": {
            "mimeType": "image/png",
            "size": 8,
            "encoding": "base64",
            "text": b64encode(b"\x89PNG\r\n\x1a\n").decode(),
        },
        "redirectURL": "",
        "headersSize": 200,
        "bodySize": 208,
    },
    "cache": {},
    "timings": {"blocked": 0, "dns": 0, "connect": 0, "ssl": 0, "send": 0, "wait": 5, "receive": 0},
    "time": 5,
    "_securityState": "insecure",
    "serverIPAddress": "10.0.0.9",
    "connection": "8080",
    "pageref": "page_1",
}

PLAYWRIGHT_SOCKET: dict[str, Any] = {
    "startedDateTime": "2026-05-01T10:00:02.000Z",
    "time": 12.0,
    "request": {
        "method": "GET",
        "url": "wss://orders.internal/feed",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "Upgrade", "value": "websocket"}],
        "queryString": [],
        "headersSize": -1,
        "bodySize": 0,
    },
    "response": {
        "status": 101,
        "statusText": "Switching Protocols",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [],
        "content": {"size": -1, "mimeType": "x-unknown"},
        "headersSize": -1,
        "bodySize": -1,
        "redirectURL": "",
    },
    "cache": {},
    "timings": {"send": -1, "wait": -1, "receive": -1},
    "_webSocketMessages": [
        {"type": "send", "time": 1777629602.25, "opcode": 1, "data": "hello"},
        {"type": "receive", "time": 1777629602.5, "opcode": 2, "data": b64encode(b"\x00\xff").decode()},
        {"type": "receive", "time": 1777629602.75, "opcode": 8, "data": ""},
    ],
}

PLAYWRIGHT_OMITTED: dict[str, Any] = {
    "startedDateTime": "2026-05-01T10:00:03.000Z",
    "time": 1.0,
    "request": {
        "method": "GET",
        "url": "http://orders.internal/v1/export.csv",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [],
        "queryString": [],
        "headersSize": -1,
        "bodySize": 0,
    },
    "response": {
        "status": 200,
        "statusText": "OK",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "content-type", "value": "text/csv"}],
        "content": {"size": -1, "mimeType": "text/csv"},
        "headersSize": -1,
        "bodySize": -1,
        "redirectURL": "",
    },
    "cache": {},
    "timings": {"send": 0, "wait": 1, "receive": 0},
}

BLOCKED: dict[str, Any] = {
    "startedDateTime": "2026-05-01T10:00:04.000Z",
    "time": 2.0,
    "request": {
        "method": "GET",
        "url": "http://gone.internal/",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "queryString": [],
        "headersSize": -1,
        "bodySize": 0,
    },
    "response": {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_error": "net::ERR_CONNECTION_REFUSED",
    },
    "cache": {},
    "timings": {"send": 0, "wait": 2, "receive": 0},
}


def har(*entries: Any, creator: str = "WebInspector", **log: Any) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": list(entries), **log}}


def write_har_file(path: Path, *entries: Any, creator: str = "WebInspector", **log: Any) -> Path:
    path.write_text(json.dumps(har(*entries, creator=creator, **log)), encoding="utf-8")
    return path
