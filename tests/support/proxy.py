"""The proxy as a process, and what it spooled: for every test that captures real traffic."""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from entrepot_store.model import Exchange, Gap, LedgerEntry
from entrepot_store.spool import SpoolFolder, read_spool_file
from entrepot_store.spool.files import OPEN, SEALED

PATIENCE = 90.0
"""Seconds after which a condition that should come true in a fraction of one has failed; the machine may be busy."""


def wait_until[T](condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """The first true value of the condition."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} seconds: {what}")
        time.sleep(0.02)


@dataclass
class Spooled:
    """Everything in a spool, whatever file it is in."""

    exchanges: list[Exchange] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    ledgers: list[LedgerEntry] = field(default_factory=list)
    damages: int = 0

    @property
    def ledger(self) -> LedgerEntry:
        return self.ledgers[-1]


def read_spool(data: Path) -> Spooled:
    folder = SpoolFolder(data / "spool")
    found = Spooled()
    paths = [(name, folder.sealed_path(name)) for name in folder.names(SEALED)]
    paths += [(name, folder.open_path(name)) for name in folder.names(OPEN)]
    for _, path in sorted(paths):
        try:
            content = read_spool_file(path)
        except FileNotFoundError:
            # Sealed since it was listed.
            content = read_spool_file(path.with_suffix(SEALED))
        found.exchanges += content.exchanges
        found.gaps += content.gaps
        found.damages += len(content.damages)
        if content.ledger:
            found.ledgers.append(content.ledger)
    return found


def body_of(data: Path, body: Any) -> bytes:
    """The bytes of a captured body, wherever they are."""
    if body.data is not None:
        return bytes(body.data)
    return SpoolFolder(data / "spool").body_path(body.file).read_bytes()


@dataclass
class Proxy:
    """A running proxy process."""

    process: subprocess.Popen[str]
    data: Path
    log: Path

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.data / "run" / "proxy.json").read_text())
        return state

    @property
    def port(self) -> int:
        return int(self.state()["listen"]["proxy"].rpartition(":")[2])

    def reverse(self, name: str) -> int:
        return int(self.state()["listen"]["reverse"][name].rpartition(":")[2])

    def spooled(self, number: int, what: Callable[[Exchange], bool] = lambda _: True) -> list[Exchange]:
        """Waits until that many matching exchanges are on disk."""

        def enough() -> list[Exchange]:
            found = [one for one in read_spool(self.data).exchanges if what(one)]
            return found if len(found) >= number else []

        try:
            return wait_until(enough, f"{number} exchanges in the spool")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()}\n{read_spool(self.data)}") from None

    def one(self) -> Exchange:
        """The only exchange there is."""
        (exchange,) = self.spooled(1)
        return exchange

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def start_proxy(  # noqa: PLR0913, RUF100 # every argument is optional and named
    data: Path,
    *arguments: str,
    config: str = "",
    environment: dict[str, str] | None = None,
    wait: bool = True,
    python: Sequence[str] = ("-O", "-m", "entrepot_proxy"),
    stdin: int | None = subprocess.DEVNULL,
) -> Proxy:
    """Starts the proxy and waits until it says that it is ready. `config` is the text of an entrepot.toml."""
    data.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, *python, "--data", str(data), *arguments]
    if config:
        file = data.parent / f"{data.name}.toml"
        file.write_text(config)
        command += ["--config", str(file)]
    log = data.parent / f"{data.name}.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    with log.open("w") as stream:
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=data.parent,
            env={**env, **(environment or {})},
        )
    proxy = Proxy(process, data, log)
    if wait:
        wait_ready(proxy)
    return proxy


def wait_ready(proxy: Proxy) -> None:
    def ready() -> bool:
        if proxy.process.poll() is not None:
            raise AssertionError(f"the proxy ended with {proxy.process.returncode}:\n{proxy.log.read_text()}")
        try:
            return bool(proxy.state()["ready"] and proxy.state()["pid"] == proxy.process.pid)
        except (FileNotFoundError, json.JSONDecodeError):
            return False

    try:
        wait_until(ready, "the proxy is ready")
    except AssertionError:
        proxy.process.kill()
        raise


@contextlib.contextmanager
def connect(port: int, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection((host, port), timeout=PATIENCE) as connection:
        yield connection


def exchange_raw(port: int, request: bytes) -> bytes:
    """Sends bytes and reads until the other side closes. It stays whole: mitmproxy takes a FIN for a client gone."""
    with connect(port) as connection:
        connection.sendall(request)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while True:
        try:
            chunk = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not chunk:
            return received
        received += chunk


def read_response(connection: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of one HTTP/1 response with a Content-Length, on a connection that stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return received, b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        chunk = connection.recv(65536)
        if not chunk:
            break
        body += chunk
    return head, body


def tunnel(port: int, authority: str, ca: Path, *, alpn: Sequence[str] = (), headers: str = "") -> ssl.SSLSocket:
    """A TLS connection through a CONNECT at the proxy; raises AssertionError unless the proxy answers 200."""
    host = authority.rpartition(":")[0]
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{headers}\r\n".encode())
    head, _ = read_response(connection)
    if b" 200 " not in head.split(b"\r\n")[0]:
        connection.close()
        raise AssertionError(head)
    context = ssl.create_default_context(cafile=str(ca))
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context.wrap_socket(connection, server_hostname=host)
