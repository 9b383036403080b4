"""Ends that mitmproxy takes for good ones, or says nothing of: the capture is right or says that it is incomplete."""

import socket
import struct
import threading
from pathlib import Path

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Message, Request, TextMessage

from tests.support.proxy import Proxy, connect, exchange_raw, read_spool, start_proxy
from tests.support.proxy_origins import Origin, read_request, serving


def started(folder: Path, origin: Origin) -> Proxy:
    return start_proxy(
        folder / "data", "--listen", "127.0.0.1:0", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0"
    )


@pytest.mark.parametrize("reset", [True, False])
def test_a_response_without_length_ends_with_its_connection(tmp_path: Path, *, reset: bool) -> None:
    half = threading.Event()

    def origin(connection: socket.socket, _: Origin) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/csv\r\n\r\na,b\n1,")
        assert half.wait(60)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(origin) as server, started(tmp_path, server) as proxy, connect(proxy.reverse("o")) as client:
        client.sendall(b"GET /export HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n")
        received = b""
        while not received.endswith(b"1,"):
            received += client.recv(65536)
        half.set()
        while client.recv(65536):
            pass
        exchange = proxy.one()
    assert exchange.response is not None
    assert exchange.response.body.data == b"a,b\n1,"
    assert exchange.complete is not reset
    assert (exchange.error or "").startswith("reset: " if reset else "")


def test_a_websocket_that_breaks_off_is_incomplete(tmp_path: Path) -> None:
    def echo(connection: socket.socket, _: Origin) -> None:
        ws = WSConnection(ConnectionType.SERVER)
        while data := connection.recv(65536):
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, Request):
                    connection.sendall(ws.send(AcceptConnection()))
                elif isinstance(event, Message):
                    connection.sendall(ws.send(TextMessage(data="half", message_finished=False)))
                    return

    with serving(echo) as server, started(tmp_path, server) as proxy:
        with connect(proxy.reverse("o")) as client:
            ws = WSConnection(ConnectionType.CLIENT)
            client.sendall(ws.send(Request(host="o", target="/live")))
            ws.receive_data(client.recv(65536))
            assert isinstance(next(ws.events()), AcceptConnection)
            client.sendall(ws.send(TextMessage(data="whole")))
            while client.recv(65536):
                pass
        exchange = proxy.one()
    assert [message.data for message in exchange.messages] == [b"whole"]
    assert (exchange.error or "").startswith("closed: ")
    assert not exchange.complete


@pytest.mark.parametrize("host", [b"", b"Host: no such\r\n"])
def test_a_request_that_names_no_host_is_captured(tmp_path: Path, host: bytes) -> None:
    def silent(_: socket.socket, __: Origin) -> None:
        pass

    head = b"PUT /lost HTTP/1.1\r\n" + host + b"Authorization: Bearer s3cret\r\nContent-Length: 9\r\n\r\n"
    with serving(silent) as server, started(tmp_path, server) as proxy:
        answer = exchange_raw(proxy.port, head + b"X: body\r\n")
        exchange = proxy.one()
        assert proxy.stop() == 0
    assert answer.startswith(b"HTTP/1.1 400")
    assert (exchange.request.method, exchange.request.path) == (b"PUT", b"/lost")
    assert (exchange.error or "").startswith("malformed: ")
    names = [name for name, _ in exchange.request.headers]
    assert names[-2:] == [b"Authorization", b"Content-Length"]
    assert b"s3cret" not in dict(exchange.request.headers)[b"Authorization"]
    assert read_spool(proxy.data).ledger.seen == 1
