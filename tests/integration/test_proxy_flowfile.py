"""mitmproxy's flow files into spool frames and back, judged by mitmproxy's own reader."""

import gzip
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mitmproxy import flow as mitm_flow
from mitmproxy import http, tcp
from mitmproxy.connection import Client, Server
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.websocket import WebSocketData
from mitmproxy.websocket import WebSocketMessage as MitmMessage
from wsproto.frame_protocol import Opcode

from entrepot_proxy.flowfile import main, read, write
from entrepot_proxy.policy import compile_policy
from entrepot_store.config import ProxySettings, Settings
from entrepot_store.errors import BadInput, Damaged
from entrepot_store.model import Body, Exchange, WebSocketMessage
from entrepot_store.redact import load_key
from entrepot_store.spool.frames import FILE_MAGIC, decode_frames, encode_frame
from entrepot_store.spool.records import pack_exchange, unpack
from tests.support.spooled import START, make_exchange

BARE = compile_policy(Settings.model_construct(proxy=ProxySettings(redact_headers=()), product=(), rule=()), b"k" * 32)


def frames(*exchanges: Exchange) -> bytes:
    return FILE_MAGIC + b"".join(encode_frame(pack_exchange(one)) for one in exchanges)


def exchanges_in(raw: bytes) -> list[Exchange]:
    assert raw.startswith(FILE_MAGIC)
    found = []
    for payload in decode_frames(raw, len(FILE_MAGIC)):
        assert isinstance(payload, memoryview)
        record = unpack(payload)
        assert isinstance(record, Exchange)
        found.append(record)
    return found


def recorded(**request: object) -> http.HTTPFlow:
    """A flow as mitmdump would have recorded it."""
    made = http.HTTPFlow(
        Client(peername=("10.0.0.7", 50000), sockname=("10.0.0.1", 8080), timestamp_start=1.0),
        Server(address=("orders.internal", 80), peername=("10.0.0.9", 80)),
    )
    made.id = "11111111-2222-3333-4444-555555555555"
    made.request = http.Request(
        **{  # type: ignore[arg-type] # a table of defaults
            "host": "orders.internal", "port": 80, "method": b"PUT", "scheme": b"http", "authority": b"",
            "path": b"/v1/a?b=1", "http_version": b"HTTP/1.1",
            "headers": http.Headers(((b"Host", b"orders.internal"), (b"Authorization", b"Bearer s3cret"))),
            "content": b"sent", "trailers": None, "timestamp_start": START / 1e6, "timestamp_end": START / 1e6 + 0.25,
            **request,
        }
    )  # fmt: skip
    made.response = http.Response(
        b"HTTP/1.1", 200, b"OK", http.Headers(((b"Content-Type", b"text/plain"),)), b"answer", None,
        START / 1e6 + 0.5, START / 1e6 + 1.0,
    )  # fmt: skip
    return made


def flow_file(*flows: mitm_flow.Flow) -> bytes:
    buffer = io.BytesIO()
    writer = FlowWriter(buffer)
    for one in flows:
        writer.add(one)
    return buffer.getvalue()


def import_of(raw: bytes) -> list[Exchange]:
    target = io.BytesIO()
    read(io.BytesIO(raw), target, BARE)
    return exchanges_in(target.getvalue())


def test_a_recorded_flow_becomes_an_exchange() -> None:
    (exchange,) = import_of(flow_file(recorded()))
    assert exchange.started_at == START
    assert (exchange.request_us, exchange.waiting_us, exchange.response_us) == (250_000, 250_000, 500_000)
    assert exchange.source == "10.0.0.7"
    assert exchange.destination == "orders.internal"
    assert exchange.request.url == b"http://orders.internal/v1/a?b=1"
    assert exchange.request.body.data == b"sent"
    assert exchange.response is not None
    assert exchange.response.body.data == b"answer"
    assert exchange.complete


def test_importing_twice_gives_the_same_ids_and_other_flows_give_others() -> None:
    first, second = import_of(flow_file(recorded())), import_of(flow_file(recorded()))
    assert [one.id for one in first] == [one.id for one in second]
    others = [recorded(content=b"other"), recorded(path=b"/else"), recorded(method=b"POST")]
    other = recorded()
    other.id = "99999999-2222-3333-4444-555555555555"
    ids = {one.id for one in import_of(flow_file(recorded(), *others, other))}
    assert len(ids) == 5


def test_round_trip_through_mitmproxys_own_reader() -> None:
    plain = make_exchange(1)
    failed = replace(make_exchange(2), response=None, error="refused: nobody there")
    socket = make_exchange(3)
    socket.messages = [
        WebSocketMessage(START + 5, True, True, "é".encode()),
        WebSocketMessage(START + 6, False, False, b"\xff"),
    ]
    odd = make_exchange(4, body=bytes(range(256)))
    odd.request = replace(odd.request, path=b"/caf\xe9?\xff", headers=((b"X-Raw", b"\xff\xfe"), (b"x-raw", b"2")))
    target = io.BytesIO()
    assert write(io.BytesIO(frames(plain, failed, socket, odd)), target) == 4

    flows = list(FlowReader(io.BytesIO(target.getvalue())).stream())
    assert [type(one) for one in flows] == [http.HTTPFlow] * 4
    first = flows[0]
    assert isinstance(first, http.HTTPFlow)
    assert first.request.pretty_url == "http://orders.internal/v1/settings/1?full=1"
    assert first.response is not None
    assert first.response.content == b'{"ok": true, "user": 1}'

    for before, after in zip([plain, failed, socket, odd], import_of(target.getvalue()), strict=True):
        assert after.id == before.id
        assert after.started_at == before.started_at
        assert after.request == before.request
        assert after.response == before.response
        assert after.messages == before.messages
        assert bool(after.error) == bool(before.error)
        assert after.response is None or abs(after.waiting_us - before.waiting_us) <= 2


def test_a_body_that_was_kept_decoded_is_encoded_again() -> None:
    exchange = make_exchange(1)
    assert exchange.response is not None
    exchange.response.headers = ((b"Content-Encoding", b"gzip"), (b"Content-Length", b"7"))
    exchange.response.body = Body(b"plain text", size=10, decoded="gzip")
    target = io.BytesIO()
    write(io.BytesIO(frames(exchange)), target)
    (flow,) = FlowReader(io.BytesIO(target.getvalue())).stream()
    assert isinstance(flow, http.HTTPFlow)
    assert flow.response is not None
    assert flow.response.raw_content is not None
    assert gzip.decompress(flow.response.raw_content) == b"plain text"
    assert flow.response.text == "plain text"
    assert flow.response.headers["content-length"] == str(len(flow.response.raw_content))


def test_websocket_and_other_protocols() -> None:
    socket = recorded()
    socket.websocket = WebSocketData([MitmMessage(Opcode.TEXT, True, b"hi", START / 1e6 + 2)])
    other = tcp.TCPFlow(socket.client_conn, socket.server_conn)
    target = io.BytesIO()
    assert read(io.BytesIO(flow_file(other, socket)), target, BARE) == (1, 1)
    (exchange,) = exchanges_in(target.getvalue())
    assert [(m.from_client, m.text, m.data) for m in exchange.messages] == [(True, True, b"hi")]


def test_a_flow_that_streamed_says_that_its_body_is_missing() -> None:
    flow = recorded()
    assert flow.response is not None
    flow.response.data.content = None
    (exchange,) = import_of(flow_file(flow))
    assert exchange.response is not None
    assert exchange.response.body.truncated
    assert not exchange.complete


def test_a_torn_flow_file_gives_what_is_whole_and_says_so() -> None:
    raw = flow_file(recorded(), recorded(path=b"/two"))
    target = io.BytesIO()
    with pytest.raises(Damaged, match="after 1 HTTP flows"):
        read(io.BytesIO(raw[:-10]), target, BARE)
    assert len(exchanges_in(target.getvalue())) == 1


@pytest.mark.parametrize("damage", ["magic", "cut", "flip"])
def test_damaged_frames_are_refused(damage: str) -> None:
    raw = bytearray(frames(make_exchange(1)))
    if damage == "magic":
        raw[0] ^= 1
    elif damage == "flip":
        raw[-3] ^= 1
    else:
        del raw[-3:]
    with pytest.raises((Damaged, BadInput)):
        write(io.BytesIO(bytes(raw)), io.BytesIO())


def test_bodies_in_files_are_refused() -> None:
    exchange = make_exchange(1)
    exchange.request.body = Body(None, "w1.aa.request", 5)
    with pytest.raises(BadInput):
        write(io.BytesIO(frames(exchange)), io.BytesIO())


def test_as_a_process_with_the_rules_and_the_key_of_an_installation(tmp_path: Path) -> None:
    data = tmp_path / "data"
    config = tmp_path / "entrepot.toml"
    config.write_text(
        '[[product]]\nname = "orders"\nhosts = ["orders.internal"]\n'
        '[[rule]]\nname = "drop"\npath = "/drop"\naction = "ignore"\n[[rule]]\nname = "keep"\n'
    )
    file = tmp_path / "flows"
    file.write_bytes(flow_file(recorded(), recorded(path=b"/drop")))
    command = [sys.executable, "-m", "entrepot_proxy.flowfile"]
    done = subprocess.run(
        [*command, "read", str(file), "--data", str(data), "--config", str(config)],
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    (exchange,) = exchanges_in(done.stdout)
    assert exchange.rule == "keep"
    assert exchange.destination == "orders"
    assert b"s3cret" not in done.stdout
    assert dict(exchange.request.headers)[b"Authorization"].startswith(b"Bearer {{secret:authorization:")
    assert len(load_key(data)) == 32

    back = subprocess.run([*command, "write"], input=done.stdout, capture_output=True, check=True, timeout=120)
    (flow,) = FlowReader(io.BytesIO(back.stdout)).stream()
    assert isinstance(flow, http.HTTPFlow)
    assert flow.request.path == "/v1/a?b=1"


def test_mistakes_are_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(tmp_path / "none")]) == 2
    assert "none: No such file" in capsys.readouterr().err
    broken = tmp_path / "broken"
    broken.write_bytes(b"certainly no flow file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
        assert main(["read", str(broken)]) == Damaged.exit_code
    assert "no flow" in capsys.readouterr().err
