"""The contract with mitmproxy: the lean engine and the addon do their work on the oldest and newest one we allow.

`make setup` lays both ends of the range beside the venv, in `.venv/contract/`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.proxy import exchange_raw, start_proxy, tunnel
from tests.support.proxy_h2 import h2_requests
from tests.support.proxy_origins import answering, h2_origin, json_answer, make_certificate, serving

CONTRACT = Path(sys.prefix) / "contract"
PINNED = sorted(path.stem for path in (Path(__file__).parent.parent / "contract").glob("mitmproxy-*.txt"))


def test_both_ends_of_the_range_are_pinned() -> None:
    assert len(PINNED) == 2, PINNED


@pytest.mark.parametrize("version", PINNED)
def test_runner_works_on(version: str, tmp_path: Path) -> None:
    overlay = CONTRACT / version
    assert overlay.is_dir(), f"{overlay} is missing; run `make setup`"
    environment = {"PYTHONPATH": str(overlay)}
    asked = subprocess.run(
        [sys.executable, "-c", "from mitmproxy.version import VERSION; print(VERSION)"],
        env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert version == f"mitmproxy-{asked.stdout.strip()}", "the overlay is what runs"

    certificate = make_certificate(tmp_path)
    config = f'[proxy]\nupstream_ca = "{certificate.file}"\n'
    with (
        serving(answering(json_answer())) as plain,
        serving(h2_origin, certificate.context("h2")) as secret,
        start_proxy(
            tmp_path / "data", "--listen", "127.0.0.1:0", "--reverse", f"o=http://127.0.0.1:{plain.port}@127.0.0.1:0",
            config=config, environment=environment,
        ) as proxy,
    ):  # fmt: skip
        request = b"PUT /plain HTTP/1.1\r\nHost: said\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        assert exchange_raw(proxy.reverse("o"), request).startswith(b"HTTP/1.1 200")
        assert f"Host: 127.0.0.1:{plain.port}".encode() in plain.requests[0]
        exchange_raw(proxy.reverse("o"), b"NONSENSE\r\n\r\n")
        with tunnel(proxy.port, f"localhost:{secret.port}", proxy.data / "ca" / "ca.pem", alpn=["h2"]) as client:
            assert client.selected_alpn_protocol() == "h2"
            ((_, body, trailers),) = h2_requests(client, secret.port, [b"over h2"])
        assert body == b"echo:over h2"
        assert trailers
        found = {one.request.path: one for one in proxy.spooled(3)}
        assert found[b"/plain"].complete
        assert found[b"/plain"].request.authority == b"said"
        assert found[b"/h2/0"].complete
        assert (found[b""].error or "").startswith("malformed")
        assert proxy.stop() == 0
        assert "Traceback" not in proxy.log.read_text()
