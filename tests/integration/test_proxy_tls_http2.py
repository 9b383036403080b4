"""TLS interception and HTTP/2 on both sides, with trailers."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import pytest

from tests.support.proxy import Proxy, body_of, connect, exchange_raw, read_response, start_proxy, tunnel
from tests.support.proxy_h2 import h2_requests
from tests.support.proxy_origins import Certificate, answering, h2_origin, json_answer, make_certificate, serving


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture
def proxy(tmp_path: Path, certificate: Certificate) -> Iterator[Proxy]:
    config = f'[proxy]\nupstream_ca = "{certificate.file}"\n'
    with start_proxy(tmp_path / "data", "--listen", "127.0.0.1:0", config=config) as running:
        yield running


def test_interception_captures_what_tls_hid(proxy: Proxy, certificate: Certificate) -> None:
    with serving(answering(json_answer()), certificate.context()) as origin:
        client = tunnel(
            proxy.port,
            f"localhost:{origin.port}",
            proxy.data / "ca" / "ca.pem",
            headers="Proxy-Authorization: Basic YmlsbGluZzo=\r\n",
        )
        with client:
            for number in range(2):
                client.sendall(f"GET /tls/{number} HTTP/1.1\r\nHost: localhost:{origin.port}\r\n\r\n".encode())
                assert read_response(client)[1] == b'{"ok": true}'
        assert b"authorization" not in origin.requests[0].lower()
    first, second = proxy.spooled(2)
    assert first.request.url == f"https://localhost:{origin.port}/tls/0".encode()
    # The credentials of the CONNECT are those of everything in the tunnel.
    assert (first.source, second.source) == ("billing", "billing")
    assert first.destination == f"localhost:{origin.port}"
    assert first.complete
    assert second.request.path == b"/tls/1"


def test_ca_files_are_private_and_the_certificate_stands_alone(proxy: Proxy) -> None:
    folder = proxy.data / "ca"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "mitmproxy-ca.pem").stat().st_mode & 0o777 == 0o600
    for path in folder.iterdir():
        if b"PRIVATE KEY" in path.read_bytes():
            assert path.stat().st_mode & 0o077 == 0, path
    pem = (folder / "ca.pem").read_text()
    assert "PRIVATE" not in pem
    assert pem.count("BEGIN CERTIFICATE") == 1


def test_an_untrusted_origin_is_refused_and_captured(tmp_path: Path, certificate: Certificate) -> None:
    with (
        serving(answering(json_answer()), certificate.context()) as origin,
        start_proxy(tmp_path / "strict", "--listen", "127.0.0.1:0") as proxy,
    ):
        client = tunnel(proxy.port, f"localhost:{origin.port}", proxy.data / "ca" / "ca.pem")
        with client:
            client.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{origin.port}\r\n\r\n".encode())
            assert read_response(client)[0].startswith(b"HTTP/1.1 502")
        assert origin.requests == []
        exchange = proxy.one()
        assert exchange.error is not None
        assert exchange.error.startswith("tls: ")
        assert "ertificate verify failed" in exchange.error


def test_a_client_that_does_not_trust_us_leaves_a_trace(proxy: Proxy, certificate: Certificate) -> None:
    with serving(answering(json_answer()), certificate.context()) as origin:
        with pytest.raises(ssl.SSLCertVerificationError):
            tunnel(proxy.port, f"localhost:{origin.port}", certificate.file)
        exchange = proxy.one()
        assert exchange.request.method == b"CONNECT"
        assert exchange.error is not None
        assert exchange.error.startswith("tls: ")
        assert exchange.destination == f"localhost:{origin.port}"


def test_http2_on_both_sides_with_trailers(proxy: Proxy, certificate: Certificate) -> None:
    with serving(h2_origin, certificate.context("h2")) as origin:
        client = tunnel(proxy.port, f"localhost:{origin.port}", proxy.data / "ca" / "ca.pem", alpn=["h2"])
        with client:
            assert client.selected_alpn_protocol() == "h2"
            answers = h2_requests(client, origin.port, [b"first", b"second " * 50_000])
        assert [body for _, body, _ in answers] == [b"echo:first", b"echo:" + b"second " * 50_000]
        assert all((b"grpc-status", b"0") in trailers for _, _, trailers in answers)
        exchanges = sorted(proxy.spooled(2), key=lambda one: one.request.path)
        for exchange, sent in zip(exchanges, [b"first", b"second " * 50_000], strict=True):
            assert exchange.complete
            assert exchange.request.version == "HTTP/2.0"
            assert exchange.request.authority == f"localhost:{origin.port}".encode()
            assert not any(name.startswith(b":") for name, _ in exchange.request.headers)
            assert body_of(proxy.data, exchange.request.body) == sent
            assert exchange.response is not None
            assert exchange.response.version == "HTTP/2.0"
            assert body_of(proxy.data, exchange.response.body) == b"echo:" + sent
            assert exchange.response.trailers == ((b"grpc-status", b"0"),)
        # What the client sent with its request is on the other side as it was.
        assert b"x-case: kept" in origin.requests[0]


def test_reverse_to_https_keeps_the_clients_name_and_sends_its_own(tmp_path: Path, certificate: Certificate) -> None:
    with serving(answering(json_answer()), certificate.context()) as origin:
        config = f'[proxy]\nupstream_ca = "{certificate.file}"\n'
        reverse = f"orders=https://localhost:{origin.port}@127.0.0.1:0"
        with start_proxy(tmp_path / "data", "--listen", "", "--reverse", reverse, config=config) as proxy:
            answer = exchange_raw(
                proxy.reverse("orders"), b"GET /x HTTP/1.1\r\nHost: as.the.client.said\r\nConnection: close\r\n\r\n"
            )
            assert answer.startswith(b"HTTP/1.1 200")
            assert f"Host: localhost:{origin.port}\r\n".encode() in origin.requests[0]
            exchange = proxy.one()
            assert exchange.request.url == b"http://as.the.client.said/x"
            assert exchange.destination == "orders"
            assert exchange.complete


def test_a_tunnel_of_something_else_passes_and_is_named(proxy: Proxy) -> None:
    def shout(connection: socket.socket, _: object) -> None:
        connection.sendall(b"SSH-2.0-test\r\n")
        connection.sendall(connection.recv(100).upper())

    with serving(shout) as origin, connect(proxy.port) as client:
        client.sendall(f"CONNECT localhost:{origin.port} HTTP/1.1\r\n\r\n".encode())
        received = b""
        while b"SSH-2.0-test\r\n" not in received:
            received += client.recv(1000)
        client.sendall(b"ssh-2.0-me\r\n")
        received = b""
        while b"SSH-2.0-ME" not in received:
            chunk = client.recv(1000)
            assert chunk
            received += chunk
    exchange = proxy.one()
    assert exchange.error is not None
    assert exchange.error.startswith("not HTTP: a tunnel of 12 bytes sent and 26 received")
    assert not exchange.complete


def test_an_http2_header_bomb_is_turned_away_and_captured(proxy: Proxy, certificate: Certificate) -> None:
    with serving(h2_origin, certificate.context("h2")) as origin:
        client = tunnel(proxy.port, f"localhost:{origin.port}", proxy.data / "ca" / "ca.pem", alpn=["h2"])
        with client:
            conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
            conn.initiate_connection()
            headers = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/bomb")]
            conn.send_headers(1, headers + [(f"x-{n}", "b" * 1000) for n in range(500)], end_stream=True)
            client.sendall(conn.data_to_send())
            while data := client.recv(65536):  # a GOAWAY, then the end
                conn.receive_data(data)
        assert origin.requests == []
    exchange = proxy.one()
    assert exchange.error is not None
    assert exchange.error.startswith("malformed: ")
    assert "HTTP/2" in exchange.error
