"""A listening socket and what its clients are served as: the forward proxy, or a reverse proxy for one product."""

import asyncio
import errno
from collections.abc import Awaitable, Callable

from mitmproxy.proxy.mode_specs import ProxyMode

from entrepot_store.errors import AddressInUse

type Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter, "Listener"], Awaitable[None]]

BACKLOG = 512


class Listener:
    """One listening address. `name` is the product behind a reverse listener, None for the forward proxy."""

    def __init__(self, name: str | None, host: str, port: int, target: str | None) -> None:
        self.name = name
        self.host = host
        self.wanted_port = port
        self.target = target
        self.mode = ProxyMode.parse(f"reverse:{target}" if target else "regular")
        self._server: asyncio.Server | None = None

    async def start(self, accept: Accept) -> None:
        """Raises AddressInUse if the address is taken, forbidden or not of this machine."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer, self)

        try:
            self._server = await asyncio.start_server(serve, self.host, self.wanted_port, backlog=BACKLOG)
        except OSError as error:
            what = f"the reverse listener of {self.name}" if self.name else "the proxy"
            taken = error.errno == errno.EADDRINUSE
            why = "is taken by another process" if taken else f"cannot be used: {error.strerror or error}"
            raise AddressInUse(
                f"{self.host}:{self.wanted_port} {why}; {what} cannot listen there.",
                hint="Stop the other process or choose another port; port 0 takes a free one.",
            ) from error

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where it really listens; empty before `start` and after `stop`."""
        sockets = self._server.sockets if self._server else ()
        return tuple(socket.getsockname()[:2] for socket in sockets)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8080`, with the real port. A listener on all addresses is named by loopback."""
        host, port = self.addresses[0]
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 # compared, not bound
        return f"http://{host}:{port}"

    def stop(self) -> None:
        """Accepts no more; connections already accepted live on."""
        if self._server:
            self._server.close()
            self._server = None
