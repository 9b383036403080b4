"""`entrepot up`: what it refuses, what it says, what it starts again, how it ends. Without a proxy: that is e2e's."""

import json
import os
import signal
import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from entrepot_store.spool import SpoolFolder
from tests.support.servers import S3Server
from tests.support.spooled import make_exchange, write_sealed
from tests.support.up import entrepot, lives, running_up, until

BARE = ("--proxy", "", "--api", "127.0.0.1:0")


def test_ready_json_is_exact_and_private(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", *BARE) as up:
        ready = up.ready
        assert list(ready) == ["api", "proxy", "reverse", "token", "ca"]
        assert (ready["proxy"], ready["reverse"]) == (None, {})
        assert stat.S_IMODE((up.data / "ready.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(up.data.stat().st_mode) == 0o700
        assert up.api("/v1/status")["parts"]["ship"]["state"] == "running"
        assert up.end() == 0
        assert not (up.data / "ready.json").exists()
        assert list((up.data / "run").iterdir()) == []


def test_token_stays_the_same_over_restarts(tmp_path: Path) -> None:
    tokens = []
    for _ in range(2):
        with running_up(tmp_path / "data", *BARE) as up:
            tokens.append(up.ready["token"])
            assert up.api("/v1/exchanges") == {"items": [], "next": None}
    assert tokens[0] == tokens[1]


def test_second_up_on_the_same_folder_is_busy(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", *BARE) as up:
        ready = up.ready
        done = entrepot("up", "--data", str(up.data), *BARE)
        assert done.returncode == 11
        assert f"process {up.process.pid}" in done.stderr
        assert up.ready == ready
        assert up.api("/v1/exchanges")["items"] == []


def test_stale_ready_json_is_removed_before_anything_is_checked(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "ready.json").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as holder:
        assert refused(tmp_path, "--api", f"127.0.0.1:{holder.getsockname()[1]}")[0] == 8


@pytest.mark.parametrize("part", ["ship", "api"])
def test_part_that_dies_is_started_again_and_said(tmp_path: Path, part: str) -> None:
    with running_up(tmp_path / "data", *BARE) as up:
        address = urlsplit(up.ready["api"]).netloc
        first = up.pid(part)
        os.kill(first, signal.SIGKILL)
        until(lambda: up.state("up")["parts"][part]["restarts"] == 1, "the restart")
        second = up.pid(part)
        assert second != first
        assert f"{part} ended with signal 9; it is started again in 0.2 s" in up.words
        assert f"{part} works again" in up.words
        told = up.status()["parts"][part]
        assert (told["state"], told["pid"], told["restarts"]) == ("running", second, 1)
        assert told["last_error"]["message"] == f"{part} ended with signal 9"
        assert up.state("api")["listen"] == f"http://{address}", "the port must stay what ready.json says"
        assert up.api("/v1/exchanges")["items"] == []
        assert up.end() == 0


def test_crash_loop_is_said_and_backs_off(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", *BARE) as up:
        assert up.ready
        # From now on every shipper fails at once: somebody else holds the spool's shipper lock.
        os.kill(up.pid("ship"), signal.SIGSTOP)
        stopped = up.pid("ship")
        spool = SpoolFolder(up.data / "spool")
        os.kill(stopped, signal.SIGKILL)
        lock = until(lambda: spool.lock("shipper"), "the shipper's lock")
        until(lambda: "started again in 0.8 s" in up.words, "the backoff to grow")
        told = up.status()
        assert told["parts"]["ship"]["state"] == "stale"
        assert told["parts"]["ship"]["restarts"] >= 2
        assert any(problem.startswith("ship does not work") for problem in told["problems"])
        lock.release()
        assert up.pid("ship")
        assert up.end() == 0


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", *BARE) as up:
        assert up.ready
        children = [up.pid(part) for part in ("ship", "api")]
        up.process.kill()
        up.process.wait()
        until(lambda: not any(map(lives, children)), "the children to end")
        assert not (up.data / "ready.json").exists()
    with running_up(tmp_path / "data", *BARE) as up:  # and nothing of it is in the way
        assert up.ready


def test_drain_ships_what_is_in_the_spool(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", *BARE) as up:
        assert up.ready
        os.kill(up.pid("ship"), signal.SIGSTOP)  # so that it cannot have shipped it before the drain
        write_sealed(SpoolFolder(up.data / "spool"), [make_exchange(number) for number in range(20)])
        up.process.send_signal(signal.SIGTERM)
        until(lambda: "draining" in up.words, "the drain")
        os.kill(up.state("ship")["pid"], signal.SIGCONT)
        assert up.process.wait(60) == 0
        assert "everything captured is shipped" in up.words
    done = entrepot("exchanges", "--data", str(up.data), "--json")
    assert len(json.loads(done.stdout)["items"]) == 20


def test_drain_is_bounded_and_says_what_is_left(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", *BARE, "--drain-seconds", "0.5") as up:
        assert up.ready
        ship = up.pid("ship")
        os.kill(ship, signal.SIGSTOP)
        write_sealed(SpoolFolder(up.data / "spool"), [make_exchange(1)])
        up.process.send_signal(signal.SIGTERM)
        until(lambda: "draining" in up.words, "the drain")
        assert up.process.wait(60) == 0
        assert "1 spool files are not shipped yet" in up.words
        assert "ship did not end within 15 s and is killed" in up.words
    with running_up(tmp_path / "data", *BARE) as up:
        assert up.ready
        up.wait_until_shipped()
        assert len(up.api("/v1/exchanges")["items"]) == 1


# What is refused, each with its sentence and exit code, and nothing started


def refused(tmp_path: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    data = tmp_path / "data"
    done = entrepot("up", "--data", str(data), *BARE, *arguments, **environment)
    assert not (data / "ready.json").exists()
    assert not (data / "run").exists(), "a part was started"
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("Error: ")
    return done.returncode, done.stderr


def test_port_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        code, words = refused(tmp_path, "--api", address)
    assert code == 8
    assert f"--api: {address} is in use" in words


def test_malformed_reverse(tmp_path: Path) -> None:
    code, words = refused(tmp_path, "--reverse", "orders")
    assert code == 2
    assert "NAME=http://TARGET" in words


def test_malformed_address(tmp_path: Path) -> None:
    code, words = refused(tmp_path, "--api", "nowhere")
    assert code == 3
    assert "api.listen" in words


def test_configuration_with_an_unknown_key(tmp_path: Path) -> None:
    (tmp_path / "entrepot.toml").write_text("[proxy]\nlissten = '127.0.0.1:1'\n")
    code, words = refused(tmp_path, "--config", str(tmp_path / "entrepot.toml"))
    assert code == 3
    assert "entrepot.toml: proxy.lissten: there is no such key" in words


def test_vault_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        code, words = refused(
            tmp_path,
            *("--vault", "s3://bucket/prefix"),
            ENTREPOT_S3_ENDPOINT=f"http://127.0.0.1:{holder.getsockname()[1]}",
            ENTREPOT_S3_ACCESS_KEY="key",
            ENTREPOT_S3_SECRET_KEY="secret",
        )
    assert code == 4, words


@pytest.mark.s3
def test_vault_that_refuses_the_key(tmp_path: Path, seaweedfs: S3Server) -> None:
    environment = seaweedfs.environment() | {"ENTREPOT_S3_SECRET_KEY": "wrong"}
    code, words = refused(tmp_path, "--vault", f"s3://{seaweedfs.new_bucket()}", **environment)
    assert code == 5, words
    assert "wrong" not in words


def test_catalog_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        code, words = refused(tmp_path, "--catalog", f"postgresql+psycopg://me:hidden@127.0.0.1:{port}/db")
    assert code == 6, words
    assert "hidden" not in words
