"""Exchanges turned into mitmproxy's flows, for its flow files."""

from mitmproxy import connection, flow, http, websocket
from mitmproxy.net import encoding
from mitmproxy.net.http import url
from mitmproxy.proxy.mode_specs import ProxyMode
from wsproto.frame_protocol import Opcode

from entrepot_store.errors import BadInput
from entrepot_store.model import Body, Exchange, Headers, Request, Response

from .flow_import import ID_KEY


def flow_of(exchange: Exchange) -> http.HTTPFlow:
    """The exchange as a flow. Its bodies must be in memory; raises BadInput if they are in files."""
    started = exchange.started_at / 1_000_000
    request_end = started + exchange.request_us / 1_000_000
    response_start = request_end + exchange.waiting_us / 1_000_000
    response_end = response_start + exchange.response_us / 1_000_000
    result = http.HTTPFlow(_client(exchange, started), _server(exchange, started))
    result.id = str(exchange.id)
    result.metadata[ID_KEY] = str(exchange.id)
    result.timestamp_created = started
    result.request = _request(exchange.request, started, request_end)
    if exchange.response is not None:
        result.response = _response(exchange.response, response_start, response_end)
    if exchange.error is not None:
        result.error = flow.Error(exchange.error, response_end)
    if exchange.messages:
        result.websocket = websocket.WebSocketData(
            [
                websocket.WebSocketMessage(
                    Opcode.TEXT if message.text else Opcode.BINARY,
                    message.from_client,
                    message.data,
                    message.at / 1_000_000,
                )
                for message in exchange.messages
            ]
        )
    return result


def _request(request: Request, started: float, ended: float) -> http.Request:
    host, port = _host(request)
    content, headers = _content(request.body, request.headers)
    return http.Request(
        host=host,
        port=port,
        method=request.method,
        scheme=request.scheme,
        authority=request.authority if request.version == "HTTP/2.0" else b"",
        path=request.path,
        http_version=request.version.encode(),
        headers=http.Headers(headers),
        content=content,
        trailers=http.Headers(request.trailers) if request.trailers else None,
        timestamp_start=started,
        timestamp_end=ended,
    )


def _response(response: Response, started: float, ended: float) -> http.Response:
    content, headers = _content(response.body, response.headers)
    return http.Response(
        http_version=response.version.encode(),
        status_code=response.status,
        reason=response.reason,
        headers=http.Headers(headers),
        content=content,
        trailers=http.Headers(response.trailers) if response.trailers else None,
        timestamp_start=started,
        timestamp_end=ended,
    )


def _content(body: Body, headers: Headers) -> tuple[bytes, Headers]:
    """The bytes under their Content-Encoding, as mitmproxy expects them, and headers that fit.

    A body that was kept decoded is encoded again. That need not give the bytes that were on the wire, so its
    Content-Length is set to what it is now.
    """
    if body.data is None:
        raise BadInput("A body is in a file; only exchanges with their bodies inline become flows.")
    if not body.decoded:
        return body.data, headers
    try:
        content = encoding.encode(body.data, body.decoded)
    except ValueError as error:
        raise BadInput(f"Content-Encoding {body.decoded!r} is not known to mitmproxy: {error}.") from error
    data = content if isinstance(content, bytes) else body.data
    length = b"%d" % len(data)
    return data, tuple((name, length if name.lower() == b"content-length" else value) for name, value in headers)


def _host(request: Request) -> tuple[str, int]:
    default = 443 if request.scheme == b"https" else 80
    try:
        host, port = url.parse_authority(request.authority, check=False)
    except ValueError:
        return request.authority.decode("utf-8", "backslashreplace"), default
    return host, port or default


def _client(exchange: Exchange, started: float) -> connection.Client:
    return connection.Client(
        peername=_address(exchange.client_address),
        sockname=("", 0),
        timestamp_start=started,
        tls=exchange.request.scheme == b"https",
        proxy_mode=ProxyMode.parse("regular"),
    )


def _server(exchange: Exchange, started: float) -> connection.Server:
    address = _address(exchange.server_address)
    return connection.Server(
        address=_host(exchange.request), peername=address if address[0] else None, timestamp_start=started
    )


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port) if port.isdigit() else 0
