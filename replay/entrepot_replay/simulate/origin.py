"""Addresses in recorded headers that lead to the lost product, turned to where the simulation is reached.

A client that follows `Location` or a `Link` to the next page must not end at a server that is gone. Contents are sent
as they were recorded, with the addresses in them.
"""

import re

from entrepot_store.model import Headers

_ADDRESSES = frozenset({b"location", b"content-location", b"link", b"refresh"})


def origin_of(url: str) -> str:
    """`http://orders.internal:8080` of a whole URL."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0].rpartition('@')[2]}"


def relocated(headers: Headers, origin: str, host: bytes | None) -> Headers:
    """The headers with `http://HOST` for `origin` in addresses; `host` is the `Host` that the client named, if any."""
    if not host or not origin.isascii() or f"http://{host.decode('latin-1')}".lower() == origin.lower():
        return headers
    pattern = re.compile(re.escape(origin.encode()) + rb"(?=[/?#>\"';,\s]|$)", re.IGNORECASE)
    here = b"http://" + host
    return tuple(
        (name, pattern.sub(lambda _: here, value) if name.lower() in _ADDRESSES else value) for name, value in headers
    )
