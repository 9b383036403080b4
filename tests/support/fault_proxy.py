"""An HTTP proxy that stands between a client and a real server and fails on request, as networks and servers do.

Requests pass unchanged, Host included, so signatures stay valid. Faults are queued for requests of one kind and used
up one by one; what has no fault queued passes.
"""

import http.client
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BufferedIOBase
from typing import IO
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A server's answer with its body as a whole; `body` may be made to disagree with the Content-Length header."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Connection:
    """What a fault can do to the client's side."""

    def __init__(self, client: socket.socket, request: Request, send: Callable[[Request], Answer]) -> None:
        self._client = client
        self._send = send
        self.request = request

    def forward(self, request: Request | None = None) -> Answer:
        """Sends the request, or another, to the real server: this is what makes a write happen."""
        return self._send(request or self.request)

    def answer(self, answer: Answer) -> None:
        """An answer with the header that says that the connection ends with it."""
        self.pass_on(replace(answer, headers=[*answer.headers, ("Connection", "close")]))

    def pass_on(self, answer: Answer, *, head: bool = False) -> None:
        lines = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        data = "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if head else answer.body)
        self._client.sendall(data)

    def reset(self) -> None:
        """A TCP reset: what is sent before it may or may not arrive."""
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._client.close()


type Fault = Callable[[Connection], None]


def refuse(connection: Connection) -> None:
    """The request never reaches the server."""
    connection.reset()


def lose_answer(connection: Connection) -> None:
    """The server does what it is asked; nobody hears of it."""
    connection.forward()
    connection.reset()


def hang_up(connection: Connection) -> None:
    """As `lose_answer`, but the connection ends in good order."""
    connection.forward()


def altered(connection: Connection) -> None:
    """One bit of what is sent changes on the way; nothing notices."""
    body = connection.request.body
    connection.answer(connection.forward(replace(connection.request, body=bytes([body[0] ^ 1]) + body[1:])))


def fail_after(connection: Connection) -> None:
    """The server does what it is asked, and something in front of it answers 502."""
    connection.forward()
    connection.answer(Answer(502, [("Content-Type", "text/html"), ("Content-Length", "11")], b"Bad gateway"))


def answering(status: int, code: str, message: str = "said the test") -> Fault:
    """The server refuses, in S3's words, without doing anything."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
    return lambda connection: connection.answer(Answer(status, headers, body))


def answering_text(status: int, body: bytes, content_type: str = "text/html") -> Fault:
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    return lambda connection: connection.answer(Answer(status, headers, body))


def cut(keep: float) -> Fault:
    """Breaks off within the body, behind that part of it: the client knows that something is missing."""

    def fault(connection: Connection) -> None:
        found = connection.forward()
        connection.answer(Answer(found.status, found.headers, found.body[: int(len(found.body) * keep)]))

    return fault


def shorten(keep: float) -> Fault:
    """Answers with a part of the body as if it were the whole: all of HTTP says that it is complete."""

    def fault(connection: Connection) -> None:
        found = connection.forward()
        body = found.body[: int(len(found.body) * keep)]
        headers = [(name, value) for name, value in found.headers if name.lower() != "content-length"]
        connection.answer(Answer(found.status, [*headers, ("Content-Length", str(len(body)))], body))

    return fault


def silence(released: threading.Event) -> Fault:
    """Says nothing until `released` is set."""

    def fault(connection: Connection) -> None:
        released.wait(60)
        connection.reset()

    return fault


@dataclass
class FaultProxy:
    """A running proxy. `url` is its address; `seen` are the requests that came through, in order."""

    url: str
    seen: list[Request] = field(default_factory=list)
    _queue: list[tuple[Callable[[Request], bool], Fault]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, method: str, *faults: Fault, when: Callable[[Request], bool] = lambda _: True) -> None:
        """The next requests with that method, for which `when` holds, meet these faults, one each."""
        with self._lock:
            self._queue += [(lambda request: request.method == method and when(request), fault) for fault in faults]

    @property
    def unused(self) -> int:
        """Faults that no request has met."""
        return len(self._queue)

    def take(self, request: Request) -> Fault | None:
        with self._lock:
            self.seen.append(request)
            for place, (matches, fault) in enumerate(self._queue):
                if matches(request):
                    del self._queue[place]
                    return fault
        return None


@contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """A proxy on a free loopback port in front of `upstream` (`http://127.0.0.1:8333`)."""
    host, port = urlsplit(upstream).hostname or "", urlsplit(upstream).port or 80
    proxy = FaultProxy("")

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while (request := _read_request(self.rfile)) is not None:
                connection = Connection(self.connection, request, lambda sent: _forward(host, port, sent))
                fault = proxy.take(request)
                if fault is not None:
                    fault(connection)
                    return  # after a fault the connection is not trusted any more
                connection.pass_on(connection.forward(), head=request.method == "HEAD")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that give up on a faulty connection are the point of the exercise."""

    with Server(("127.0.0.1", 0), Handler) as server:
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


def _read_request(stream: IO[bytes] | BufferedIOBase) -> Request | None:
    line = stream.readline().decode("latin-1").strip()
    if not line:
        return None
    method, target, _ = line.split(" ")
    headers = []
    while text := stream.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = text.partition(":")
        headers.append((name, value.strip()))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Request(method, target, headers, stream.read(length))


def _forward(host: str, port: int, request: Request) -> Answer:
    upstream = http.client.HTTPConnection(host, port, timeout=60)
    try:
        upstream.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers:
            upstream.putheader(name, value)
        upstream.endheaders(request.body)
        response = upstream.getresponse()
        body = response.read()
        headers = [(k, v) for k, v in response.getheaders() if k.lower() not in ("transfer-encoding", "connection")]
        if request.method != "HEAD" and not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(body))))
        return Answer(response.status, headers, body)
    finally:
        upstream.close()
