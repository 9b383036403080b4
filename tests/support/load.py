"""Load for fault tests: clients that note which of their numbered requests were answered, and when."""

import http.client
import socket
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.proxy_origins import Origin, read_request

TIMEOUT = 20.0


def numbered(connection: socket.socket, _origin: Origin) -> None:
    """An origin that answers every request with its own path, so that answers cannot be mixed up."""
    while request := read_request(connection):
        path = request.split(b" ", 2)[1]
        body = b'{"path": "%s"}' % path
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sendall(head + body)


@dataclass
class Load:
    """Clients on keep-alive connections to one listener until `stop`. `answered` maps the path of every request whose
    whole answer arrived to the times (microseconds since the epoch) when it was sent and when the answer was there."""

    url: str
    prefix: str
    clients: int = 2
    answered: dict[str, tuple[int, int]] = field(default_factory=dict)
    sent: int = 0
    errors: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(self.clients)]

    def start(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: int) -> None:
        where = urlsplit(self.url)
        assert where.hostname
        connection: http.client.HTTPConnection | None = None
        number = 0
        while not self._stop.is_set():
            number += 1
            path = f"{self.prefix}/{client}-{number}"
            connection = connection or http.client.HTTPConnection(where.hostname, where.port, timeout=TIMEOUT)
            started = time.time_ns() // 1000
            with self._lock:
                self.sent += 1
            try:
                connection.request(
                    "PUT", path, body=f'{{"path": "{path}"}}', headers={"Content-Type": "application/json"}
                )
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                connection = None
                with self._lock:
                    self.errors += 1
                self._stop.wait(0.05)
                continue
            # A proxy that loses the origin answers 502: that exchange is captured as failed, but is no answer here.
            if answer.status == 200:
                assert path.encode() in body
                with self._lock:
                    self.answered[path] = (started, time.time_ns() // 1000)
        if connection:
            connection.close()
