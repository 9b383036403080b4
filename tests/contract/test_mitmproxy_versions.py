"""The engine embeds mitmproxy, which mitmproxy tolerates and does not promise: it is booted on both ends of the range
that pyproject.toml allows. `make setup` lays each end out in a folder of its own beside the venv's."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.proxy import body_of, exchange_raw, read_response, start_proxy, tunnel
from tests.support.proxy_origins import answering, json_answer, make_certificate, serving

ROOT = Path(__file__).parents[2]
PINS = sorted(Path(__file__).parent.glob("mitmproxy-*.txt"))
LAID_OUT = Path(sys.prefix) / "contract"


def test_the_pins_are_within_the_allowed_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    allowed = next(r for r in map(Requirement, project["dependencies"]) if r.name == "mitmproxy").specifier
    versions = [re.fullmatch(r"mitmproxy-(.+)\.txt", pin.name)[1] for pin in PINS]  # type: ignore[index] # globbed so
    assert len(versions) >= 2
    assert all(allowed.contains(version) for version in versions)
    assert f">={versions[0].rpartition('.')[0]}" in str(allowed), "the oldest pin is the oldest that is allowed"


@pytest.mark.parametrize("pin", PINS, ids=lambda pin: pin.stem)
def test_the_runner_captures_on(pin: Path, tmp_path: Path) -> None:
    folder = LAID_OUT / pin.stem
    assert folder.is_dir(), "run `make setup`"
    environment = {"PYTHONPATH": str(folder)}  # comes before the venv's own
    said = subprocess.run(
        [sys.executable, "-c", "import mitmproxy.version as v; print(v.VERSION)"],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    assert f"mitmproxy-{said.stdout.strip()}" == pin.stem, "the proxy below runs on this version and no other"
    certificate = make_certificate(tmp_path)
    config = f'[proxy]\nupstream_ca = "{certificate.file}"\n'
    with (
        serving(answering(json_answer())) as plain,
        serving(answering(json_answer(b'{"tls": true}')), certificate.context()) as secure,
        start_proxy(
            tmp_path / "data",
            "--listen",
            "127.0.0.1:0",
            "--reverse",
            f"orders=http://127.0.0.1:{plain.port}@127.0.0.1:0",
            config=config,
            environment=environment,
        ) as proxy,
    ):
        request = b"PUT /v1/a HTTP/1.1\r\nHost: orders\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
        assert exchange_raw(proxy.reverse("orders"), request).endswith(b'{"ok": true}')
        client = tunnel(proxy.port, f"localhost:{secure.port}", proxy.data / "ca" / "ca.pem")
        with client:
            client.sendall(f"GET /tls HTTP/1.1\r\nHost: localhost:{secure.port}\r\n\r\n".encode())
            assert read_response(client)[1] == b'{"tls": true}'
        captured = proxy.spooled(2)
        assert proxy.stop() == 0
    assert [(e.request.path, e.complete) for e in captured] == [(b"/v1/a", True), (b"/tls", True)]
    assert body_of(proxy.data, captured[0].request.body) == b"abc"
    assert captured[0].response is not None
    assert body_of(proxy.data, captured[0].response.body) == b'{"ok": true}'
