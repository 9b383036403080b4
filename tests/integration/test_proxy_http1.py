"""HTTP/1.1 through the forward proxy and reverse listeners: what passes, and what is captured of it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot_store.model import id_micros
from tests.support.proxy import (
    Proxy,
    body_of,
    connect,
    exchange_raw,
    read_response,
    read_spool,
    start_proxy,
    wait_until,
)
from tests.support.proxy_origins import Origin, answering, free_port, json_answer, serving

ANSWER = json_answer(headers=b"Set-Cookie: session=s3cret; Path=/\r\nX-Odd:  kept \r\nx-odd: twice\r\n")


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(answering(ANSWER)) as running:
        yield running


@pytest.fixture
def proxy(tmp_path: Path, origin: Origin) -> Iterator[Proxy]:
    config = '[[product]]\nname = "shop"\nhosts = ["localhost"]\n[[product]]\nname = "billing"\n'
    reverse = f"orders=http://127.0.0.1:{origin.port}@127.0.0.1:0"
    with start_proxy(tmp_path / "data", "--listen", "127.0.0.1:0", "--reverse", reverse, config=config) as running:
        yield running


def test_reverse_exchange_is_forwarded_and_captured_whole(proxy: Proxy, origin: Origin) -> None:
    port = proxy.reverse("orders")
    with connect(port) as client:
        client.sendall(
            b"PUT /v1/settings/7?view=full HTTP/1.1\r\nHost: shop.example:81\r\nAuthorization: Bearer abc\r\n"
            b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
            b"Content-Type: application/json\r\ncontent-LENGTH: 9\r\n\r\n" + b'{"a": 1}\n'
        )
        head, body = read_response(client)

    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == b'{"ok": true}'
    # The origin got what stock mitmproxy would have sent it: everything, with its own name as Host.
    assert b"\r\nHost: 127.0.0.1:%d\r\n" % origin.port in origin.requests[0]
    assert b"\r\nAuthorization: Bearer abc\r\n" in origin.requests[0]

    exchange = proxy.one()
    assert exchange.complete
    assert exchange.source == "127.0.0.1"
    assert exchange.destination == "orders"
    assert exchange.server_address == f"127.0.0.1:{origin.port}"
    assert exchange.client_address.startswith("127.0.0.1:")
    assert exchange.request.url == b"http://shop.example:81/v1/settings/7?view=full"
    assert exchange.request.method == b"PUT"
    assert exchange.request.version == "HTTP/1.1"
    assert exchange.request.body.data == b'{"a": 1}\n'
    assert exchange.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert exchange.rule == "default"
    assert abs(id_micros(exchange.id) - exchange.started_at) <= 1
    headers = dict(exchange.request.headers)
    assert [name for name, _ in exchange.request.headers][-1] == b"content-LENGTH"
    assert headers[b"Authorization"].startswith(b"Bearer {{secret:authorization:")
    assert exchange.response is not None
    assert exchange.response.status == 200
    assert exchange.response.reason == b"OK"
    assert [value for name, value in exchange.response.headers if name.lower() == b"x-odd"] == [b"kept", b"twice"]
    assert b"s3cret" not in dict(exchange.response.headers)[b"Set-Cookie"]
    assert exchange.request_us >= 0
    assert exchange.waiting_us > 0


def test_no_secret_reaches_the_disk(proxy: Proxy, tmp_path: Path) -> None:
    exchange_raw(
        proxy.reverse("orders"),
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Api-Key: hunter2\r\nCookie: a=hunter2\r\nConnection: close\r\n\r\n",
    )
    proxy.one()
    assert proxy.stop() == 0
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert b"hunter2" not in path.read_bytes(), path
            assert b"s3cret" not in path.read_bytes(), path


def test_forward_exchange_names_source_by_credentials_and_destination_by_host(proxy: Proxy, origin: Origin) -> None:
    credentials = base64.b64encode(b"billing:ignored").decode()
    target = f"http://localhost:{origin.port}/v1/a?b=c"
    answer = exchange_raw(
        proxy.port,
        f"GET {target} HTTP/1.1\r\nHost: localhost:{origin.port}\r\nProxy-Authorization: Basic {credentials}\r\n"
        "Connection: close\r\n\r\n".encode(),
    )
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"proxy-authorization" not in origin.requests[0].lower()
    assert origin.requests[0].startswith(b"GET /v1/a?b=c HTTP/1.1\r\n")
    exchange = proxy.one()
    assert exchange.source == "billing"
    assert exchange.destination == "shop"
    assert exchange.request.url == target.encode()
    # What it said of itself is kept, as a reference.
    assert b"{{secret:proxy-authorization:" in dict(exchange.request.headers)[b"Proxy-Authorization"]


def test_unnamed_destination_is_its_host(proxy: Proxy, origin: Origin) -> None:
    exchange_raw(proxy.port, f"GET http://127.0.0.1:{origin.port}/ HTTP/1.0\r\n\r\n".encode())
    exchange = proxy.one()
    assert exchange.destination == f"127.0.0.1:{origin.port}"
    assert exchange.request.version == "HTTP/1.0"


@pytest.mark.parametrize(
    ("method", "answer", "status"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", 200),
        (b"GET", b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n", 204),
        (b"GET", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 77\r\n\r\n', 304),
        (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
    ],
)
def test_responses_without_a_body_are_complete(tmp_path: Path, method: bytes, answer: bytes, status: int) -> None:
    with (
        serving(answering(answer)) as origin,
        start_proxy(
            tmp_path / "d", "--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0"
        ) as proxy,
    ):
        with connect(proxy.reverse("o")) as client:
            # Twice on one connection: a body that is not there must not be waited for.
            for _ in range(2):
                client.sendall(b"%s /x HTTP/1.1\r\nHost: o\r\n\r\n" % method)
                received = b""
                while b"\r\n\r\n" not in received:
                    received += client.recv(65536)
                assert received.startswith(b"HTTP/1.1 %d" % status)
        for exchange in proxy.spooled(2):
            assert exchange.complete
            assert exchange.response is not None
            assert exchange.response.body.size == 0


def test_chunked_both_ways_streams_and_is_captured_decoded(tmp_path: Path) -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/csv\r\n\r\n"
        b"4\r\na,b\n\r\n6\r\n1,2\n3,\r\n2\r\n4\n\r\n0\r\n\r\n"
    )
    with (
        serving(answering(chunked)) as origin,
        start_proxy(
            tmp_path / "d", "--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0"
        ) as proxy,
    ):
        with connect(proxy.reverse("o")) as client:
            client.sendall(
                b"POST /up HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            )
            received = b""
            while not received.endswith(b"0\r\n\r\n"):
                received += client.recv(65536)
        assert b"transfer-encoding: chunked" in origin.requests[0].lower()
        exchange = proxy.one()
        assert exchange.complete
        assert body_of(proxy.data, exchange.request.body) == b"abcde"
        assert exchange.response is not None
        assert body_of(proxy.data, exchange.response.body) == b"a,b\n1,2\n3,4\n"


def test_binary_and_invalid_utf8_survive(tmp_path: Path) -> None:
    body = bytes(range(256)) * 3
    answer = b"HTTP/1.1 200 O\xff\r\nX-Raw: caf\xe9 \xff\xfe\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with (
        serving(answering(answer)) as origin,
        start_proxy(
            tmp_path / "d", "--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0"
        ) as proxy,
    ):
        received = exchange_raw(
            proxy.reverse("o"),
            b"POST /caf\xe9/\xff\xfe?q=\xc3\x28 HTTP/1.1\r\nHost: o\r\nX-In: \xe9\xff\r\n"
            b"Content-Length: 4\r\nConnection: close\r\n\r\n\x00\xff\x80\n",
        )
        assert received.endswith(body)
        assert b"X-Raw: caf\xe9 \xff\xfe\r\n" in received
        assert origin.requests[0].startswith(b"POST /caf\xe9/\xff\xfe?q=\xc3\x28 HTTP/1.1\r\n")
        exchange = proxy.one()
        assert exchange.complete
        assert exchange.request.path == b"/caf\xe9/\xff\xfe?q=\xc3\x28"
        assert dict(exchange.request.headers)[b"X-In"] == b"\xe9\xff"
        assert exchange.request.body.data == b"\x00\xff\x80\n"
        assert exchange.response is not None
        assert exchange.response.body.data == body
        assert exchange.response.reason == b"O\xff"


def test_ignored_exchanges_are_counted_and_nothing_else(tmp_path: Path) -> None:
    config = '[[rule]]\nname = "noise"\npath = "/health"\naction = "ignore"\n'
    with (
        serving(answering(json_answer())) as origin,
        start_proxy(
            tmp_path / "d", "--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0", config=config
        ) as proxy,
    ):
        exchange_raw(proxy.reverse("o"), b"GET /health HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n")
        exchange_raw(proxy.reverse("o"), b"GET /kept HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n")
        assert proxy.one().request.path == b"/kept"
        assert proxy.stop() == 0
        ledger = read_spool(proxy.data).ledger
        assert (ledger.seen, ledger.stored, ledger.ignored, ledger.in_flight) == (2, 1, 1, 0)
        assert ledger.balanced


def test_requests_to_the_proxy_itself_do_not_circle(proxy: Proxy) -> None:
    port = proxy.port
    answer = exchange_raw(
        port, f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 502")
    assert proxy.one().error is not None


def test_a_dead_destination_is_answered_and_captured_as_refused(tmp_path: Path) -> None:
    dead = free_port()
    with start_proxy(
        tmp_path / "d", "--listen", "127.0.0.1:0", "--reverse", f"o=http://127.0.0.1:{dead}@127.0.0.1:0"
    ) as proxy:
        request = b"PUT /keep HTTP/1.1\r\nHost: o\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        assert exchange_raw(proxy.reverse("o"), request).startswith(b"HTTP/1.1 502")
        connect_request = f"CONNECT localhost:{dead} HTTP/1.1\r\nHost: localhost:{dead}\r\n\r\n".encode()
        with connect(proxy.port) as client:
            client.sendall(connect_request)
            assert read_response(client)[0].startswith(b"HTTP/1.1 502")
        lost, tunnel = sorted(proxy.spooled(2), key=lambda one: one.request.method, reverse=True)
        assert lost.error is not None
        assert lost.error.startswith("refused")
        assert lost.response is None
        assert lost.request.body.data == b"hi"
        assert not lost.complete
        assert tunnel.request.method == b"CONNECT"
        assert tunnel.request.authority == f"localhost:{dead}".encode()
        assert tunnel.error is not None
        assert tunnel.error.startswith("refused")


def test_state_file_says_where_it_listens_and_what_it_counted(proxy: Proxy) -> None:
    exchange_raw(proxy.reverse("orders"), b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    proxy.one()
    state = wait_until(lambda: proxy.state() if proxy.state()["counts"]["stored"] == 1 else None, "the count")
    assert state["part"] == "proxy"
    assert state["pid"] == proxy.process.pid
    assert state["counts"] == {"seen": 1, "stored": 1, "ignored": 0, "truncated": 0, "failed": 0, "in_flight": 0}
    assert state["last_error"] is None
    assert state["rules"]["error"] is None
    assert (proxy.data / "run" / "proxy.json").stat().st_mode & 0o777 == 0o600
