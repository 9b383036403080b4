"""One TCP or TLS connection to the target, with a limit on every wait.

The socket never blocks: an operation is tried, and waited for only if it would have. What goes wrong is raised as the
operating system says it; `http1`, which knows what has been sent, says what that means.
"""

import select
import socket
import ssl
from collections.abc import Buffer

from ..errors import NotSent
from ..target import Target

RECEIVE = 64 * 1024
_WRITABLE, _READABLE = select.POLLOUT, select.POLLIN
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Channel:
    """Belongs to one thread. `protocol` is what TLS negotiated: "h2", "http/1.1", or empty."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._tls = connection if isinstance(connection, ssl.SSLSocket) else None
        self.protocol = (self._tls.selected_alpn_protocol() or "") if self._tls else ""
        self._poll = select.poll()
        self._poll.register(connection, _READABLE)
        self._watched = _READABLE
        self._seen = 0

    @classmethod
    def open(cls, target: Target, seconds: float, tls: ssl.SSLContext | None) -> "Channel":
        """Connects, and speaks TLS if a context is given. Raises NotSent."""
        connection: socket.socket | None = None
        try:
            connection = socket.create_connection((target.host, target.port), seconds)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                connection = tls.wrap_socket(connection, server_hostname=target.host)
            connection.setblocking(False)
            return cls(connection)
        except (OSError, ValueError) as error:  # ValueError: a host name that no name can be
            if connection is not None:
                connection.close()
            if isinstance(error, TimeoutError):
                raise NotSent("no connection in time") from error
            raise NotSent(str(error), passing=not isinstance(error, ssl.SSLError | ValueError)) from error

    @property
    def is_tls(self) -> bool:
        return self._tls is not None

    def close(self) -> None:
        self._socket.close()

    def readable(self, seconds: float = 0.0) -> bool:
        """Something can be read within that time: bytes, or the end. An idle connection of which this is true is not
        to be used."""
        return self._pending() or self._wait(_READABLE, seconds)

    def write(self, data: Buffer, seconds: float) -> int:
        """Bytes taken, of at least one. Raises TimeoutError after `seconds` without one, and OSError."""
        while True:
            count, wanted = self._try_write(data)
            if count:
                return count
            if not self._wait(wanted, seconds):
                raise TimeoutError

    def write_or_see(self, data: Buffer, seconds: float) -> int:
        """As `write`, but returns 0 when there is something to read before anything could be written."""
        while True:
            count, wanted = self._try_write(data)
            if count or self._pending():
                return count
            if not self._wait(wanted | _READABLE, seconds):
                raise TimeoutError
            if self._seen & _READABLE and not self._seen & _WRITABLE:
                return 0

    def read(self, seconds: float) -> bytes:
        """What has come, at most RECEIVE bytes; empty at the end. Raises TimeoutError and OSError."""
        wanted = _READABLE
        waiting = not self._pending()
        while True:
            if waiting and not self._wait(wanted, seconds):
                raise TimeoutError
            try:
                return self._socket.recv(RECEIVE)
            except (BlockingIOError, ssl.SSLWantReadError):
                wanted = _READABLE
            except ssl.SSLWantWriteError:
                wanted = _WRITABLE
            waiting = True

    def _wait(self, events: int, seconds: float) -> bool:
        """Waits until one of the events, or the connection's end, can be met; False: neither came in time."""
        if events != self._watched:
            self._poll.modify(self._socket, events)
            self._watched = events
        found = self._poll.poll(max(0.0, seconds) * 1000)
        if not found:
            return False
        self._seen = found[0][1]
        if self._seen & _GONE:
            self._seen |= _READABLE | _WRITABLE  # trying either tells what happened
        return True

    def _pending(self) -> bool:
        """TLS has decoded bytes that the socket no longer shows."""
        return self._tls is not None and self._tls.pending() > 0

    def _try_write(self, data: Buffer) -> tuple[int, int]:
        """Bytes taken, or 0 and what to wait for."""
        try:
            return self._socket.send(data), 0
        except (BlockingIOError, ssl.SSLWantWriteError):
            return 0, _WRITABLE
        except ssl.SSLWantReadError:
            return 0, _READABLE
