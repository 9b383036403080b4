"""`entrepot replay` as an operator meets it: a real process, its words, its JSON and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot_store.config import Settings
from entrepot_store.model import Gap
from entrepot_store.redact import reference_for
from entrepot_store.spool.files import SpoolFolder, SpoolName
from tests.support.captured import START, Recording
from tests.support.faces import stored
from tests.support.replay_target import ReplayTarget, Seen, answer

HOUR = 3_600_000_000
SECRET = reference_for(bytes(32), "authorization", b"x")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`orders` got four writes and a few other things, `many` 300 writes, `closed` one that carries a secret."""
    orders = Recording()
    for index in range(4):
        orders.add("POST" if index % 2 else "PUT", f"/v1/items/{index}", b"{}", answer=b'{"id": %d}' % index)
    orders.add("GET", "/v1/items/1")
    orders.add("GET", "/healthz")
    orders.add("DELETE", "/v1/items/1")
    orders.add("POST", "/v1/items", status=409)
    many = Recording("many", b"many.internal", start=START + HOUR)
    for index in range(300):
        many.add("POST", f"/v1/{index}", b"{}")
    closed = Recording("closed", b"closed.internal", start=START + 2 * HOUR)
    closed.add("PUT", "/v1/x", b"{}", headers=((b"Authorization", b"Bearer " + SECRET),))
    lossy = Recording("lossy", b"lossy.internal", start=START + 3 * HOUR)
    lossy.add("PUT", "/v1/\x1b[31mx", b"{}")
    lossy.add("PUT", "/v1/y", b"{", truncated=True)
    everything = [*orders.exchanges, *many.exchanges, *closed.exchanges, *lossy.exchanges]
    gap = Gap("w1", START + 3 * HOUR, START + 3 * HOUR + 1, 5, "the disk was full")
    folder = tmp_path_factory.mktemp("replay") / "data"
    with stored(folder, everything, gaps=[gap]) as found:
        assert isinstance(found.settings, Settings)
        yield folder


def command(data: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "entrepot_api", "replay", "--data", str(data), *arguments]


def replay(data: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        command(data, *arguments),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert "Traceback" not in done.stderr
    return done


def answers(seen: Seen) -> bytes:
    return answer(body=b'{"id": %s}' % seen.path.rpartition("/")[2].encode())


def until(target: ReplayTarget, number: int, process: "subprocess.Popen[Any]") -> None:
    deadline = time.monotonic() + 60
    while len(target.seen) < number:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_plan_is_shown_and_nothing_is_sent(data: Path) -> None:
    with ReplayTarget() as target:
        done = replay(data, "--to", "orders", "--target", target.url, "--until", "2025-11-22T09:00:00Z")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert ": 4 of 8 exchanges with orders" in lines[0]
        assert any("2 POST, 2 PUT" in line for line in lines)
        for reason in (
            "1: read",
            "1: health check",
            "1: DELETE is not allowed without --allow-delete",
            "the recorded request failed",
        ):
            assert any(reason in line for line in lines), reason
        assert lines[-1].startswith("Nothing was sent. Start it with: entrepot replay --resume ")
        assert target.connections == 0


def test_planning_then_resuming_then_reporting(data: Path) -> None:
    with ReplayTarget(answers) as target:
        planned = json.loads(replay(data, "--to", "orders", "--target", target.url, "--json").stdout)
        assert (planned["state"], planned["plan"]["steps"]) == ("planned", 4)
        done = replay(data, "--resume", planned["id"], "--no-verify")
        assert done.returncode == 0, done.stderr
        assert "4 of 4 steps are identical" in done.stdout
        assert [seen.path for seen in target.seen] == [f"/v1/items/{index}" for index in range(4)]
    report = replay(data, "--report", planned["id"], "--json")
    assert report.returncode == 0
    assert json.loads(report.stdout)["replay"]["counts"]["identical"] == 4
    listed = json.loads(replay(data, "--list", "--json").stdout)
    assert planned["id"] in [item["id"] for item in listed["items"]]
    assert planned["id"] in replay(data, "--list").stdout


def test_what_is_not_identical_comes_first_and_decides_the_exit_code(data: Path) -> None:
    def answerer(seen: Seen) -> bytes:
        return answer(500, b"{}") if seen.path.endswith("/2") else answer(body=b'{"id": 0}')

    with ReplayTarget(answerer) as target:
        done = replay(data, "--to", "orders", "--target", target.url, "--yes")
        assert done.returncode == 21
        report = done.stdout[done.stdout.index("FAILED") :].splitlines()
        assert report[0] == "FAILED     #2 PUT /v1/items/2  200 → 500"
        assert "the target answered 500" in report[1]
        assert any(line.startswith("DIFFERENT  #1 POST /v1/items/1") for line in report)
        assert any("$.id: 1 → 0" in line for line in report)
        only = replay(data, "--to", "orders", "--target", target.url, "--path", "/v1/items/3", "--yes", "--json")
        assert only.returncode == 20
        assert json.loads(only.stdout)["not_identical"][0]["differences"][0]["where"] == "$.id"


def test_warnings_come_before_everything_and_stay_in_the_report(data: Path) -> None:
    with ReplayTarget() as target:
        done = replay(data, "--to", "lossy", "--target", target.url, "--yes")
        assert done.returncode == 21
        assert done.stdout.startswith("WARNING  From 2025-11-22T11:26:40.000000Z")
        assert done.stdout.count("missing 5 captures: the disk was full") == 2
        assert "1 exchange cannot be replayed: the recorded request is incomplete." in done.stdout
        assert "\x1b" not in done.stdout  # a recorded path must not drive the terminal
        assert "1 of 1 steps are identical" in done.stdout


def test_captures_that_wait_to_be_shipped_are_said_first(data: Path) -> None:
    waiting = SpoolFolder(data / "spool").sealed_path(SpoolName(START, "w9", 1))
    waiting.touch()
    try:
        done = replay(data, "--to", "orders", "--target", "http://127.0.0.1:1", "--until", "2025-11-22T09:00:00Z")
    finally:
        waiting.unlink()
    assert done.stdout.startswith("WARNING  Captures of the last ")
    assert "are not shipped yet, and not in this plan." in done.stdout


def test_secrets(data: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    with ReplayTarget() as target:
        to = ("--to", "closed", "--target", target.url, "--yes")
        refused = replay(data, *to)
        assert refused.returncode == 2
        assert "have no credential: authorization:" in refused.stderr
        assert "--without-credentials" in refused.stderr
        assert target.seen == []
        assert replay(data, *to, "--credential", "authorization=env:TOKEN", TOKEN="from-env").returncode == 0
        assert replay(data, *to, "--credential", f"authorization=file:{tmp_path / 'token'}").returncode == 0
        assert replay(data, *to, "--credential", "authorization=cmd:printf from-cmd").returncode == 0
        done = replay(data, *to, "--without-credentials", "--json")
        assert (done.returncode, "redacted" in done.stderr, "Nothing was sent" in done.stderr) == (0, False, False)
        finished = json.loads(done.stdout)["replay"]["id"]
        sent = [seen.header(b"authorization") for seen in target.seen if seen.method == "PUT"]
        assert sent == [b"Bearer from-env", b"Bearer from-file", b"Bearer from-cmd", None]
    # Nothing is left to send: neither secrets nor the target are needed to hear how it went.
    done = replay(data, "--resume", finished)
    assert (done.returncode, "1 of 1 steps are identical" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Nothing says what to do"),
        (("--to", "orders"), 2, "Nothing says what to do"),
        (("--list", "--target", "http://x"), 2, "do not go together"),
        (("--target", "http://127.0.0.1:1"), 2, "to one product"),
        (("--to", "orders", "--target", "orders:80"), 2, "is not a target"),
        (("--to", "nobody", "--target", "http://127.0.0.1:1"), 9, "Captured are: closed, lossy, many, orders"),
        (("--to", "orders", "--target", "http://orders.internal"), 2, "is a server this traffic was captured from"),
        (("--to", "orders", "--target", "http://127.0.0.1:1", "--yes"), 23, "takes no connections"),
        (("--to", "orders", "--target", "http://127.0.0.1:1", "--credential", "a=s3cret"), 2, "has no known source"),
        (("--to", "orders", "--target", "http://127.0.0.1:1", "--path", "/none", "--yes"), 2, "has no step to send"),
        (("--report", "01890000-0000-7000-8000-000000000000"), 9, "There is no replay"),
        (("--resume", "01890000-0000-7000-8000-000000000000"), 9, "There is no replay"),
        (("--to", "orders", "--target", "https://127.0.0.1:1", "--target-ca", "/none", "--yes"), 2, "CA certificates"),
    ],
)
def test_what_makes_no_sense_is_one_clear_sentence(
    data: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = replay(data, *arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "s3cret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_one_ctrl_c_pauses_behind_the_step_under_way(data: Path) -> None:
    with ReplayTarget() as target:
        planned = json.loads(replay(data, "--to", "many", "--target", target.url, "--json").stdout)["id"]
        process = subprocess.Popen(
            command(data, "--resume", planned, "--rate", "100"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(target, 5, process)
        process.send_signal(signal.SIGINT)
        output, words = process.communicate(timeout=60)
        assert process.returncode == 22, words
        assert "Pausing after the step under way" in words
        assert " is paused" in output
        assert f"Go on with: entrepot replay --resume {planned}" in output
        assert replay(data, "--resume", planned).returncode == 0
        assert [seen.path for seen in target.seen] == [f"/v1/{index}" for index in range(300)]


def test_a_second_runner_is_told_that_the_replay_is_busy(data: Path) -> None:
    with ReplayTarget() as target:
        planned = json.loads(replay(data, "--to", "many", "--target", target.url, "--json").stdout)["id"]
        process = subprocess.Popen(
            command(data, "--resume", planned, "--rate", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until(target, 2, process)
            busy = replay(data, "--resume", planned)
            assert (busy.returncode, "by another process" in busy.stderr) == (11, True)
        finally:
            process.kill()
            process.wait()
        killed = replay(data, "--report", planned)
        assert killed.returncode == 22
        assert " is interrupted" in killed.stdout


def test_json_is_the_only_thing_on_standard_output(data: Path) -> None:
    with ReplayTarget(answers) as target:
        done = replay(data, "--to", "orders", "--target", target.url, "--yes", "--json", "--no-verify")
        report: dict[str, Any] = json.loads(done.stdout)
        assert (done.returncode, report["exit_code"]) == (0, 0)
        assert "4 of 8 exchanges" in done.stderr
