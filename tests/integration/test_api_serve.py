"""`entrepot serve` as a process: its address, state file, signals, and what it says while vault or catalog are away."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrepot_api.http import create_app
from entrepot_api.tokens import create_token
from entrepot_store.clock import SystemClock
from entrepot_store.errors import CatalogUnavailable, VaultDenied, VaultUnavailable
from entrepot_store.state import read_state
from tests.support.faces import Stored, api_log, running_api, serving, stored, various_exchanges, wait_for_state
from tests.support.spooled import make_exchange


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path / "data", various_exchanges()) as found:
        yield found


def test_state_file_and_sigterm(found: Stored) -> None:
    data = found.settings.data
    with running_api(found) as api:
        state = read_state(data, "api")
        assert state is not None
        assert {"part", "pid", "started_at", "updated_at", "ready", "listen", "last_error"} <= set(state)
        assert (state["part"], state["listen"]) == ("api", api.url)
        assert (data / "run" / "api.json").stat().st_mode & 0o777 == 0o600
        deadline = time.monotonic() + 30
        while (later := read_state(data, "api")) is None or later["updated_at"] == state["updated_at"]:
            assert time.monotonic() < deadline, "the state file is not kept up to date"
            time.sleep(0.05)
        api.process.terminate()
        assert api.process.wait(30) == 0
    assert read_state(data, "api") is None  # it stopped in good order
    assert api.url in api_log(data).read_text()


def test_a_supervised_api_ends_with_its_supervisor(found: Stored) -> None:
    with serving(found.settings.data, ENTREPOT_SUPERVISED="1") as process:
        wait_for_state(found.settings.data, process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


LONG = 96 * 1024 * 1024


@pytest.fixture
def long_body(tmp_path: Path) -> Iterator[tuple[Stored, bytes]]:
    """An exchange whose body is longer than what may be held in memory, and that body."""
    body = b"".join(sha256(b"%d" % number).digest() * 32 for number in range(LONG // 1024))
    with stored(tmp_path / "data", [make_exchange(1, body=body)]) as found:
        yield found, body


def test_a_long_body_takes_constant_memory(long_body: tuple[Stored, bytes]) -> None:
    found, body = long_body
    with running_api(found) as api, api.client() as client:
        identifier = client.get("/v1/exchanges").json()["items"][0]["id"]
        path = f"/v1/exchanges/{identifier}/request/body"
        assert client.get(path, headers={"Range": "bytes=0-9"}).content == body[:10]  # everything is loaded now
        before = peak_memory(api.process.pid)
        with client.stream("GET", path) as answer:
            digest = sha256()
            for chunk in answer.iter_bytes():
                digest.update(chunk)
        assert digest.digest() == sha256(body).digest()
        assert client.get(path, headers={"Range": "bytes=-10"}).content == body[-10:]
        assert peak_memory(api.process.pid) - before < LONG // 4


def peak_memory(pid: int) -> int:
    """The most memory a process ever had, in bytes."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def test_an_answer_under_way_finishes_after_sigterm(long_body: tuple[Stored, bytes]) -> None:
    found, body = long_body
    with running_api(found) as api, api.client() as client:
        identifier = client.get("/v1/exchanges").json()["items"][0]["id"]
        with client.stream("GET", f"/v1/exchanges/{identifier}/request/body") as answer:
            chunks = answer.iter_bytes(64 * 1024)
            received = next(chunks)
            api.process.terminate()
            with pytest.raises(httpx.ConnectError):  # it takes no new work, and that one is not done
                while True:
                    httpx.get(f"{api.url}/healthz")
            assert api.process.poll() is None
            received += b"".join(chunks)
        assert received == body
        assert api.process.wait(30) == 0


def test_a_client_that_goes_away_leaves_nothing_open(long_body: tuple[Stored, bytes]) -> None:
    found, _ = long_body
    with running_api(found) as api, api.client() as client:
        identifier = client.get("/v1/exchanges").json()["items"][0]["id"]
        for _ in range(3):
            with client.stream("GET", f"/v1/exchanges/{identifier}/request/body") as answer:
                next(answer.iter_bytes())
        deadline = time.monotonic() + 30
        while any("segments" in target for target in open_files(api.process.pid)):
            assert time.monotonic() < deadline, "a segment stays open"
            time.sleep(0.05)


def open_files(pid: int) -> list[str]:
    targets = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            targets.append(str(link.readlink()))
    return targets


def test_a_taken_port_is_exit_code_8(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-m", "entrepot_api", "serve", "--data", str(tmp_path / "data"), "--listen", address],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 8
    assert ended.stderr.startswith(f"Error: Cannot listen on {address}: it is taken.")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999", "256.0.0.1.invalid:0"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "entrepot_api", "serve", "--data", str(tmp_path / "data"), "--listen", address],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (3, 8)
    assert len(ended.stderr.splitlines()) == 1


@dataclass
class Away:
    """A vault or catalog in front of a real one, which fails once `error` is set."""

    real: Any
    error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        if self.error is not None:
            raise self.error
        return getattr(self.real, name)


def ask(app: Any, path: str, token: str, method: str = "GET") -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.request(method, path, headers={"Authorization": f"Bearer {token}"})

    return asyncio.run(send())


def test_while_the_vault_is_away(found: Stored) -> None:
    vault = Away(found.archive.vault)
    app = create_app(found.settings, found.archive.catalog, vault)
    _, token = create_token(found.archive.catalog, SystemClock(), name="reader")
    identifier = ask(app, "/v1/exchanges?path=/v1/settings/3", token).json()["items"][0]["id"]
    body = f"/v1/exchanges/{identifier}/request/body"
    for error in (VaultUnavailable("The vault at s3://secret-bucket does not answer."), VaultDenied("No.")):
        vault.error = error
        away = ask(app, body, token)
        assert away.status_code == 503
        assert int(away.headers["retry-after"]) > 0
        assert away.headers["content-type"] == "application/problem+json"
        assert ask(app, "/v1/exchanges", token).status_code == 200
        assert ask(app, body, token, "HEAD").status_code == 200  # the catalog knows enough
        ready = ask(app, "/readyz", "")
        assert ready.status_code == 503
        assert ready.json()["detail"] == "The vault is not ready; the log says why."
        assert ask(app, "/healthz", "").status_code == 200
    status = ask(app, "/v1/status", token).json()
    assert status["vault"]["error"] == "No."
    vault.error = None
    assert ask(app, body, token).content == b'{"user": 3, "theme": "dark"}'


def test_while_the_catalog_is_away(found: Stored) -> None:
    catalog = Away(found.archive.catalog)
    app = create_app(found.settings, catalog, found.archive.vault)  # type: ignore[arg-type] # stands in for one
    _, token = create_token(found.archive.catalog, SystemClock(), name="reader")
    catalog.error = CatalogUnavailable("The catalog at postgresql://user@db does not answer.")
    for path in ("/v1/exchanges", "/v1/products", "/v1/status"):
        away = ask(app, path, token)
        assert away.status_code == 503
        assert away.headers["retry-after"]
        assert away.json()["type"] == "urn:entrepot:problem:catalog-unavailable"
    ready = ask(app, "/readyz", "")
    assert (ready.status_code, "postgresql" in ready.text) == (503, False)
    assert "entrepot_catalog_up 0.0" in ask(app, "/metrics", "").text.splitlines()
    catalog.error = None
    assert ask(app, "/readyz", "").status_code == 200


def test_an_unforeseen_error_tells_nothing_of_our_insides(found: Stored) -> None:
    catalog = Away(found.archive.catalog)
    app = create_app(found.settings, catalog, found.archive.vault)  # type: ignore[arg-type] # stands in for one
    catalog.error = ZeroDivisionError("a secret detail")
    broken = ask(app, "/v1/exchanges", "any")
    assert broken.status_code == 500
    assert broken.headers["content-type"] == "application/problem+json"
    assert "secret detail" not in broken.text
