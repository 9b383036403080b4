"""What must hold before `entrepot up` starts anything: free ports, a vault that takes objects, a catalog that opens.

A failure is one sentence and an exit code (`entrepot_store.errors`); nothing has been started when it is said.
"""

import errno
import socket
from collections.abc import Iterable

from entrepot_store.catalog import open_catalog
from entrepot_store.config import Settings
from entrepot_store.config.settings import split_address
from entrepot_store.errors import AddressInUse, ConfigError
from entrepot_store.vault import open_vault

from .token_file import ensure_token


def check_addresses(listeners: Iterable[tuple[str, str]]) -> None:
    """`(part, HOST:PORT)` of every listener; port 0 is always free. Raises AddressInUse or ConfigError."""
    taken: dict[tuple[str, int], str] = {}
    for part, address in listeners:
        host, port = split_address(address)
        if port and (host, port) in taken:
            raise ConfigError(
                f"{taken[host, port]} and {part} are both given {address}.", hint="Give each its own address."
            )
        taken[host, port] = part
        _check_address(part, host, port)


def check_storage(settings: Settings) -> str:
    """Proves that the vault takes objects, opens and migrates the catalog, and returns the API token that `up` uses.

    Raises VaultUnavailable, VaultDenied, CatalogUnavailable, TooNew, ConfigError.
    """
    open_vault(settings).check()
    catalog = open_catalog(settings)
    try:
        return ensure_token(settings.data, catalog)
    finally:
        catalog.close()


def _check_address(part: str, host: str, port: int) -> None:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ConfigError(
            f"{part}: {host!r} is no address of this machine: {error.strerror}.",
            hint="Give HOST:PORT, such as 127.0.0.1:8080.",
        ) from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
            probe.listen(1)
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be taken: {error.strerror}"
            raise AddressInUse(
                f"{part}: {host}:{port} {reason}.",
                hint="Stop what listens there, or choose another port (0 asks the system for a free one).",
            ) from None
