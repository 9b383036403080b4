"""A service to replay into: a real HTTP server on loopback that remembers every byte it was sent.

Runs in a thread, or as a process of its own (`python -m tests.support.replay_target PORT LOG`) that can be killed.
"""

import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Seen:
    """One request as it came over the wire: `head` is everything up to the empty line, byte by byte."""

    head: bytes
    body: bytes

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def method(self) -> str:
        return self.line.split(b" ")[0].decode()

    @property
    def path(self) -> str:
        return self.line.split(b" ")[1].decode()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        lines = self.head.split(b"\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(b": ") for line in lines if line)]

    def header(self, name: bytes) -> bytes | None:
        return next((value for found, value in self.headers if found.lower() == name.lower()), None)


type Answerer = Callable[[Seen], bytes | None]
"""Makes the raw answer to a request; None closes the connection without one."""


def answer(
    status: int = 200, body: bytes = b"{}", content_type: bytes = b"application/json", extra: bytes = b""
) -> bytes:
    return (
        b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (status, content_type, len(body), extra)
        + body
    )


@dataclass
class ReplayTarget:
    """A server for one test; a context manager. Requests are read by hand, so that nothing normalises them."""

    answerer: Answerer = lambda seen: answer()
    port: int = 0
    log: str | None = None
    """A file that gets one line per request, on disk before the request is answered."""
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listens at its port, also where it listened before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._log = None if self.log is None else os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Closes every connection at once, as a service that dies; does nothing to one that is dead."""
        if self._listener.fileno() < 0:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
                self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        buffer = b""
        try:
            with connection:
                while True:
                    while b"\r\n\r\n" not in buffer:
                        data = connection.recv(65536)
                        if not data:
                            return
                        buffer += data
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    seen = Seen(head, b"")
                    length = int(seen.header(b"content-length") or 0)
                    while len(buffer) < length:
                        data = connection.recv(1 << 20)
                        if not data:
                            return
                        buffer += data
                    seen.body, buffer = buffer[:length], buffer[length:]
                    self._note(seen)
                    raw = self.answerer(seen)
                    if raw is None:
                        return
                    connection.sendall(raw)
        except OSError:
            return  # the client, or the test's end, closed the connection
        finally:
            with self._lock:
                self._open.discard(connection)

    def _note(self, seen: Seen) -> None:
        with self._lock:
            self.seen.append(seen)
        if self._log is not None:
            line = {"method": seen.method, "path": seen.path, "key": (seen.header(b"idempotency-key") or b"").decode()}
            os.write(self._log, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    with ReplayTarget(port=int(sys.argv[1]), log=sys.argv[2]) as target:
        print(target.port, flush=True)
        sys.stdin.read()  # until whoever started us goes away
