"""mitmproxy's flow file of exchanges, as `mitmdump -w` in reverse mode writes it.

Flows are made of mitmproxy's own classes and written by its own writer. Connection objects are kept per connection,
with everything a plain-text connection has in them; `tests/integration/test_benchmark_flow_file.py` holds their size to
what a real mitmdump writes for the same traffic.
"""

from collections.abc import Iterable
from typing import BinaryIO

from mitmproxy import connection, http
from mitmproxy.io import FlowWriter
from mitmproxy.proxy import mode_specs

from entrepot_store.model import Exchange

PROXY = "10.20.4.2"
"""Where the proxy stands in the made-up network."""


class FlowFile:
    """Writes exchanges to a stream; `size` is the bytes written so far."""

    def __init__(self, stream: BinaryIO) -> None:
        self._writer = FlowWriter(_Counting(self, stream))
        self._connections: dict[tuple[str, str], tuple[connection.Client, connection.Server]] = {}
        self.size = 0

    def add(self, exchange: Exchange) -> None:
        client, server = self._connection(exchange)
        flow = http.HTTPFlow(client, server)
        started = exchange.started_at / 1e6
        received = started + exchange.request_us / 1e6
        answered = received + exchange.waiting_us / 1e6
        host, port = _address(exchange.server_address)
        request, response = exchange.request, exchange.response
        flow.timestamp_created = started
        flow.request = http.Request(
            host=host,
            port=port,
            method=request.method,
            scheme=request.scheme,
            authority=b"",
            path=request.path,
            http_version=b"HTTP/1.1",
            headers=http.Headers(request.headers),
            content=request.body.data,
            trailers=None,
            timestamp_start=started,
            timestamp_end=received,
        )
        if response is not None:
            flow.response = http.Response(
                http_version=b"HTTP/1.1",
                status_code=response.status,
                reason=response.reason,
                headers=http.Headers(response.headers),
                content=response.body.data,
                trailers=None,
                timestamp_start=answered,
                timestamp_end=answered + exchange.response_us / 1e6,
            )
        self._writer.add(flow)

    def add_all(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            self.add(exchange)

    def _connection(self, exchange: Exchange) -> tuple[connection.Client, connection.Server]:
        key = exchange.client_address, exchange.server_address
        if key not in self._connections:
            opened = exchange.started_at / 1e6 - 0.0031
            server = _address(exchange.server_address)
            self._connections[key] = (
                connection.Client(
                    peername=_address(exchange.client_address),
                    sockname=(PROXY, 9101),
                    timestamp_start=opened,
                    proxy_mode=mode_specs.ProxyMode.parse(f"reverse:http://{exchange.server_address}"),
                ),
                connection.Server(
                    address=server,
                    peername=server,
                    sockname=(PROXY, 32768 + len(self._connections)),
                    timestamp_start=opened + 0.0007,
                    timestamp_tcp_setup=opened + 0.0019,
                ),
            )
        return self._connections[key]


class _Counting:
    def __init__(self, file: FlowFile, stream: BinaryIO) -> None:
        self._file = file
        self._stream = stream

    def write(self, data: bytes) -> int:
        self._file.size += len(data)
        return self._stream.write(data)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)
