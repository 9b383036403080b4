"""Runs an application under uvicorn: own socket, own signals and, as a part, own state file.

uvicorn would print its own errors and end itself by the signal it was sent; a supervisor wants exit code 0 then.
"""

import errno
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from entrepot_store.config.settings import split_address
from entrepot_store.errors import AddressInUse
from entrepot_store.state import StateFile

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 10
"""How long answers under way may take after SIGTERM."""
STATE_SECONDS = 1


class ApiServer(uvicorn.Server):
    """One running API, or what serves like it. The first SIGTERM or SIGINT lets answers finish, the second ends at
    once. `state` None: it is no part that anybody supervises."""

    def __init__(self, app: ASGIApp, listener: socket.socket, state: StateFile | None) -> None:
        self._listener = listener
        self._state = state
        self.url = _url(listener)
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,  # the process configures logging, not its server
                access_log=False,
                server_header=False,
                lifespan="on",
                ws="none",
                timeout_graceful_shutdown=DRAIN_SECONDS,
                timeout_notify=STATE_SECONDS,
                callback_notify=self._write_state,
            )
        )

    def serve_until_told(self) -> None:
        """Serves until a signal ends it. Call from the main thread, after `handle_signals`."""
        self.run(sockets=[self._listener])
        if self._state is not None:
            self._state.remove()

    def handle_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # ours are installed already

    async def _write_state(self) -> None:
        if self._state is not None:
            self._state.write(ready=not self.should_exit, listen=self.url)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


def bind(address: str) -> socket.socket:
    """A listening socket at `HOST:PORT` (port 0: any). Raises AddressInUse."""
    host, port = split_address(address)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressInUse(f"Cannot listen on {address}: {error.strerror}.", hint="Name another.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(2048)
        listener.set_inheritable(False)
    except OSError as error:
        listener.close()
        reason = "it is taken" if error.errno == errno.EADDRINUSE else error.strerror
        raise AddressInUse(
            f"Cannot listen on {address}: {reason}.", hint="Name another address with --listen, or stop what uses it."
        ) from None
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
