"""`[[product]]`: the names that people use for the services whose traffic passes."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from .values import Name, OneOrMany
from .values import check_name as check_name  # noqa: PLC0414 - also found here

_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")


def split_host(host: str) -> tuple[str, int | None]:
    """A host, wildcard or address (no network) as name and port: lower case, without brackets, addresses canonical.

    Raises ValueError for what is none of them.
    """
    name, colon, port = host, "", ""
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not bracket or (rest and colon != ":"):
            raise ValueError(f"{host!r} is not [ADDRESS]:PORT")
        try:
            name = str(ipaddress.IPv6Address(name))
        except ValueError:
            raise ValueError(f"{host!r} is not [ADDRESS]:PORT") from None
    elif host.count(":") == 1:
        name, colon, port = host.partition(":")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise ValueError(f"{host!r} has a malformed port")
    number = int(port) if colon else None
    try:
        return str(ipaddress.ip_address(name)), number
    except ValueError:
        if not _HOST.fullmatch(name):
            raise ValueError(f"{host!r} is neither a host name, an address nor a network") from None
    return name.lower().removesuffix("."), number


def _check_host(host: str) -> str:
    """A host, with `:port` if need be, a wildcard, an address, or a network.

    `orders.internal`, `orders.internal:8443`, `*.orders.internal`, `10.0.3.7`, `[::1]:80`; `10.0.3.0/24`, `fd00::/8`.
    """
    if "/" in host:
        try:
            return str(ipaddress.ip_network(host))
        except ValueError as error:
            raise ValueError(f"{host!r} is not a network: {error}") from None
    split_host(host)
    return host


type Host = Annotated[str, AfterValidator(_check_host)]


class ProductConfig(BaseModel):
    """One product. It is the source of a request that comes from one of `hosts` (or names itself by its proxy user
    name), and the destination of a request that goes to one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    hosts: OneOrMany[Host] = ()
