"""Bodies that stream: long, endless, cut short. Memory stays bounded and the copy is right or says that it is not."""

import hashlib
import socket
import threading
from pathlib import Path

import psutil

from tests.support.proxy import body_of, connect, read_spool, start_proxy, wait_until
from tests.support.proxy_origins import Origin, answering, json_answer, serving

MIB = 1024 * 1024
LONG = 200 * MIB


def reverse(origin: Origin) -> tuple[str, ...]:
    return "--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0"


def block(number: int) -> bytes:
    return number.to_bytes(4) * (MIB // 4)


def test_200_megabytes_each_way_in_bounded_memory(tmp_path: Path) -> None:
    received = hashlib.sha256()

    def handle(connection: socket.socket, _: Origin) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        rest = head.partition(b"\r\n\r\n")[2]
        received.update(rest)
        left = LONG - len(rest)
        while left:
            chunk = connection.recv(min(left, 1 << 20))
            received.update(chunk)
            left -= len(chunk)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LONG)
        for number in range(200):
            connection.sendall(block(number + 1000))

    with serving(handle) as origin, start_proxy(tmp_path / "data", *reverse(origin)) as proxy:
        process = psutil.Process(proxy.process.pid)
        before = process.memory_info().rss
        highest = [before]
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.02):
                highest.append(process.memory_info().rss)

        watcher = threading.Thread(target=watch)
        watcher.start()
        digest = hashlib.sha256()
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"PUT /long HTTP/1.1\r\nHost: o\r\nContent-Length: %d\r\n\r\n" % LONG)
            for number in range(200):
                client.sendall(block(number))
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(65536)
            rest = head.partition(b"\r\n\r\n")[2]
            digest.update(rest)
            left = LONG - len(rest)
            while left:
                chunk = client.recv(min(left, 1 << 20))
                assert chunk
                digest.update(chunk)
                left -= len(chunk)
        ended.set()
        watcher.join()
        exchange = proxy.one()
        assert max(highest) - before < 60 * MIB
        assert exchange.complete
        assert exchange.response is not None
        assert exchange.request.body.file == f"{read_spool(proxy.data).ledger.worker}.{exchange.id.hex}.request"
        for body, hash_ in ((exchange.request.body, received), (exchange.response.body, digest)):
            assert body.size == LONG
            assert body.file is not None
            path = proxy.data / "spool" / "bodies" / body.file
            assert path.stat().st_mode & 0o777 == 0o600
            with path.open("rb") as stream:
                assert hashlib.file_digest(stream, "sha256").digest() == hash_.digest()


def test_events_pass_at_once_and_the_stream_is_recorded_when_it_ends(tmp_path: Path) -> None:
    go_on = threading.Event()

    def events(connection: socket.socket, _: Origin) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        # The second event is only sent when the client has said that it has the first.
        assert go_on.wait(60)
        connection.sendall(b"data: 2\n\n")

    with serving(events) as origin, start_proxy(tmp_path / "data", *reverse(origin)) as proxy:
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"GET /events HTTP/1.1\r\nHost: o\r\nAccept: text/event-stream\r\n\r\n")
            received = b""
            while not received.endswith(b"data: 1\n\n"):
                chunk = client.recv(65536)
                assert chunk
                received += chunk
            wait_until(lambda: proxy.state()["counts"]["in_flight"] == 1, "one exchange in flight")
            go_on.set()
            while not received.endswith(b"data: 2\n\n"):
                received += client.recv(65536)
        exchange = proxy.one()
        assert exchange.response is not None
        assert exchange.response.body.data == b"data: 1\n\ndata: 2\n\n"
        assert exchange.complete


def test_a_client_that_leaves_an_endless_stream(tmp_path: Path) -> None:
    def endless(connection: socket.socket, _: Origin) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while True:
            connection.sendall(b"data: tick\n\n")
            threading.Event().wait(0.01)

    with serving(endless) as origin, start_proxy(tmp_path / "data", *reverse(origin)) as proxy:
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"GET /events HTTP/1.1\r\nHost: o\r\n\r\n")
            received = b""
            while received.count(b"tick") < 5:
                received += client.recv(65536)
        exchange = proxy.one()
        assert exchange.error is not None
        assert exchange.error.startswith("client disconnected")
        assert exchange.response is not None
        assert exchange.response.body.truncated
        data = body_of(proxy.data, exchange.response.body)
        assert data.count(b"tick") >= 5
        assert not exchange.complete


def test_a_body_over_the_bound_passes_and_counts_as_truncated(tmp_path: Path) -> None:
    body = b"0123456789" * 300_000
    config = "[proxy]\nmax_body_bytes = 1000000\ntee_memory_bytes = 1000\n"
    with (
        serving(answering(json_answer(body))) as origin,
        start_proxy(tmp_path / "data", *reverse(origin), config=config) as proxy,
    ):
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: o\r\n\r\n")
            received = b""
            while len(received.partition(b"\r\n\r\n")[2]) < len(body):
                received += client.recv(1 << 20)
        assert received.endswith(body)
        exchange = proxy.one()
        assert exchange.response is not None
        assert exchange.response.body.truncated
        assert body_of(proxy.data, exchange.response.body) == body[:1_000_000]
        assert not exchange.complete
        assert proxy.stop() == 0
        ledger = read_spool(proxy.data).ledger
        assert (ledger.seen, ledger.stored, ledger.truncated) == (1, 0, 1)
        assert ledger.balanced


def test_ignored_long_bodies_leave_nothing(tmp_path: Path) -> None:
    body = b"x" * (3 * MIB)
    config = '[[rule]]\nname = "none"\naction = "ignore"\n'
    with (
        serving(answering(json_answer(body))) as origin,
        start_proxy(tmp_path / "data", *reverse(origin), config=config) as proxy,
    ):
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            received = b""
            while len(received) < len(body):
                received += client.recv(1 << 20)
        wait_until(lambda: proxy.state()["counts"]["ignored"] == 1, "one ignored")
        assert list((proxy.data / "spool" / "bodies").iterdir()) == []


def test_an_origin_that_stops_in_the_middle(tmp_path: Path) -> None:
    """With a length that is buffered, with one that streams, and chunked: never complete, never hung."""
    halves = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ]
    for number, half in enumerate(halves):

        def stop(connection: socket.socket, _: Origin, half: bytes = half) -> None:
            connection.recv(65536)
            connection.sendall(half)

        data = tmp_path / f"data{number}"
        with serving(stop) as origin, start_proxy(data, *reverse(origin)) as proxy:
            with connect(proxy.reverse("o")) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: o\r\n\r\n")
                while client.recv(65536):
                    pass
            exchange = proxy.one()
            assert exchange.error is not None, number
            assert not exchange.complete
            assert exchange.response is not None
            assert exchange.response.body.truncated
            if number:
                assert exchange.response.body.data == b"half"
