"""Requests that mitmproxy turns away before they become a flow: it answers 400 and no hook ever hears of them.

A malformed request line or header, a head that its client never finishes, a request to the forward proxy that names no
host, an HTTP/2 connection error such as a header bomb. mitmproxy makes its server-side protocol layers by name;
`install` puts subclasses in their places that behave the same and report such requests.
"""

from collections.abc import Callable

from mitmproxy.connection import Client
from mitmproxy.proxy import events
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers import http as layers
from mitmproxy.proxy.layers.http import _http1, _http2
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._events import ErrorCode, ResponseProtocolError

HEAD_KEPT = 64 * 1024
"""Bytes of an unfinished or malformed head that are reported."""

NO_HOST = "the request names no host"

type Report = Callable[[Client, str, bytes], None]
"""Told the client, what is wrong, and the beginning of the head as received (which may hold secrets)."""

_report: Report | None = None


def install(report: Report) -> None:
    """From now on every new connection of this process is watched. Raises AttributeError if mitmproxy has changed so
    much that it cannot be."""
    global _report  # noqa: PLW0603 # mitmproxy makes the layers itself and passes them nothing of ours
    for name, watched in (("Http1Server", WatchedHttp1Server), ("Http2Server", WatchedHttp2Server)):
        getattr(layers, name)
        setattr(layers, name, watched)
    _report = report


class WatchedHttp1Server(_http1.Http1Server):
    """Reports a head that does not parse, and one that ends before it is whole."""

    _head = b""

    def read_headers(self, event: events.ConnectionEvent) -> CommandGenerator[None]:
        if isinstance(event, events.ConnectionClosed):
            if self.buf and bytes(self.buf).strip():
                self._tell("the client closed the connection before it had sent the whole head", self._head)
        elif len(self.buf) <= HEAD_KEPT or not self._head:
            self._head = bytes(self.buf)[:HEAD_KEPT]
        yield from super().read_headers(event)
        if self.request is None and self.state == self.done:
            self._tell("the head does not parse", self._head)

    def send(self, event: HttpEvent) -> CommandGenerator[None]:
        if _names_no_host(event):
            self._tell(NO_HOST, self._head)
        yield from super().send(event)

    def _tell(self, what: str, head: bytes) -> None:
        if _report is not None:
            _report(self.context.client, what, head)


class WatchedHttp2Server(_http2.Http2Server):
    """Reports what ends the whole connection; exchanges already under way get their own `error` hook."""

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if _report is not None and _names_no_host(event):
            _report(self.context.client, NO_HOST, b"")
        yield from super()._handle_event(event)

    def protocol_error(self, message: str, *args: int, **named: int) -> CommandGenerator[None]:
        if _report is not None:
            _report(self.context.client, message, b"")
        yield from super().protocol_error(message, *args, **named)


def _names_no_host(event: object) -> bool:
    """The answer to a request whose destination is unknown; mitmproxy gives it before it has announced the request."""
    return isinstance(event, ResponseProtocolError) and event.code is ErrorCode.DESTINATION_UNKNOWN
