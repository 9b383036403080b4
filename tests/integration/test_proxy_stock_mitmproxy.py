"""The capture addon in a stock mitmdump, as `mitmdump -s "$(entrepot addon-path)"` runs it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import entrepot_proxy
from tests.support.proxy import Proxy, connect, exchange_raw, read_response, read_spool, tunnel, wait_until
from tests.support.proxy_origins import answering, free_port, json_answer, make_certificate, serving

ADDON = Path(entrepot_proxy.__file__).with_name("mitm_addon.py")
MITMDUMP = Path(sys.executable).with_name("mitmdump")


@pytest.fixture
def stock(tmp_path: Path) -> Iterator[tuple[Proxy, int]]:
    port = free_port()
    data = tmp_path / "data"
    config = tmp_path / "entrepot.toml"
    config.write_text('[[rule]]\nname = "noise"\npath = "/health"\naction = "ignore"\n')
    log = tmp_path / "log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    with log.open("w") as stream:
        process = subprocess.Popen(
            [
                str(MITMDUMP), "-s", str(ADDON), "--set", f"confdir={tmp_path / 'conf'}", "--set", "ssl_insecure=true",
                "--set", "stream_large_bodies=5", "--listen-host", "127.0.0.1", "-p", str(port),
            ],
            stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, text=True,
            env={**environment, "ENTREPOT_DATA": str(data), "ENTREPOT_CONFIG": str(config)},
        )  # fmt: skip
    proxy = Proxy(process, data, log)

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        return (data / "run" / "proxy.json").exists()

    with proxy:
        wait_until(ready, "mitmdump runs the addon")
        yield proxy, port


def test_captures_http_tls_and_failures(stock: tuple[Proxy, int], tmp_path: Path) -> None:
    proxy, port = stock
    dead = free_port()
    certificate = make_certificate(tmp_path)
    with serving(answering(json_answer())) as plain, serving(answering(json_answer()), certificate.context()) as secret:
        for path in ("/kept", "/health"):
            exchange_raw(
                port,
                f"GET http://localhost:{plain.port}{path} HTTP/1.1\r\nHost: localhost:{plain.port}\r\n"
                "Proxy-Authorization: Basic YmlsbGluZzo=\r\nConnection: close\r\n\r\n".encode(),
            )
        assert b"proxy-authorization" not in plain.requests[0].lower()
        ca = tmp_path / "conf" / "mitmproxy-ca-cert.pem"
        with tunnel(port, f"localhost:{secret.port}", ca) as client:
            client.sendall(
                f"PUT /tls HTTP/1.1\r\nHost: localhost:{secret.port}\r\nContent-Length: 2\r\n\r\nhi".encode()
            )
            assert read_response(client)[1] == b'{"ok": true}'
        with connect(port) as client:
            client.sendall(f"GET http://localhost:{dead}/lost HTTP/1.1\r\nHost: localhost:{dead}\r\n\r\n".encode())
            assert read_response(client)[0].startswith(b"HTTP/1.1 502")
        exchange_raw(
            port,
            f"PUT http://localhost:{plain.port}/streamed HTTP/1.1\r\nHost: localhost:{plain.port}\r\n"
            "Content-Length: 16\r\nConnection: close\r\n\r\nlonger than five".encode(),
        )
        exchange_raw(port, b"NONSENSE\r\n\r\n")
        by_path = {one.request.path: one for one in proxy.spooled(5)}
        assert proxy.stop() == 0
    assert set(by_path) == {b"/kept", b"/tls", b"/lost", b"/streamed", b""}
    assert by_path[b"/kept"].source == "billing"
    assert by_path[b"/kept"].complete
    assert by_path[b"/kept"].response is not None
    assert by_path[b"/kept"].response.body.data == b'{"ok": true}', "mitmproxy was told to stream it past us"
    assert by_path[b"/streamed"].request.body.data == b"longer than five"
    assert by_path[b"/tls"].request.body.data == b"hi"
    assert by_path[b"/tls"].request.scheme == b"https"
    assert (by_path[b"/lost"].error or "").startswith("refused")
    assert (by_path[b""].error or "").startswith("malformed")
    ledger = read_spool(proxy.data).ledger
    assert (ledger.seen, ledger.stored, ledger.ignored, ledger.in_flight) == (6, 5, 1, 0)
    assert not (proxy.data / "run" / "proxy.json").exists()


def test_a_bad_configuration_is_said_in_a_sentence(tmp_path: Path) -> None:
    config = tmp_path / "entrepot.toml"
    config.write_text("nonsense = 1\n")
    environment = {**os.environ, "ENTREPOT_DATA": str(tmp_path / "data"), "ENTREPOT_CONFIG": str(config)}
    done = subprocess.run(
        [str(MITMDUMP), "-s", str(ADDON), "--set", f"confdir={tmp_path / 'conf'}", "-p", str(free_port())],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode != 0
    assert "entrepot captures nothing: " in done.stdout + done.stderr
    assert "nonsense" in done.stdout + done.stderr
