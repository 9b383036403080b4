"""The flow file that stored bytes are compared with is as large as a real mitmdump's."""

import http.server
import io
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from mitmproxy.io import FlowReader

from benchmarks.flow_file import FlowFile
from benchmarks.traffic import generate_exchanges
from entrepot_store.model import Body, Exchange, Headers

COUNT = 40


def message(start: bytes, headers: Headers, body: Body) -> bytes:
    return b"\r\n".join([start, *(b"%s: %s" % pair for pair in headers), b"", b""]) + (body.data or b"")


class Origin(http.server.BaseHTTPRequestHandler):
    """Gives every request the answer that was recorded for it, byte by byte."""

    protocol_version = "HTTP/1.1"
    answers: Iterator[Exchange]

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        response = next(self.answers).response
        assert response is not None
        lines = [
            b"HTTP/1.1 %d %s" % (response.status, response.reason),
            *(b"%s: %s" % pair for pair in response.headers),
        ]
        self.wfile.write(b"\r\n".join(lines) + b"\r\n\r\n" + (response.body.data or b""))


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(port: int, exchanges: list[Exchange]) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client, client.makefile("rb") as answers:
        for exchange in exchanges:
            request = exchange.request
            lines = [
                b"%s %s HTTP/1.1" % (request.method, request.path),
                *(b"%s: %s" % pair for pair in request.headers),
            ]
            client.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + (request.body.data or b""))
            assert exchange.response is not None
            left = len(exchange.response.body.data or b"")
            while answers.readline() != b"\r\n":
                pass
            while left:
                left -= len(answers.read(left))


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("mitmdump did not begin to listen")


def test_flows_are_as_large_as_those_of_a_real_mitmdump(tmp_path: Path) -> None:
    exchanges = list(islice(generate_exchanges(), COUNT))
    handler = type("Handler", (Origin,), {"answers": iter(exchanges)})
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    port, target = free_port(), tmp_path / "flows"
    command = [sys.executable, "-c", "from mitmproxy.tools.main import mitmdump; mitmdump()", "-q"]
    command += ["--mode", f"reverse:http://127.0.0.1:{origin.server_port}", "--listen-host", "127.0.0.1"]
    command += ["--listen-port", str(port), "--set", f"confdir={tmp_path / 'conf'}", "--set", "keep_host_header=true"]
    proxy = subprocess.Popen([*command, "-w", target])
    try:
        wait_for(port, proxy)
        send(port, exchanges)
    finally:
        proxy.terminate()
        proxy.wait(30)
        origin.shutdown()
    ours = io.BytesIO()
    file = FlowFile(ours)
    file.add_all(exchanges)
    assert file.size == len(ours.getvalue())
    with target.open("rb") as real:
        assert len(list(FlowReader(real).stream())) == COUNT
    assert len(list(FlowReader(io.BytesIO(ours.getvalue())).stream())) == COUNT
    # Addresses and times are written with a digit more or less; nothing else may differ.
    assert file.size == pytest.approx(target.stat().st_size, rel=0.01)
