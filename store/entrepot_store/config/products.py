"""`[[product]]`: the names that people use for the services whose traffic passes."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(:\d{1,5})?")


def check_name(name: str) -> str:
    """A product, rule or class name: it becomes part of object keys, metrics and command lines."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            "a name is up to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit"
        )
    return name


def _check_host(host: str) -> str:
    """`orders.internal`, `orders.internal:8443`, `*.orders.internal`, `10.0.3.7`, `10.0.3.0/24`, `[::1]:80` or `fd00::/8`."""
    if host.startswith("["):
        address, _, port = host[1:].partition("]")
        ipaddress.IPv6Address(address)
        if port and not re.fullmatch(r":\d{1,5}", port):
            raise ValueError(f"{host!r} has a malformed port")
        return host
    try:
        ipaddress.ip_network(host)
    except ValueError as error:
        if "/" in host or not _HOST.fullmatch(host):
            raise ValueError(f"{host!r} is neither a host name, an address nor a network: {error}") from None
    return host


type Name = Annotated[str, AfterValidator(check_name)]
type Host = Annotated[str, AfterValidator(_check_host)]


class ProductConfig(BaseModel):
    """One product. It is the source of a request that comes from one of `hosts` (or names itself by its proxy user
    name), and the destination of a request that goes to one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    hosts: tuple[Host, ...] = Field(default=())
