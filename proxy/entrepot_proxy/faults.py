"""Why an exchange failed, in words that an operator can search for.

mitmproxy's messages say it in many ways and quote bytes from the wire, which may hold secrets. What is stored is a
kind and a short explanation without quotes: `refused: Connect call failed ('127.0.0.1', 9001)`.
"""

import re

from mitmproxy import connection, http

CUT = "cut at shutdown"

WEBSOCKET_BROKEN = "closed: the WebSocket connection broke off without a close frame"
_RESET = "reset: the destination reset the connection"

_LONGEST = 300
_QUOTED = re.compile(r"""\bb(['"]).*""", re.DOTALL)
"""A Python bytes literal, as mitmproxy quotes what it received, and everything behind it."""

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "malformed",
            r"malformed|protocol error|cannot parse|bad http|invalid|refusing to prevent|unexpected server response|"
            r"unknown transfer-encoding|multiple (content-length|transfer-encoding)|no host header|"
            r"both transfer-encoding and content-length|unexpected http|header",
        ),
        ("tls", r"\btls\b|certificate|\bssl\b"),
        ("refused", r"errno 111|connection refused"),
        ("timed out", r"errno 110|timed? ?out"),
        ("unreachable", r"errno (101|113)|no route to host|unreachable"),
        ("unknown host", r"name or service not known|name resolution|nodename nor servname|getaddrinfo|no address"),
        ("reset", r"errno 104|connection reset|stream reset"),
        ("client disconnected", r"client disconnected|peer closed connection|connection cancelled"),
        ("killed", r"killed"),
        ("closed", r"server closed connection|connection closed|closed by peer"),
        ("refused", r"destination unknown|its own destination"),
    )
)


def describe(message: str) -> str:
    """`kind: explanation` for one of mitmproxy's error messages."""
    text = _QUOTED.sub("", message).strip(" :") or "malformed message"
    kind = next((kind for kind, pattern in _KINDS if pattern.search(message)), "failed")
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    text = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    if text.lower().startswith(kind):
        return kind + text[len(kind) :].rstrip(".")
    return f"{kind}: {text}"


def describe_for(message: str, client: connection.Client, server: connection.Server) -> str:
    """As `describe`, with what the lean engine knows beyond mitmproxy's message: resets and our own timeout."""
    if getattr(client, "timed_out", False):
        return "timed out: nothing was sent or received for too long"
    if "server closed connection" in message and getattr(server, "was_reset", False):
        return _RESET
    if "lient disconnected" in message and getattr(client, "was_reset", False):
        return "client disconnected: the client reset the connection"
    return describe(message)


def broken_off(flow: http.HTTPFlow) -> str | None:
    """Why a response that mitmproxy takes for whole is not: one that has no length ends with its connection, and
    mitmproxy does not see whether that was reset. The lean engine does."""
    response = flow.response
    if response is None or not getattr(flow.server_conn, "was_reset", False) or response.is_http2:
        return None
    headers = response.headers
    return None if "content-length" in headers or "transfer-encoding" in headers else _RESET
