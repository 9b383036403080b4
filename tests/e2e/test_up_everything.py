"""The whole way on one machine: `up`, traffic forward, reverse and over TLS, look-up by command and API, drain."""

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.load import numbered
from tests.support.proxy_origins import make_certificate, serving
from tests.support.servers import S3Server
from tests.support.up import Up, clean_environment, entrepot, running_up, until

pytestmark = pytest.mark.timeout(600)  # dozens of processes start one after the other

BARE = ("--proxy", "127.0.0.1:0", "--api", "127.0.0.1:0")


def captured(up: Up, number: int, **query: str) -> list[dict[str, Any]]:
    """The exchanges that the API lists, once there are that many."""
    text = "&".join(f"{name}={value}" for name, value in query.items())

    def listed() -> list[dict[str, Any]] | None:
        items: list[dict[str, Any]] = up.api(f"/v1/exchanges?limit=1000&{text}")["items"]
        return items if len(items) >= number else None

    return until(listed, f"{number} exchanges {query}")


def forward(up: Up, source: str = "", ca: bool = False) -> httpx.Client:
    proxy = up.ready["proxy"].replace("://", f"://{source}:x@") if source else up.ready["proxy"]
    import ssl

    verify = ssl.create_default_context(cafile=up.ready["ca"]) if ca else True
    return httpx.Client(proxy=proxy, verify=verify, trust_env=False, timeout=60)


def test_every_way_in_is_captured_and_found(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    (tmp_path / "entrepot.toml").write_text(f'[proxy]\nupstream_ca = "{certificate.file}"\n')
    with (
        serving(numbered) as plain,
        serving(numbered, certificate.context()) as secure,
        running_up(
            tmp_path / "data",
            *BARE,
            *("--reverse", f"orders=http://127.0.0.1:{plain.port}@127.0.0.1:0"),
            *("--config", str(tmp_path / "entrepot.toml")),
        ) as up,
    ):
        assert up.ready["reverse"].keys() == {"orders"}
        with forward(up, "billing") as client:
            assert client.put(f"http://127.0.0.1:{plain.port}/forward", content=b"1").status_code == 200
        with forward(up, ca=True) as client:
            assert client.put(f"https://localhost:{secure.port}/tls", content=b"2").status_code == 200
        with httpx.Client(trust_env=False, timeout=60) as client:
            assert client.put(f"{up.ready['reverse']['orders']}/reverse", content=b"3").status_code == 200

        by_path = {item["path"]: item for item in captured(up, 3)}
        assert by_path.keys() == {"/forward", "/tls", "/reverse"}
        assert by_path["/forward"]["source"] == "billing"
        assert by_path["/reverse"]["destination"] == "orders"
        assert by_path["/tls"]["url"] == f"https://localhost:{secure.port}/tls"
        assert all(item["complete"] and item["status"] == 200 for item in by_path.values())

        told = json.loads(entrepot("exchanges", "--data", str(up.data), "--json", "--to", "orders").stdout)
        assert told["items"] == [by_path["/reverse"]]
        up.wait_until_shipped()
        status = up.status()
        assert status == up.api("/v1/status") | {"parts": status["parts"]}  # parts move on between the two
        assert status["problems"] == []
        assert status["seconds_behind"] == 0
        assert status["exchanges"] == 3
        assert {name: part["state"] for name, part in status["parts"].items()} == dict.fromkeys(
            ("proxy", "ship", "api"), "running"
        )
        assert up.end() == 0
        assert "everything captured is shipped" in up.words


def test_program_under_run_is_captured_under_its_name(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    (tmp_path / "entrepot.toml").write_text(f'[proxy]\nupstream_ca = "{certificate.file}"\n')
    with (
        serving(numbered) as plain,
        serving(numbered, certificate.context()) as secure,
        running_up(tmp_path / "data", *BARE, "--config", str(tmp_path / "entrepot.toml")) as up,
    ):
        assert up.ready
        python = (sys.executable, "-c")
        programs = {
            "curl": ("curl", "--silent", "--fail"),
            "requests": (*python, "import requests, sys; [requests.get(u).raise_for_status() for u in sys.argv[1:]]"),
            "httpx": (*python, "import httpx, sys; [httpx.get(u).raise_for_status() for u in sys.argv[1:]]"),
            "urllib": (*python, "import sys; from urllib.request import urlopen; [urlopen(u) for u in sys.argv[1:]]"),
        }
        for name, program in programs.items():
            done = entrepot(
                *("run", "--as", name, "--data", str(up.data), "--", *program),
                *(f"http://127.0.0.1:{plain.port}/{name}-plain", f"https://localhost:{secure.port}/{name}-secure"),
                NO_PROXY="127.0.0.1,localhost",  # as on many a developer's machine; it must not hide the traffic
            )
            assert done.returncode == 0, (name, done.stderr)
            assert "NO_PROXY=127.0.0.1,localhost is not applied" in done.stderr
        found = {(item["source"], item["path"]) for item in captured(up, 8)}
        assert found == {(name, f"/{name}-{how}") for name in programs for how in ("plain", "secure")}

        script = 'test "$HTTP_PROXY" = "$https_proxy" && grep -q CERTIFICATE "$SSL_CERT_FILE" && exit 7'
        assert entrepot("run", "--data", str(up.data), "--", "sh", "-c", script).returncode == 7
        assert entrepot("run", "--data", str(up.data), "--", "sh", "-c", "kill -TERM $$").returncode == 143


def test_run_where_nothing_runs_starts_nothing(tmp_path: Path) -> None:
    done = entrepot("run", "--data", str(tmp_path / "none"), "--", "touch", str(tmp_path / "started"))
    assert done.returncode == 9
    assert "Nothing runs in" in done.stderr
    assert not (tmp_path / "started").exists()
    assert not (tmp_path / "none").exists()


def test_run_with_a_proxy_that_is_gone_starts_nothing(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", *BARE) as up:
        url = up.ready["proxy"]
    done = entrepot("run", "--proxy", url, "--", "touch", str(tmp_path / "started"))
    assert done.returncode == 9
    assert "No proxy answers" in done.stderr
    assert not (tmp_path / "started").exists()


def test_drain_lets_an_open_exchange_finish(tmp_path: Path) -> None:
    """SIGTERM arrives while the origin is still thinking: the client gets its answer, and it is captured whole."""
    import threading

    thinking, answer = threading.Event(), threading.Event()

    def slow(connection: Any, origin: Any) -> None:
        thinking.set()
        assert answer.wait(60)
        numbered(connection, origin)

    with (
        serving(slow) as origin,
        running_up(tmp_path / "data", *BARE, "--reverse", f"slow=http://127.0.0.1:{origin.port}@127.0.0.1:0") as up,
    ):
        url = f"{up.ready['reverse']['slow']}/patient"
        answers: list[int] = []
        client = threading.Thread(
            target=lambda: answers.append(httpx.put(url, content=b"x", trust_env=False, timeout=60).status_code)
        )
        client.start()
        assert thinking.wait(60)
        up.process.terminate()
        until(lambda: "stopping: open exchanges may finish" in up.words, "the proxy to drain")
        answer.set()
        client.join(60)
        assert answers == [200]
        assert up.process.wait(150) == 0
        items = json.loads(entrepot("exchanges", "--data", str(up.data), "--json").stdout)["items"]
        assert [(item["path"], item["status"], item["complete"]) for item in items] == [("/patient", 200, True)]


def test_rules_are_read_again_on_sighup(tmp_path: Path) -> None:
    import signal

    config = tmp_path / "entrepot.toml"
    config.write_text("")
    with (
        serving(numbered) as origin,
        running_up(
            tmp_path / "data",
            *(*BARE, "--reverse", f"orders=http://127.0.0.1:{origin.port}@127.0.0.1:0", "--config", str(config)),
        ) as up,
    ):
        url = up.ready["reverse"]["orders"]
        before = up.state("proxy")["rules"]["loaded_at"]
        config.write_text('[[rule]]\nname = "settings"\npath = "/settings/**"\nclass = "config"\naction = "protect"\n')
        up.process.send_signal(signal.SIGHUP)
        until(lambda: up.state("proxy")["rules"]["loaded_at"] > before, "the rules to be loaded")
        with httpx.Client(trust_env=False, timeout=60) as client:
            client.put(f"{url}/settings/1", content=b"1")
        (item,) = captured(up, 1)
        assert (item["rule"], item["class"]) == ("settings", "config")


@pytest.mark.s3
@pytest.mark.postgres
def test_the_same_on_s3_and_postgresql(tmp_path: Path, seaweedfs: S3Server, postgres_url: str) -> None:
    bucket = seaweedfs.new_bucket()
    with (
        serving(numbered) as origin,
        running_up(
            tmp_path / "data",
            *(*BARE, "--reverse", f"orders=http://127.0.0.1:{origin.port}@127.0.0.1:0"),
            *("--vault", f"s3://{bucket}/prefix"),
            *("--catalog", postgres_url.replace("postgresql://", "postgresql+psycopg://")),
            environment=seaweedfs.environment(),
        ) as up,
    ):
        with httpx.Client(trust_env=False, timeout=60) as client:
            assert client.put(f"{up.ready['reverse']['orders']}/far", content=b"1").status_code == 200
        (item,) = captured(up, 1)
        assert item["path"] == "/far"
        assert any(entry.object_name for entry in seaweedfs.client().list_objects(bucket, "prefix/", recursive=True))
        status = up.api("/v1/status")
        assert status["vault"]["error"] is None
        assert status["catalog"]["location"].startswith("postgresql+psycopg://")
        assert "***" in status["catalog"]["location"]
        password = postgres_url.split(":")[2].partition("@")[0]
        assert password not in json.dumps(status)
        assert password not in " ".join(
            Path(f"/proc/{up.pid(part)}/cmdline").read_text() for part in ("proxy", "ship", "api")
        )
        assert up.end() == 0


def test_environment_is_clean() -> None:
    """The tests above would prove nothing if a developer's own Entrepot variables leaked into them."""
    assert not [name for name in clean_environment() if name.upper().startswith("ENTREPOT_")]
