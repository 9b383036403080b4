"""Where a replay sends to, and whether that is a server the traffic was captured from.

A replay into the product that is still alive would write everything a second time, so the captured servers are refused
unless the operator insists. Names are compared as names, addresses as addresses, and an address with what the other
side's name resolves to; two different names are different servers even if one machine serves both, unless the
recording knows the machine's address.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Self

from entrepot_store.errors import BadInput

_URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#@\s]+)(?P<prefix>/[^?#\s]*)?", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """`scheme://host:port` and the path put before every recorded path (empty for none). `host` has no brackets."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """`http://127.0.0.1:9002`, `https://orders.internal/prefix`. Raises BadInput."""
        match = _URL.fullmatch(url)
        hint = "Name it as http://HOST[:PORT][/PREFIX] or https://HOST[:PORT][/PREFIX]."
        if match is None or not url.isascii():
            raise BadInput(f"{url!r} is not a target to replay to.", hint=hint)
        scheme = match["scheme"].lower()
        try:
            host, port = split_authority(match["authority"], scheme)
        except ValueError as error:
            raise BadInput(f"{url!r} is not a target to replay to: {error}.", hint=hint) from None
        return cls(scheme, host, port, (match["prefix"] or "").rstrip("/"))

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_tls(self) -> bool:
        return self.scheme == "https"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.prefix}"


def split_authority(authority: str, scheme: str) -> tuple[str, int]:
    """Host (lower case, without brackets) and port, the scheme's own if none is named. Raises ValueError."""
    if authority.startswith("["):
        host, closing, rest = authority[1:].partition("]")
        if not closing:
            raise ValueError("a bracket is not closed")
        ipaddress.IPv6Address(host)
        if rest and not rest.startswith(":"):
            raise ValueError(f"{rest!r} is not a port")
        port = rest[1:]
    elif authority.count(":") > 1:  # as sockets print an IPv6 address with its port
        host, _, port = authority.rpartition(":")
    else:
        host, _, port = authority.partition(":")
    if not host:
        raise ValueError("it names no host")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{port!r} is not a port")
    return host.lower().rstrip("."), int(port) if port else _PORTS.get(scheme, 80)


def captured_server(target: Target, captured: Iterable[tuple[str, str]]) -> str | None:
    """The first captured server, as `host:port`, that is the target; None if there is none.

    `captured` are (scheme, host[:port]) pairs as the recording knows them: names of servers and their addresses.
    """
    for scheme, authority in captured:
        try:
            host, port = split_authority(authority, scheme)
        except ValueError:
            continue  # a hostile or broken Host header names no server that could be the target
        if port == target.port and _same_host(target.host, host):
            return authority
    return None


def _same_host(one: str, other: str) -> bool:
    if one == other:
        return True
    if _address(one) is None and _address(other) is None and "localhost" not in (one, other):
        return False
    return not _addresses(one).isdisjoint(_addresses(other))


def _address(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


@cache
def _addresses(host: str) -> frozenset[str]:
    """The addresses of a host. Every loopback address is one address: it is the same machine."""
    literal = _address(host)
    if literal is not None:
        found = {literal}
    else:
        try:
            found = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
        except (OSError, UnicodeError):
            return frozenset()  # a name that no longer resolves is nobody's address
    return frozenset(
        "loopback" if ipaddress.ip_address(found_one.partition("%")[0]).is_loopback else found_one
        for found_one in found
    )
