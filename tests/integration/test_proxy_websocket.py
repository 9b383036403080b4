"""WebSocket connections: relayed at once, recorded as one exchange when they end, bounded in memory."""

import socket
import threading
from pathlib import Path

import psutil
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Message, Request, TextMessage

from entrepot_proxy.messages import MAX_BYTES
from tests.support.proxy import connect, read_spool, start_proxy, wait_until
from tests.support.proxy_origins import Origin, serving


def echo(connection: socket.socket, _: Origin) -> None:
    """Sends every message back and answers a close."""
    ws = WSConnection(ConnectionType.SERVER)
    while data := connection.recv(65536):
        ws.receive_data(data)
        for event in ws.events():
            if isinstance(event, Request):
                connection.sendall(ws.send(AcceptConnection()))
            elif isinstance(event, Message):
                connection.sendall(ws.send(type(event)(data=event.data, message_finished=event.message_finished)))
            elif isinstance(event, CloseConnection):
                connection.sendall(ws.send(event.response()))
                return


class Client:
    """A WebSocket client over a plain connection to the proxy."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.ws = WSConnection(ConnectionType.CLIENT)
        self.send(Request(host="o", target="/live?room=1"))
        assert isinstance(self.next(), AcceptConnection)

    def send(self, event: Event) -> None:
        self.connection.sendall(self.ws.send(event))

    def next(self) -> Event:
        while True:
            for event in self.ws.events():
                return event
            data = self.connection.recv(65536)
            self.ws.receive_data(data or None)


def reverse(origin: Origin) -> tuple[str, ...]:
    return "--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0"


def test_messages_of_both_sides_are_one_exchange(tmp_path: Path) -> None:
    with serving(echo) as origin, start_proxy(tmp_path / "data", *reverse(origin)) as proxy:
        with connect(proxy.reverse("o")) as connection:
            client = Client(connection)
            client.send(TextMessage(data="héllo"))
            assert client.next().data == "héllo"  # type: ignore[attr-defined] # it would be another event otherwise
            client.send(BytesMessage(data=b"\x00\xff"))
            assert bytes(client.next().data) == b"\x00\xff"  # type: ignore[attr-defined] # as above
            assert read_spool(proxy.data).exchanges == []
            client.send(CloseConnection(code=1000))
            assert isinstance(client.next(), CloseConnection)
        exchange = proxy.one()
        assert exchange.request.path == b"/live?room=1"
        assert exchange.response is not None
        assert exchange.response.status == 101
        assert exchange.complete
        assert [(m.from_client, m.text, m.data) for m in exchange.messages] == [
            (True, True, "héllo".encode()),
            (False, True, "héllo".encode()),
            (True, False, b"\x00\xff"),
            (False, False, b"\x00\xff"),
        ]
        assert [m.at for m in exchange.messages] == sorted(m.at for m in exchange.messages)


def test_what_is_over_the_bound_passes_and_is_counted(tmp_path: Path) -> None:
    size = 100_000
    number = 6 * MAX_BYTES // (2 * size)  # each comes back
    with serving(echo) as origin, start_proxy(tmp_path / "data", *reverse(origin)) as proxy:
        process = psutil.Process(proxy.process.pid)
        with connect(proxy.reverse("o")) as connection:
            client = Client(connection)
            before = process.memory_info().rss
            for _ in range(number):
                client.send(BytesMessage(data=b"m" * size))
                received = 0
                while received < size:
                    received += len(client.next().data)  # type: ignore[attr-defined] # nothing else comes
            grown = process.memory_info().rss - before
            client.send(CloseConnection(code=1000))
            client.next()
        exchange = proxy.one()
        assert sum(len(m.data) for m in exchange.messages) <= MAX_BYTES
        assert len(exchange.messages) + exchange.messages_missing == 2 * number
        assert exchange.messages_missing > 0
        assert not exchange.complete
        assert grown < 5 * MAX_BYTES
        assert proxy.stop() == 0
        assert read_spool(proxy.data).ledger.truncated == 1


def test_a_connection_that_breaks_is_recorded(tmp_path: Path) -> None:
    with serving(echo) as origin, start_proxy(tmp_path / "data", *reverse(origin)) as proxy:
        with connect(proxy.reverse("o")) as connection:
            client = Client(connection)
            client.send(TextMessage(data="last words"))
            client.next()
        exchange = proxy.one()
        assert [m.data for m in exchange.messages] == [b"last words", b"last words"]


def test_shutdown_records_an_open_connection_as_cut(tmp_path: Path) -> None:
    config = "[proxy]\ndrain_seconds = 0.2\n"
    with serving(echo) as origin, start_proxy(tmp_path / "data", *reverse(origin), config=config) as proxy:
        with connect(proxy.reverse("o")) as connection:
            client = Client(connection)
            client.send(TextMessage(data="hello"))
            client.next()
            ended = threading.Event()
            threading.Thread(target=lambda: (client.next(), ended.set())).start()
            assert proxy.stop() == 0
            wait_until(ended.is_set, "the client hears of the end")
        (exchange,) = read_spool(proxy.data).exchanges
        assert exchange.error == "cut at shutdown"
        assert len(exchange.messages) == 2
        assert read_spool(proxy.data).ledger.in_flight == 0
