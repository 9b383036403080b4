"""Who talks to whom: addresses, authority and product names of an exchange, out of mitmproxy's flow."""

from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.connection import Address, Client, Server
from mitmproxy.net.http import url
from mitmproxy.proxy.mode_specs import ReverseMode

from entrepot_store.rules import ProductNames

from .headers import HOST


@dataclass(slots=True)
class Caller:
    """What is the same for all exchanges of one client connection. `user` comes from the credentials of its CONNECT."""

    address: str
    host: str
    user: str | None = None
    open: int = 0
    """Exchanges of this connection that are not finished."""


def caller_of(client: Client) -> Caller:
    host = client.peername[0] if client.peername else "unknown"
    return Caller(address=address_text(client.peername), host=host)


def address_text(address: Address | None) -> str:
    """`127.0.0.1:8080`, `[::1]:8080`, or nothing."""
    if not address:
        return ""
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def server_text(server: Server) -> str:
    return address_text(server.peername or server.address)


def destination_of(flow: http.HTTPFlow, names: ProductNames) -> str:
    """The reverse listener's name (the lean engine leaves it on the client connection), else the destination's."""
    listener = getattr(flow.client_conn, "listener", None)
    if listener:
        return str(listener)
    return names.destination(plain(flow.request.data.host), flow.request.data.port)


def scheme_of(flow: http.HTTPFlow) -> bytes:
    """The scheme of the URL as the client sees it."""
    if isinstance(flow.client_conn.proxy_mode, ReverseMode):
        return b"https" if flow.client_conn.tls else b"http"
    return flow.request.data.scheme or (b"https" if flow.client_conn.tls else b"http")


def authority_of(flow: http.HTTPFlow, found: dict[bytes, bytes]) -> bytes:
    """host[:port] as the client named the server: an absolute request target, `:authority`, else Host.

    mitmproxy has already moved an HTTP/1 absolute target into host and port; such a request came over an unencrypted
    connection to the forward proxy.
    """
    data = flow.request.data
    named = data.authority or found.get(HOST, b"")
    forward = not isinstance(flow.client_conn.proxy_mode, ReverseMode)
    absolute = forward and data.http_version != b"HTTP/2.0" and not flow.client_conn.tls and data.scheme
    if data.host and (absolute or not named):
        named = plain(url.hostport(data.scheme.decode("latin-1"), data.host, data.port)).encode()
    return named


def plain(text: str) -> str:
    """Text that any encoding holds: lone surrogates, which stand for undecodable bytes, become `\\udcNN`."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
