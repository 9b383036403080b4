"""WebSocket messages of a connection, up to a bound, taken out of mitmproxy's own list, which grows without one."""

from mitmproxy import http

from entrepot_store.model import WebSocketMessage

from .capture import Capture

MAX_BYTES = 8 * 1024 * 1024
MAX_MESSAGES = 20_000
"""Bounds of what is kept of one connection; what comes later is counted, not kept."""


def collect(capture: Capture | None, flow: http.HTTPFlow) -> None:
    """Moves the newest message into the capture. The last one stays in the flow: other addons look at it there."""
    socket = flow.websocket
    if socket is None or not socket.messages:
        return
    newest = socket.messages[-1]
    del socket.messages[:-1]
    if capture is None:
        return
    size = len(newest.content)
    if len(capture.messages) >= MAX_MESSAGES or capture.messages_bytes + size > MAX_BYTES:
        capture.messages_missing += 1
        capture.cut = True
        return
    capture.messages_bytes += size
    capture.messages.append(
        WebSocketMessage(int(newest.timestamp * 1_000_000), newest.from_client, newest.is_text, newest.content)
    )
