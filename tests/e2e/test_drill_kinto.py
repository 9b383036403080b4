"""Can a product that nobody here wrote be restored? `entrepot drill` with Kinto, and without what it signs in with."""

import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.test_replay_kinto import AUTHORIZATION, kinto
from tests.e2e.test_replay_verify_kinto import HEADERS, recorded
from tests.support.drilling import free_port
from tests.support.faces import run_cli, stored


def test_kinto_is_started_rebuilt_and_stopped(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with kinto() as url, httpx.Client(base_url=f"{url}/v1", headers=HEADERS) as client:
        traffic = recorded(url, client)
    (tmp_path / "secret").write_text(AUTHORIZATION)
    port = free_port()
    with stored(tmp_path / "data", traffic.recording.exchanges) as found:
        where = ["--to", traffic.recording.destination, "--data", str(found.settings.data)]
        start = f"{sys.executable} -m entrepot_api.demo.preferences {port}"
        target = ["--target", f"http://127.0.0.1:{port}", "--start", start]
        more = ["--credential", f"authorization=file:{tmp_path / 'secret'}", "--allow-delete"]
        done = run_cli(capfdbinary, "drill", *where, *target, *more, "--json")
        assert (done.code, done.json["state"], done.json["share_back"]) == (0, "passed", 1.0), done.err
        assert done.json["documents"]["restored"] == 1 + 2 + 2 + 3 + 6 + 1
        # Without what it signs in with nothing comes back; and that is told as what it is.
        done = run_cli(capfdbinary, "drill", *where, *target, "--without-credentials", "--json")
        assert (done.code, done.json["state"], done.json["documents"]["restored"]) == (21, "failed", 0), done.err
        shown = run_cli(capfdbinary, "status", "--data", found.settings.data).out
        assert "the last good one" in shown
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/v1/")
