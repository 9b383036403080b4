"""Every service's own command, with its own environment, started natively against a real S3 server and PostgreSQL.

No Docker engine is needed: what Compose would give to a container is given to a process. Names that only the Compose
network resolves, the data volume and the listen addresses are the only things that are changed.
"""

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.compose import ROOT, interpolate, load
from tests.support.load import numbered
from tests.support.proxy_origins import serving
from tests.support.servers import S3Server, free_ports
from tests.support.up import clean_environment, until

pytestmark = [pytest.mark.s3, pytest.mark.postgres, pytest.mark.timeout(600)]

BIN = Path(sys.executable).parent
"""Where the container's PATH would lead to: `entrepot` and `python` of this environment."""


class Native:
    """The Compose file's services as processes."""

    def __init__(self, folder: Path, s3: S3Server, postgres_url: str) -> None:
        self.folder = folder
        self.data = folder / "volume"
        database = urlsplit(postgres_url)
        assert database.password
        services = interpolate(
            load(),
            {
                "MINIO_ROOT_USER": s3.access_key,
                "MINIO_ROOT_PASSWORD": s3.secret_key,
                "POSTGRES_PASSWORD": database.password,
            },
        )["services"]
        self.services: dict[str, Any] = services
        self.bucket = s3.new_bucket()
        self.replacements = {
            "http://minio:9000": s3.endpoint,
            "s3://entrepot/": f"s3://{self.bucket}/",
            "@postgres:5432/entrepot": f"@{database.hostname}:{database.port}{database.path}",
            "/etc/entrepot/entrepot.toml": str(ROOT / "deploy" / "entrepot.toml"),
            "/data": str(self.data),
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def words(self, service: str, ports: Mapping[str, int]) -> list[str]:
        """The service's command in this world; `ports` are those it listens on here."""
        return [self._here(word, ports) for word in self.services[service]["command"]]

    def environment(self, service: str) -> dict[str, str]:
        given = self.services[service]["environment"]
        told = {name: self._here(str(value), {}) for name, value in given.items()}
        return clean_environment(**told) | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}

    def start(self, service: str, **ports: int) -> subprocess.Popen[bytes]:
        log = self.folder / f"{service}-{len(self.processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.words(service, ports),
                env=self.environment(service),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
            )
        self.processes.append(process)
        return process

    def healthy(self, service: str, **ports: int) -> bool:
        """The service's own health check."""
        test = [self._here(word, ports) for word in self.services[service]["healthcheck"]["test"][1:]]
        return subprocess.run(test, env=self.environment(service), capture_output=True, check=False).returncode == 0

    def _here(self, text: str, ports: Mapping[str, int]) -> str:
        for there, here in self.replacements.items():
            text = text.replace(there, here)
        for name, port in ports.items():
            number = name.removeprefix("p")
            text = text.replace(f"0.0.0.0:{number}", f"127.0.0.1:{port}").replace(
                f"127.0.0.1:{number}", f"127.0.0.1:{port}"
            )
        return text

    def show(self) -> None:
        for log in sorted(self.folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}")


@pytest.fixture
def native(tmp_path: Path, seaweedfs: S3Server, postgres_url: str) -> Iterator[Native]:
    world = Native(tmp_path, seaweedfs, postgres_url)
    try:
        yield world
    finally:
        for process in world.processes:
            if process.poll() is None:
                process.terminate()
        for process in world.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            if process.poll() is None:
                process.kill()
                process.wait()
        world.show()


def test_traffic_through_two_proxies_is_found_at_the_api(native: Native) -> None:
    first, second, api = free_ports(3)
    native.start("api", p8081=api)
    until(lambda: native.healthy("api", p8081=api), "the API to be healthy")
    # Both at once on an empty data folder, as `--scale proxy=2` does: they must agree on one CA and one redaction key.
    native.start("proxy", p8080=first)
    native.start("proxy", p8080=second)
    native.start("shipper")
    until(lambda: native.healthy("proxy", p8080=first), "the first proxy to be healthy")
    until(lambda: native.healthy("proxy", p8080=second), "the second proxy to be healthy")
    until(lambda: native.healthy("shipper"), "the shipper to be healthy")

    authorities = sorted(path.name for path in (native.data / "ca").glob("*.pem"))
    assert authorities.count("ca.pem") == 1
    with serving(numbered) as origin:
        for port, name in ((first, "one"), (second, "two")):
            with httpx.Client(proxy=f"http://shop:x@127.0.0.1:{port}", trust_env=False, timeout=60) as client:
                answer = client.put(
                    f"http://127.0.0.1:{origin.port}/{name}", content=b"x", headers={"Authorization": "Bearer same"}
                )
                assert answer.status_code == 200

    token = token_of(native)
    items = until(lambda: found(api, token, 2), "both exchanges at the API")
    assert {item["path"] for item in items} == {"/one", "/two"}
    assert {item["source"] for item in items} == {"shop"}
    references = {
        value for item in items for name, value in item["request"]["headers"] if name.lower() == "authorization"
    }
    assert len(references) == 1, "equal secrets must have one reference, whichever proxy saw them"
    assert "same" not in references.pop()

    status = get(api, token, "/v1/status")
    assert status["vault"]["error"] is None
    assert status["catalog"]["error"] is None
    assert status["ledger"]["balanced"]
    replicas = [
        name for name, part in status["parts"].items() if name.startswith("proxy@") and part["state"] == "running"
    ]
    assert replicas, status["parts"]


def test_second_shipper_on_the_same_volume_refuses(native: Native) -> None:
    native.start("shipper")
    until(lambda: native.healthy("shipper"), "the shipper to be healthy")
    second = native.start("shipper")
    assert second.wait(120) == 11


def test_a_proxy_that_is_gone_for_good_is_shipped_all_the_same(native: Native) -> None:
    """Its container was killed and scaled away: what it left in the shared volume is the shipper's."""
    port, api = free_ports(2)
    proxy = native.start("proxy", p8080=port)
    until(lambda: native.healthy("proxy", p8080=port), "the proxy to be healthy")
    with serving(numbered) as origin, httpx.Client(proxy=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert client.put(f"http://127.0.0.1:{origin.port}/left", content=b"x", timeout=60).status_code == 200
        spool = native.data / "spool"
        until(lambda: list(spool.glob("*.sealed")), "the spool file to be sealed")
    proxy.kill()
    proxy.wait()
    native.start("shipper")
    native.start("api", p8081=api)
    until(lambda: native.healthy("api", p8081=api), "the API to be healthy")
    (item,) = until(lambda: found(api, token_of(native), 1), "the exchange")
    assert item["path"] == "/left"


def token_of(native: Native) -> str:
    """As an operator gets one: `docker compose exec api entrepot token create …`."""
    done = subprocess.run(
        ["entrepot", "token", "create", "test", "--scope", "read", "--json"],
        env=native.environment("api"),
        capture_output=True,
        text=True,
        check=True,
    )
    secret: str = json.loads(done.stdout)["secret"]
    return secret


def get(port: int, token: str, path: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.load(answer)


def found(port: int, token: str, number: int) -> list[dict[str, Any]] | None:
    items: list[dict[str, Any]] = get(port, token, "/v1/exchanges")["items"]
    return items if len(items) >= number else None
