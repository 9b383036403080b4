"""Secrets in every place of real traffic, and not one of them in any byte that Entrepot writes."""

import gzip
import json
import socket
import struct
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Message, Request, TextMessage

from entrepot_api.http.metrics import render
from entrepot_api.http.services import Services
from entrepot_api.status import collect
from entrepot_store.archive import Archive
from entrepot_store.catalog import Catalog, ExchangeFilter, open_catalog
from entrepot_store.clock import SystemClock
from entrepot_store.config import Settings
from entrepot_store.ship import run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault import Vault, open_vault
from tests.support.leaks import Secrets, all_bytes
from tests.support.proxy import Proxy, connect, exchange_raw, start_proxy, tunnel
from tests.support.proxy_h2 import h2_requests
from tests.support.proxy_origins import Origin, h2_origin, make_certificate, read_request, serving

CONFIG = """
[proxy]
upstream_ca = "{certificate}"

[spool]
seal_seconds = 600

[[rule]]
name = "secretive"
action = "protect"

[rule.redact]
headers = ["x-tenant-key"]
query = ["api_key"]
json = ["$..token", "$.card.number"]
form = ["password"]
regex = ['tok_[a-z0-9]{{8,}}', '(?i)pin: (?P<pin>[0-9a-z]+)']
"""


secret = Secrets()
TOKEN = "tok_{}"
JSON = "application/json"


def requests() -> list[bytes]:
    """One for every place in which an HTTP/1 request can have a secret."""
    headers = (
        f"Host: o\r\nAuthorization: Bearer {secret('bearer')}\r\nCookie: session={secret('cookie')}\r\n"
        f"X-Tenant-Key: {secret('named header')}\r\nReferer: http://o/from?api_key={secret('referer')}&x=1\r\n"
        f"X-Note: has {secret('any header', TOKEN)} within\r\nConnection: close\r\n"
    )
    return [
        _post(path, headers + extra, content_type, body if isinstance(body, bytes) else body.encode())
        for path, extra, content_type, body in (*json_bodies(), *other_bodies())
    ]


def json_bodies() -> Iterator[tuple[str, str, str, str | bytes]]:
    nested = {
        "token": secret("json"),
        "card": {
            "number": secret("nested json"),
            "list": [{"token": secret("deeper json")}, {"token": {"a": secret("json subtree")}}],
        },
        "note": f"call {secret('regex in json', TOKEN)}",
    }
    escaped = "".join(f"\\u{ord(character):04x}" for character in secret("escaped json", TOKEN))
    zipped = gzip.compress(_token("gzip"))
    encoded = "Content-Encoding: gzip\r\n"
    yield "/json", "", JSON, json.dumps(nested)
    yield "/escaped", "", JSON, '{"note": "' + escaped + '"}'
    yield "/malformed", "", JSON, _token("malformed json")[:-1]
    yield "/twin", "", JSON, f'{{"token":"{secret("twin")}","token":1}}'
    yield "/gzip", encoded, JSON, zipped
    yield "/broken-gzip", encoded, JSON, zipped[:-9] + _token("broken gzip")
    yield "/utf16", "", JSON, _token("utf-16").decode().encode("utf-16")
    yield "/lines", "", "application/x-ndjson", b'{"a":1}\n' + _token("ndjson")
    yield "/digest", f"Content-MD5: {secret('digest')}\r\n", JSON, _token("digested")
    yield "/fails", "", JSON, _token("failing exchange")


def other_bodies() -> Iterator[tuple[str, str, str, str | bytes]]:
    form = f"user=u&password={secret('form')}&note={secret('regex in form', TOKEN)}&password={secret('form again')}"
    path = f"/form?api_key={secret('query')}&q={secret('regex in query', TOKEN)}"
    yield path, "", "application/x-www-form-urlencoded", form
    part = '--B\r\nContent-Disposition: form-data; name="{}"\r\n{}\r\n{}\r\n'
    multipart = (
        part.format("password", "", secret("multipart"))
        + part.format("doc", f"Content-Type: {JSON}\r\n", _token("json in multipart").decode())
        + part.format("text", "", f"x {secret('regex in multipart', TOKEN)} y")
        + "--B--\r\n"
    )
    yield f"/multipart/{secret('path', TOKEN)}", "", "multipart/form-data; boundary=B", multipart
    yield "/text", "", "text/plain", f"my PIN: {secret('group of a regex')} and {secret('regex', TOKEN)}"


def _token(place: str) -> bytes:
    return b'{"token": "%s"}' % secret(place).encode()


def _post(path: str, headers: str, content_type: str, body: bytes) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\n{headers}Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


def origin(connection: socket.socket, origin: Origin, pause: threading.Event) -> None:
    """Answers with secrets: in JSON, compressed, chunked while the test looks at the disk; breaks off for one path."""
    request = read_request(connection)
    origin.requests.append(request)
    if request.startswith(b"POST /fails"):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return
    head = (
        f"HTTP/1.1 200 {secret('reason', TOKEN)}\r\nSet-Cookie: id={secret('set-cookie')}; Path=/\r\n"
        f"Location: https://u:{secret('userinfo')}@o/next?api_key={secret('location')}\r\n"
        f"X-Tenant-Key: {secret('named response header')}\r\nConnection: close\r\n"
    ).encode()
    body = json.dumps(
        {"token": secret("response"), "filler": Random(len(origin.requests)).randbytes(900).hex()}
    ).encode()
    if request.startswith(b"POST /gzip"):
        body = gzip.compress(body)
        head += b"Content-Encoding: gzip\r\n"
    if request.startswith(b"GET /streamed"):
        connection.sendall(head + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        pieces = [b'{"token": "%s", "filler": "' % secret("chunked").encode(), b"f" * 1_500_000, b'"}']
        for piece in pieces[:2]:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        pause.wait(60)
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(pieces[2]), pieces[2]))
        return
    connection.sendall(head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def talk_websocket(port: int) -> None:
    with connect(port) as connection:
        ws = WSConnection(ConnectionType.CLIENT)
        connection.sendall(ws.send(Request(host="o", target="/live")))
        while not any(isinstance(event, AcceptConnection) for event in ws.events()):
            ws.receive_data(connection.recv(65536))
        texts = [f'{{"token": "{secret("websocket json")}"}}', f"say {secret('websocket text', TOKEN)}"]
        for text in texts:
            connection.sendall(ws.send(TextMessage(data=text)))
        connection.sendall(ws.send(CloseConnection(code=1000)))
        while connection.recv(65536):
            pass


def websocket_origin(connection: socket.socket, _: Origin) -> None:
    ws = WSConnection(ConnectionType.SERVER)
    while data := connection.recv(65536):
        ws.receive_data(data)
        for event in ws.events():
            if isinstance(event, Request):
                connection.sendall(ws.send(AcceptConnection()))
            elif isinstance(event, Message):
                connection.sendall(ws.send(TextMessage(data=event.data)))
            elif isinstance(event, CloseConnection):
                connection.sendall(ws.send(event.response()))
                return


def send_all(proxy: Proxy, origins: dict[str, Origin], sent: list[bytes]) -> None:
    for request in sent:
        answer = exchange_raw(proxy.reverse("o"), request)
        if b"POST /fails" not in request:
            assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
            assert not request.startswith(b"POST /json") or secret.by_place["response"].encode() in answer
    # What the other side got is what was sent, secrets and all.
    bodies = {request.partition(b"\r\n\r\n")[2] for request in origins["o"].requests}
    assert {request.partition(b"\r\n\r\n")[2] for request in sent if b"POST /fails" not in request} <= bodies


def test_no_secret_is_anywhere_on_disk(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    certificate = make_certificate(tmp_path)
    data = tmp_path / "data"
    pause = threading.Event()
    sent = requests()
    trailers = ((b"x-tenant-key", secret("trailer").encode()), (b"x-note", secret("regex in trailer", TOKEN).encode()))
    with (
        serving(partial(origin, pause=pause)) as plain,
        serving(websocket_origin) as websocket,
        serving(partial(h2_origin, trailers=trailers), certificate.context("h2")) as h2,
        start_proxy(
            data, "--listen", "127.0.0.1:0",
            "--reverse", f"o=http://127.0.0.1:{plain.port}@127.0.0.1:0",
            "--reverse", f"ws=http://127.0.0.1:{websocket.port}@127.0.0.1:0",
            config=CONFIG.format(certificate=certificate.file),
        ) as proxy,
    ):  # fmt: skip
        send_all(proxy, {"o": plain}, sent)
        talk_websocket(proxy.reverse("ws"))
        with tunnel(proxy.port, f"localhost:{h2.port}", data / "ca" / "ca.pem", alpn=("h2",)) as client:
            h2_requests(client, h2.port, [secret("http/2", TOKEN).encode()])
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"GET /streamed HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n")
            received = b""
            while len(received) < 1_400_000:
                received += client.recv(65536)
            assert secret.by_place["chunked"].encode() in received
            looked_into(data, "while a body streams")
            pause.set()
            while client.recv(65536):
                pass
        for number in range(20):  # enough of one kind for a dictionary
            exchange_raw(proxy.reverse("o"), sent[0].replace(b"POST /json", b"POST /json/%d" % number))
        exchanges = proxy.spooled(len(sent) + 3 + 20)
        looked_into(data, "in the spool")
        state = json.dumps(proxy.state())
        assert proxy.stop() == 0
        log = proxy.log.read_bytes()

    withheld = [
        side.body.withheld for one in exchanges for side in (one.request, one.response) if side and side.body.withheld
    ]
    assert sorted(withheld) == sorted(
        [
            "it is not valid JSON",
            "its JSON has two members of one name",
            "its Content-Encoding cannot be undone within proxy.redact_body_bytes",
        ]
    )
    settings = Settings(data=data)
    catalog, vault = open_catalog(settings), open_vault(settings)
    try:
        run_shipper(SpoolFolder(data / "spool"), vault, catalog, threading.Event(), mode="once")
        assert catalog.count(ExchangeFilter()) == len(exchanges)
        told = says(settings, catalog, vault)
    finally:
        catalog.close()
    files = looked_into(data, "after shipping")
    assert any(b"{{secret:token:" in content for name, content in files if name.endswith("decompressed"))
    assert any(magic_of_dictionary(path) for path in data.rglob("*.warc.zst"))
    written = capfdbinary.readouterr()
    for place, text in {
        "state": state.encode(),
        "log": log,
        "status": told,
        "output": written.out + written.err,
    }.items():
        assert secret.found(text) == set(), place


def magic_of_dictionary(path: Path) -> bool:
    return path.read_bytes()[:4] == struct.pack("<I", 0x184D2A5D)


def looked_into(data: Path, when: str) -> list[tuple[str, bytes]]:
    files = list(all_bytes(data))
    found = {name: places for name, content in files if (places := secret.found(content))}
    assert found == {}, when
    return files


def says(settings: Settings, catalog: Catalog, vault: Vault) -> bytes:
    """What status and metrics say."""
    services = Services(settings, catalog, vault, Archive(vault, catalog), SystemClock())
    return json.dumps(collect(settings, catalog, vault)).encode() + render(services)
