"""Small addons the engine needs where it replaces mitmproxy's own code."""

from collections.abc import Iterable

from mitmproxy import http
from mitmproxy.net.http import url
from mitmproxy.proxy import mode_specs, server_hooks

from .listeners import Listener


class ReverseHost:
    """Rewrites the Host header of a reverse-proxied request to its target.

    mitmproxy does so before any hook runs, and the name the client used would be lost to the capture; its
    `keep_host_header` is therefore on, and the rewriting happens here, behind the capture addon.
    """

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        mode = flow.client_conn.proxy_mode
        if isinstance(mode, mode_specs.ReverseMode):
            flow.request.host_header = url.hostport(mode.scheme, *mode.address)


class SelfConnect:
    """Refuses to connect to our own listeners: a request that names the proxy as its destination would circle."""

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._listeners = tuple(listeners)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        host, port, *_ = data.server.address or ("", 0)
        for listener in self._listeners:
            for listen_host, listen_port in listener.addresses:
                if port == listen_port and host in ("localhost", "127.0.0.1", "::1", listen_host):
                    data.server.error = "The request names this proxy as its own destination."
