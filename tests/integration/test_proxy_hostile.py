"""Peers that break the rules. Traffic behaves as through a stock mitmproxy, run beside ours on the same input, and the
capture is right or says that it is incomplete."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from entrepot_store.model import Exchange
from tests.support.proxy import (
    PATIENCE,
    Proxy,
    connect,
    exchange_raw,
    read_all,
    read_spool,
    start_proxy,
    wait_until,
)
from tests.support.proxy_origins import Origin, answering, free_port, json_answer, serving

type Script = Callable[[socket.socket, Origin], None]

OK = json_answer()


@dataclass(frozen=True)
class Case:
    """What the client sends, what the origin does, and how a stock mitmproxy answers is found out by asking it."""

    name: str
    request: bytes
    origin: Script
    error: str | None
    """How the captured exchange's error begins; None for one that is whole."""
    streams: bool = False
    """Stock mitmproxy collects such a body and answers 502 in its place; we have passed it on by then."""


def reset_connection(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_at_once(connection: socket.socket, _: Origin) -> None:
    connection.recv(65536)
    reset_connection(connection)


def hang_up(connection: socket.socket, _: Origin) -> None:
    connection.recv(65536)


def saying(answer: bytes) -> Script:
    def handle(connection: socket.socket, origin: Origin) -> None:
        origin.requests.append(connection.recv(65536))
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    return handle


GET = b"GET /x HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n"

CASES = [
    Case("bad request line", b"GARBAGE\r\nAuthorization: Bearer s3cret\r\n\r\n", answering(OK), "malformed: "),
    Case("three words, none HTTP", b"GET / FTP/1.0\r\nHost: o\r\n\r\n", answering(OK), "malformed: "),
    Case("space in the path", b"GET /a b?c HTTP/1.1\r\nHost: o\r\n\r\n", answering(OK), "malformed: "),
    Case("binary", b"\x00\x01\x02\x03 \xff\xfe\r\n\r\n", answering(OK), "malformed: "),
    Case(
        "header without a colon", b"GET / HTTP/1.1\r\nHost: o\r\nnonsense s3cret\r\n\r\n", answering(OK), "malformed: "
    ),
    Case("no header name", b"GET / HTTP/1.1\r\nHost: o\r\n: s3cret\r\n\r\n", answering(OK), "malformed: "),
    Case("bad header name", b"GET / HTTP/1.1\r\nHost: o\r\nX Y: s3cret\r\n\r\n", answering(OK), "malformed: "),
    Case("bad length", b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: -5\r\n\r\n", answering(OK), "malformed: "),
    Case(
        "two lengths",
        b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        answering(OK),
        "malformed: ",
    ),
    Case(
        "smuggling",
        b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        answering(OK),
        "malformed: ",
    ),
    Case(
        "bad chunk",
        b"POST / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nabc\r\n",
        hang_up,
        "malformed: ",
    ),
    Case(
        "header bomb",
        b"GET /bomb HTTP/1.1\r\nHost: o\r\n"
        + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(2000))
        + b"Connection: close\r\n\r\n",
        answering(OK),
        None,
    ),
    Case(
        "long path", b"GET /%s HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n" % (b"p" * 500_000), answering(OK), None
    ),
    Case("reset by the origin", GET, reset_at_once, "reset: "),
    Case("origin hangs up", GET, hang_up, "closed: "),
    Case("answer is no HTTP", GET, saying(b"220 smtp.example ESMTP\r\n\r\n"), "malformed: "),
    Case("answer has a bad header", GET, saying(b"HTTP/1.1 200 OK\r\nno colon s3cret\r\n\r\n"), "malformed: "),
    Case("answer has a bad header name", GET, saying(b"HTTP/1.1 200 OK\r\nA B: s3cret\r\n\r\n"), "malformed: "),
    Case("answer has a bad length", GET, saying(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "malformed: "),
    Case("answer ends in its head", GET, saying(b"HTTP/1.1 200 OK\r\nSet-Cookie: s3cret"), "malformed: "),
    Case(
        "answer has a bad chunk",
        GET,
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n"),
        "malformed: ",
        streams=True,
    ),
    Case("answer is too short", GET, saying(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), "malformed: "),
]


@contextlib.contextmanager
def stock_mitmproxy(folder: Path, target: int) -> Iterator[int]:
    """A stock mitmdump as a reverse proxy. It opens its upstream connection when there is a request, as our reverse
    listeners do: by default it would hang up on clients of a dead origin before it reads what they want."""
    folder.mkdir()
    port = free_port()
    log = folder / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("mitmdump")), "-q", "--set", f"confdir={folder}",
                "--set", "connection_strategy=lazy", "-m", f"reverse:http://127.0.0.1:{target}@127.0.0.1:{port}",
            ],
            stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:

        def listens() -> bool:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                return True
            return False

        wait_until(listens, "mitmdump listens")
        yield port
    finally:
        process.kill()
        process.wait()


def essence(answer: bytes) -> tuple[bytes, bytes]:
    """Status line and body: what a client acts upon. mitmproxy's error pages name ports, which differ."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b"\r\n")[0]
    return status, b"" if status.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) else body


@dataclass
class Pair:
    """The same origin behind both proxies; its behaviour is set by each test."""

    ours: Proxy
    stock: int
    script: Script


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("hostile")
    made: list[Pair] = []

    def handle(connection: socket.socket, origin: Origin) -> None:
        made[0].script(connection, origin)

    with serving(handle) as origin, stock_mitmproxy(folder / "stock", origin.port) as stock:
        arguments = ("--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0")
        with start_proxy(folder / "data", *arguments) as ours:
            made.append(Pair(ours, stock, hang_up))
            yield made[0]


def captured(proxy: Proxy, known: int) -> Exchange:
    found = proxy.spooled(known + 1)
    assert len(found) == known + 1
    return max(found, key=lambda one: one.id)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_answer_as_stock_and_an_honest_capture(pair: Pair, case: Case) -> None:
    pair.script = case.origin
    expected = essence(exchange_raw(pair.stock, case.request))
    known = len(read_spool(pair.ours.data).exchanges)
    answer = exchange_raw(pair.ours.reverse("o"), case.request)
    exchange = captured(pair.ours, known)
    actual = essence(answer)
    if case.streams:
        assert expected[0].startswith(b"HTTP/1.1 502")
        # The client can tell: the last chunk never comes.
        assert actual == (b"HTTP/1.1 200 OK", b"4\r\nhalf\r\n")
    else:
        assert actual == expected
    assert exchange.destination == "o"
    if case.error is None:
        assert exchange.complete
        assert exchange.request.body.size == 0
        sent = case.request.partition(b"\r\n")[2].split(b"\r\n\r\n")[0].split(b"\r\n")
        assert [name + b": " + value for name, value in exchange.request.headers] == sent
    else:
        assert exchange.error is not None
        assert exchange.error.startswith(case.error), exchange.error
        assert not exchange.complete
        # Bytes from the wire, quoted by mitmproxy in its message, may be secrets.
        assert "s3cret" not in exchange.error


def test_a_head_that_never_ends_is_captured_when_the_client_leaves(pair: Pair) -> None:
    known = len(read_spool(pair.ours.data).exchanges)
    with connect(pair.ours.reverse("o")) as client:
        client.sendall(b"GET /half HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer s3cret\r\nX-Cut: ")
        client.sendall(b"z" * 300_000)
        client.shutdown(socket.SHUT_WR)
        read_all(client)
    exchange = captured(pair.ours, known)
    assert exchange.request.method == b"GET"
    assert exchange.request.path == b"/half"
    assert exchange.error is not None
    assert "before it had sent the whole head" in exchange.error
    assert b"s3cret" not in b"".join(value for _, value in exchange.request.headers)


def test_a_client_that_disconnects_before_the_answer(pair: Pair) -> None:
    reached: list[bytes] = []

    def slow(connection: socket.socket, _: Origin) -> None:
        reached.append(connection.recv(65536))
        while connection.recv(65536):
            pass

    pair.script = slow
    known = len(read_spool(pair.ours.data).exchanges)
    with connect(pair.ours.reverse("o")) as client:
        client.sendall(b"POST /gone HTTP/1.1\r\nHost: o\r\nContent-Length: 4\r\n\r\ndata")
        wait_until(lambda: reached, "the origin has the request")
        reset_connection(client)
    exchange = captured(pair.ours, known)
    assert exchange.error is not None
    assert exchange.error.startswith("client disconnected")
    assert exchange.request.body.data == b"data"
    assert exchange.response is None


def test_a_client_that_disconnects_in_its_body(pair: Pair) -> None:
    known = len(read_spool(pair.ours.data).exchanges)
    with connect(pair.ours.reverse("o")) as client:
        client.sendall(b"PUT /part HTTP/1.1\r\nHost: o\r\nContent-Length: 400\r\n\r\npart")
        # Until the proxy has seen the head the client's end would be one within the head.
        wait_until(lambda: pair.ours.state()["counts"]["in_flight"] == 1, "the request is under way")
    exchange = captured(pair.ours, known)
    assert exchange.error is not None
    assert exchange.request.body.truncated
    assert not exchange.complete


def test_http1_trailers_end_in_an_honest_record(pair: Pair) -> None:
    """mitmproxy cannot read HTTP/1 trailers: its connection hangs until the client gives up. It must not be lost."""
    pair.script = answering(OK)
    known = len(read_spool(pair.ours.data).exchanges)
    with connect(pair.ours.reverse("o")) as client:
        client.sendall(
            b"POST /trailers HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
        )
        wait_until(lambda: pair.ours.state()["counts"]["in_flight"] == 1, "the request is under way")
    exchange = captured(pair.ours, known)
    assert exchange.request.path == b"/trailers"
    assert exchange.error is not None
    assert not exchange.complete


def test_everything_was_counted(pair: Pair) -> None:
    """Last in this file: the ledger accounts for every case above."""
    assert pair.ours.stop() == 0
    spooled = read_spool(pair.ours.data)
    assert spooled.ledger.balanced
    assert spooled.ledger.in_flight == 0
    assert spooled.ledger.failed == 0
    assert spooled.ledger.seen == spooled.ledger.stored + spooled.ledger.truncated == len(spooled.exchanges)


def test_an_origin_that_never_answers_times_out(tmp_path: Path) -> None:
    """mitmproxy ends connections on which nothing moves; its ten minutes are two seconds here."""

    def never(connection: socket.socket, _: Origin) -> None:
        while connection.recv(65536):
            pass

    code = (
        "import sys, entrepot_proxy.runner as r, entrepot_proxy.__main__ as m;"
        "o = r._options; r._options = lambda s: {**o(s), 'tcp_timeout': 2}; sys.exit(m.main())"
    )
    with serving(never) as origin:
        arguments = ("--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0")
        with start_proxy(tmp_path / "data", *arguments, python=("-O", "-c", code)) as proxy:
            assert exchange_raw(proxy.reverse("o"), GET) == b""
            exchange = proxy.one()
            assert exchange.error is not None
            assert exchange.error.startswith("timed out")
            os.kill(proxy.process.pid, signal.SIGTERM)
            assert proxy.process.wait(PATIENCE) == 0
