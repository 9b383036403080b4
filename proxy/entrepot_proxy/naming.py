"""Who talks to whom: addresses, authority and product names, out of what mitmproxy knows of a connection."""

from dataclasses import dataclass

from mitmproxy.connection import Address, Client, Server
from mitmproxy.net.http import url
from mitmproxy.proxy.mode_specs import ReverseMode

from entrepot_store.rules import ProductNames


@dataclass(slots=True)
class Caller:
    """What is the same for all exchanges of one client connection.

    `forward`: it came to the forward proxy. `listener`: the name of the reverse listener it came to, left on the client
    connection by the lean engine. `user` comes from the credentials of its CONNECT. `open` counts unfinished exchanges.
    """

    client: Client
    address: str
    host: str
    forward: bool
    reverse: bool
    listener: str | None
    user: str | None = None
    open: int = 0
    parties: tuple[ProductNames, tuple[str, str]] | None = None
    """For a connection to a reverse listener: source and destination of all of it, and the names they came from."""


def caller_of(client: Client) -> Caller:
    return Caller(
        client=client,
        address=address_text(client.peername),
        host=client.peername[0] if client.peername else "unknown",
        forward=client.proxy_mode.type_name == "regular",
        reverse=isinstance(client.proxy_mode, ReverseMode),
        listener=getattr(client, "listener", None),
    )


def address_text(address: Address | None) -> str:
    """`127.0.0.1:8080`, `[::1]:8080`, or nothing."""
    if not address:
        return ""
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def server_text(server: Server) -> str:
    return address_text(server.peername or server.address)


@dataclass(slots=True)
class Target:
    """Where a request goes, as mitmproxy had it when the request's head arrived: addons may change that afterwards.

    `authority` is that of the request line or `:authority`; empty for an HTTP/1 request in origin form.
    """

    host: str
    port: int
    scheme: bytes
    authority: bytes
    http2: bool

    def url_scheme(self, *, reverse: bool, tls: bool) -> bytes:
        """The scheme of the URL as the client sees it."""
        if reverse or not self.scheme:
            return b"https" if tls else b"http"
        return self.scheme

    def url_authority(self, named_by_host: bytes, *, reverse: bool, tls: bool) -> bytes:
        """host[:port] as the client named the server: an absolute request target, `:authority`, else the Host header.

        mitmproxy has already moved an HTTP/1 absolute target into host and port; such a request came over an
        unencrypted connection to the forward proxy.
        """
        named = self.authority or named_by_host
        absolute = not reverse and not self.http2 and not tls and self.scheme
        if self.host and (absolute or not named):
            named = plain(url.hostport(self.scheme.decode("latin-1"), self.host, self.port)).encode()
        return named


def plain(text: str) -> str:
    """Text that any encoding holds: lone surrogates, which stand for undecodable bytes, become `\\udcNN`."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
