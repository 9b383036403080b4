"""Who is who: gives the two ends of an exchange the names that `[[product]]` lays down, else their host or address.

Called once per connection or exchange; answers are kept in a bounded table, because hostile traffic invents hosts.
"""

import ipaddress
from collections.abc import Iterable

from ..config.products import ProductConfig, split_host
from ..config.values import check_name

_BOUND = 4096
_LONGEST_HOST = 255
"""DNS knows no longer name; longer ones are answered, not remembered."""

type _Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ProductNames:
    """The names of one configuration. Immutable but for its cache; a reload makes a new one."""

    def __init__(self, products: tuple[ProductConfig, ...]) -> None:
        self._known = {product.name.lower(): product.name for product in products}
        self._exact: dict[tuple[str, int | None], str] = {}
        self._suffixes: dict[tuple[str, int | None], str] = {}
        networks: list[tuple[_Network, str]] = []
        for product, host in [(one, host) for one in products for host in one.hosts]:
            if "/" in host:
                networks.append((ipaddress.ip_network(host), product.name))
                continue
            name, port = split_host(host)
            if name.startswith("*."):
                self._suffixes.setdefault((name[2:], port), product.name)
            else:
                self._exact.setdefault((name, port), product.name)
        # The narrowest network that holds an address names it.
        self._networks = sorted(networks, key=lambda pair: -pair[0].prefixlen)
        self._sources: dict[tuple[str, str | None], str] = {}
        self._destinations: dict[tuple[str, int], str] = {}

    def source(self, address: str, user: str | None) -> str:
        """The caller's name: `user` (from proxy credentials) if it can be one, else by `address` (without a port)."""
        key = (address, user)
        found = self._sources.get(key)
        if found is None:
            found = self._user(user) or self._source(address)
            _remember(self._sources, key, found, (address, user or ""))
        return found

    def destination(self, host: str, port: int) -> str:
        """The name of the server at `host:port`, as the client named it."""
        key = (host, port)
        found = self._destinations.get(key)
        if found is None:
            name = _normal(host)
            found = self._lookup(name, port) or _unnamed(name, port)
            _remember(self._destinations, key, found, (host,))
        return found

    def _user(self, user: str | None) -> str | None:
        """A user name that cannot be a product name (empty, spaces, too long) is nobody's name."""
        if not user:
            return None
        known = self._known.get(user.lower())
        if known is not None:
            return known
        try:
            return check_name(user)
        except ValueError:
            return None

    def _source(self, address: str) -> str:
        name = _normal(address)
        return self._lookup(name, None) or name or "unknown"

    def _lookup(self, host: str, port: int | None) -> str | None:
        ports = (port, None) if port is not None else (None,)
        for candidate in ports:
            if (host, candidate) in self._exact:
                return self._exact[host, candidate]
        return self._by_network(host) or self._by_suffix(host, ports)

    def _by_network(self, host: str) -> str | None:
        if not self._networks:
            return None
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return None
        return next((name for network, name in self._networks if address in network), None)

    def _by_suffix(self, host: str, ports: tuple[int | None, ...]) -> str | None:
        """The longest `*.` suffix wins, and with its port before without."""
        if not self._suffixes or len(host) > _LONGEST_HOST:
            return None
        _, _, rest = host.partition(".")
        while rest:
            for port in ports:
                if (rest, port) in self._suffixes:
                    return self._suffixes[rest, port]
            _, _, rest = rest.partition(".")
        return None


def _normal(host: str) -> str:
    """Lower case, no final dot, no brackets; addresses in their one canonical form, IPv4 out of mapped IPv6."""
    name = host.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _unnamed(host: str, port: int) -> str:
    if port in (80, 443):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _remember[K](table: dict[K, str], key: K, name: str, parts: Iterable[str]) -> None:
    if any(len(part) > _LONGEST_HOST for part in parts):
        return
    if len(table) >= _BOUND:
        table.clear()
    table[key] = name
