"""`entrepot drill` with real products: good ones, and those that fail in every way a start command can."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from entrepot_api.http.metrics import render
from entrepot_api.http.services import Services
from entrepot_replay.drill import Drill, Drills
from entrepot_replay.drill.product import Product
from entrepot_replay.drill.readiness import takes_connections
from entrepot_replay.lease import new_owner
from entrepot_replay.service import Replays
from entrepot_replay.target import Target
from entrepot_store.catalog.drills import DrillRow, DrillState
from entrepot_store.catalog.sql import replay_store
from entrepot_store.clock import FixedClock, SystemClock
from entrepot_store.config import Settings
from entrepot_store.coverage.watch import CoverageWatch
from entrepot_store.model import uuid7
from tests.support.captured import Recording
from tests.support.drilling import COMMAND, Orders, free_port
from tests.support.faces import Ran, Stored, run_cli, stored
from tests.support.replay_target import ReplayTarget

DAY = 86_400 * 10**6


def recording() -> Recording:
    """Six orders, one of them changed, all of them read."""
    product, found = Orders(1), Recording()
    sent = [("POST", "/orders", {"item": item}) for item in ("pen", "ink", "cup", "tea", "jar", "bag")]
    sent += [("PUT", "/orders/3", {"item": "red cup"})]
    for method, path, content in [*sent, *(("GET", f"/orders/{number}", None) for number in range(1, 7))]:
        body = b"" if content is None else json.dumps(content).encode()
        status, answer, extra = product.handle(method, path, body)
        headers = {"Content-Type": "application/json", **extra}
        shown = tuple((name.encode(), value.encode()) for name, value in headers.items())
        found.add(method, path, body, status=status, answer=answer, answer_headers=shown)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path / "data", recording().exchanges) as found:
        yield found


class Drilling:
    """The command line against one archive, and a free port for its products."""

    def __init__(self, data: Stored, capture: pytest.CaptureFixture[bytes]) -> None:
        self.data, self._capture = data, capture
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def arguments(self, fault: str, *more: str) -> list[str]:
        start = f"{COMMAND} {self.port} {fault}"
        where = ["--data", str(self.data.settings.data)]
        return ["drill", "--to", "orders", "--target", self.url, "--start", start, *where, *more]

    def run(self, fault: str = "", *more: str) -> Ran:
        return run_cli(self._capture, *self.arguments(fault, *more))

    def see(self, *arguments: str) -> Ran:
        return run_cli(self._capture, *arguments, "--data", self.data.settings.data)

    def last(self) -> DrillRow:
        row: DrillRow = self.data.archive.catalog.drills.drills().items[0]
        assert row.ended_at is not None
        assert not takes_connections(Target.parse(self.url)), "the product still runs"
        return row

    def events(self) -> list[dict[str, Any]]:
        catalog = self.data.archive.catalog
        now = SystemClock().now()
        return [dict(row.document) for row in catalog.coverage.claim_events(now, now + 1, 100)]


@pytest.fixture
def drilling(data: Stored, capfdbinary: pytest.CaptureFixture[bytes]) -> Drilling:
    return Drilling(data, capfdbinary)


def test_a_good_drill_is_an_answer_with_a_date(drilling: Drilling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_S3_REGION", "here")
    assert drilling.see("status").out.count("never: orders") == 1
    done = drilling.run("", "--json")
    assert done.code == 0, done.err
    view = done.json
    assert (view["state"], view["exit_code"], view["error"], view["share_back"]) == ("passed", 0, "", 1.0)
    assert (view["documents"]["restored"], view["steps"]["identical"] + view["steps"]["equivalent"]) == (6, 7)
    assert view["started_at"] < view["ready_at"] < view["rebuilt_at"] < view["ended_at"]
    assert 0 < view["recovery_seconds"] < 60
    assert drilling.last().replay is not None
    log = Path(view["log"])
    assert log.read_text().splitlines()[0] == "environment:"  # none of ours
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [item["id"] for item in drilling.see("drill", "--list", "--json").json["items"]] == [view["id"]]
    assert "100 %" in drilling.see("drill", "--list").out
    shown = drilling.see("status").out
    assert "orders: passed" in shown
    assert "100 % back, rebuilt in" in shown
    assert "never" not in shown
    services = SimpleNamespace(
        settings=drilling.data.settings, catalog=drilling.data.archive.catalog, clock=SystemClock()
    )
    metrics = render(cast("Services", services)).decode()
    assert 'entrepot_drill_good{destination="orders"} 1.0' in metrics
    assert 'entrepot_drill_share_back{destination="orders"} 1.0' in metrics


def test_a_chore_drills_without_anybody_who_watches(drilling: Drilling) -> None:
    archive, settings = drilling.data.archive, drilling.data.settings
    drills = Drills(archive, Replays(archive, replay_store(archive.catalog)), settings)
    wanted = Drill(destination="orders", target=drilling.url, start=f"{COMMAND} {drilling.port}")
    row, report = drills.run(wanted)
    assert (row.state, report.exit_code, row) == (DrillState.PASSED, 0, drilling.last())


def test_a_product_that_comes_back_without_its_data_fails(drilling: Drilling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_EVENTS_WEBHOOK", "http://127.0.0.1:1/hook")
    assert drilling.run().code == 0
    done = drilling.run("loses")
    assert (done.code, done.out.splitlines()[0]) == (21, "NOT BACK")
    assert "was not restored whole" in done.out
    row = drilling.last()
    assert (row.state, row.exit_code, row.documents["missing"]) == (DrillState.FAILED, 21, 1)
    (event,) = drilling.events()
    assert (event["type"], event["subject"]) == ("entrepot.drill.failed", "orders")
    assert event["data"]["exit_code"] == 21
    status = drilling.see("status", "--json").json
    (one,) = status["drills"]["products"]
    assert one["result"] == "failed"
    assert one["last_good"] < one["at"]
    assert "the last drill of orders failed with exit code 21" in status["problems"]


def test_a_start_command_that_ends_early_is_told_with_its_last_words(drilling: Drilling) -> None:
    done = drilling.run("early")
    assert done.code == 23
    assert "ended with exit code 3 before the product could be asked. It said last:" in done.err
    assert "there is no licence" in done.err
    row = drilling.last()
    assert (row.state, row.ready_at, row.steps["pending"]) == (DrillState.FAILED, None, 7)
    assert "licence" not in row.error  # what a program says may be secret
    command = drilling.arguments("")
    command[command.index("--start") + 1] = "/no/such/program"
    assert run_cli(drilling._capture, *command).code == 23


def test_a_target_that_is_taken_is_not_ours(drilling: Drilling) -> None:
    with ReplayTarget(lambda _seen: b"") as other:
        drilling.url = other.url
        done = drilling.run()
        assert (done.code, "takes connections at" in done.err, other.seen) == (8, True, [])
        assert takes_connections(Target.parse(other.url))
    assert drilling.last().state is DrillState.FAILED
    assert not Path(drilling.last().log).exists()  # nothing was started


def test_a_slow_product_is_waited_for_as_long_as_one_says(drilling: Drilling) -> None:
    assert drilling.run("late").code == 0
    assert drilling.run("unready").code == 0
    done = drilling.run("late", "--wait", "0")
    assert (done.code, "takes no connections" in done.err) == (23, True)
    assert drilling.last().state is DrillState.FAILED


def test_a_product_that_dies_in_the_middle_is_not_waited_for(drilling: Drilling) -> None:
    began = time.monotonic()
    assert drilling.run("dies").code in (21, 22)
    assert time.monotonic() - began < 25  # the target of a replay is waited for 30 s
    row = drilling.last()
    assert (row.state, row.rebuilt_at) == (DrillState.FAILED, None)
    assert "the product ended with exit code 4 meanwhile" in row.error
    (replay,) = drilling.see("replay", "--list", "--json").json["items"]
    assert replay["state"] == "cancelled"  # what it was sent to is gone


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_interrupted_stops_the_product_and_says_so(drilling: Drilling, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "entrepot_api", *drilling.arguments("slow")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        until(lambda: any("busy" in log.read_text() for log in logs(drilling.data.settings)))
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()
    row = drilling.last()
    assert (process.returncode, row.exit_code, row.state) == (22, 22, DrillState.INTERRUPTED)
    assert 0 < row.steps["pending"] < 7
    assert drilling.data.archive.catalog.coverage.event_counts().raised == {}


def test_being_interrupted_before_it_is_ready_stops_the_product(drilling: Drilling) -> None:
    command = drilling.arguments("")
    command[command.index("--start") + 1] = "sh -c 'echo started; exec sleep 600'"
    process = subprocess.Popen([sys.executable, "-m", "entrepot_api", *command], stderr=subprocess.PIPE)
    try:
        until(lambda: any("started" in log.read_text() for log in logs(drilling.data.settings)))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
    row = drilling.last()
    assert (process.returncode, row.exit_code, row.state) == (130, 130, DrillState.INTERRUPTED)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
def test_a_drill_that_is_killed_takes_the_product_with_it(drilling: Drilling) -> None:
    process = subprocess.Popen([sys.executable, "-m", "entrepot_api", *drilling.arguments("slow")])
    until(lambda: any("busy" in log.read_text() for log in logs(drilling.data.settings)))
    process.kill()
    process.wait()
    until(lambda: not takes_connections(Target.parse(drilling.url)))
    (row,) = drilling.data.archive.catalog.drills.running("orders")
    (one,) = drilling.see("status", "--json").json["drills"]["products"]
    assert (one["result"], one["running_since"]) == ("interrupted", None)
    assert drilling.run().code == 0
    assert [one["state"] for one in drilling.see("drill", "--list", "--json").json["items"]] == [
        "passed",
        "interrupted",
    ]
    assert row.ready_at is None  # what was known of it when it began


def test_what_will_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    log, port = tmp_path / "log", free_port()
    product = Product(f"{COMMAND} {port} stubborn", log)
    product.start()
    try:
        until(lambda: takes_connections(Target.parse(f"http://127.0.0.1:{port}")))
    finally:
        product.stop(0.2)
    child = int(log.read_text().split("child ")[1].split()[0])
    until(lambda: not lives(child))
    assert not takes_connections(Target.parse(f"http://127.0.0.1:{port}"))
    product.stop()  # again is harmless


def test_what_escaped_is_not_touched_and_said(drilling: Drilling) -> None:
    command = drilling.arguments("")
    command[command.index("--start") + 1] = f"sh -c 'setsid {COMMAND} {drilling.port} & wait'"
    done = run_cli(drilling._capture, *command, "--json")
    escaped = int(Path(done.json["log"]).read_text().split("process ")[1].split()[0])
    try:
        assert lives(escaped)
        assert done.code == 0, done.err
        assert "left behind still listens" in done.json["error"]
        assert "end it by hand" in done.err
        assert drilling.run().code == 8
    finally:
        os.kill(escaped, signal.SIGKILL)


def test_a_drill_that_was_killed_is_known_by_the_next(drilling: Drilling) -> None:
    script = "from entrepot_replay.lease import new_owner; print(new_owner())"
    owner = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    drills = drilling.data.archive.catalog.drills
    killed = drill(1, owner=owner, state=DrillState.RUNNING)
    drills.put(killed)
    drills.put(drill(2, owner=new_owner(), state=DrillState.RUNNING))
    shown = drilling.see("drill", "--list", "--json").json["items"]
    assert [one["state"] for one in shown] == ["running", "interrupted"]
    assert drilling.run("early").code == 23
    assert [row.state.value for row in drills.drills().items] == ["failed", "running", "interrupted"]


def test_what_cannot_be_a_drill_leaves_no_trace(drilling: Drilling) -> None:
    for change, code in (
        ({"--to": "nobody"}, 9),
        ({"--target": "ftp://x"}, 2),
        ({"--start": "'"}, 2),
        ({"--start": ""}, 2),
        ({"--target": "http://orders.internal"}, 2),
    ):
        command = drilling.arguments("")
        for option, value in change.items():
            command[command.index(option) + 1] = value
        assert run_cli(drilling._capture, *command).code == code, change
    assert drilling.data.archive.catalog.drills.drills().items == []


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stored]:
    more = {"catalog": request.getfixturevalue("postgres_url")} if request.param == "postgres" else {}
    with stored(tmp_path / "data", recording().exchanges, **more) as found:
        yield found


def test_the_store_keeps_how_products_stand(anywhere: Stored) -> None:
    drills = anywhere.archive.catalog.drills
    good = drill(1, DrillState.PASSED, documents={"restored": 3, "missing": 1}, rebuilt_at=DAY + 1_500_000)
    bad, open_ended, other = drill(2, exit_code=21), drill(3, DrillState.RUNNING), drill(4, destination="billing")
    for row in (good, bad, open_ended, other):
        drills.put(row)
    assert (good.recovery_seconds, good.share_back, bad.share_back) == (1.5, 0.75, None)
    billing, orders = drills.standings()
    assert (billing.destination, billing.last, billing.last_good, billing.good_since) == (
        "billing",
        other,
        None,
        4 * DAY,
    )
    assert (orders.last, orders.last_good, orders.running) == (bad, good, open_ended)
    assert (orders.first_at, orders.good_since) == (DAY, DAY)
    page = drills.drills(limit=3)
    assert (page.items, drills.drills(limit=3, cursor=page.next).items) == ([other, open_ended, bad], [good])
    assert drills.running("orders") == [open_ended]
    drills.put(bad)  # the same again
    assert len(drills.drills("orders").items) == 3


def test_a_good_drill_that_grows_old_is_told_once(anywhere: Stored) -> None:
    drills, clock = anywhere.archive.catalog.drills, FixedClock(40 * DAY)
    drills.put(drill(9, DrillState.PASSED))
    drills.put(drill(20, exit_code=21))
    drills.put(drill(30, destination="billing"))
    settings = Settings.model_validate({"drill": {"max_age": "30d"}, "events": {"webhook": "http://127.0.0.1:1/"}})

    def told() -> list[tuple[str, Any]]:
        watch = CoverageWatch(anywhere.archive, lambda: settings, clock)
        watch.go()
        watch.close()
        found = anywhere.archive.catalog.coverage.claim_events(2**60, 2**60, 100)
        kind = "entrepot.drill.overdue"
        return sorted((row.document["subject"], row.document["data"]["last_good"]) for row in found if row.kind == kind)

    since = "1970-01-10T00:00:00.000000Z"
    assert told() == [("orders", since)]
    clock.advance(1 * 86_400)
    assert told() == [("orders", since)]
    clock.advance(30 * 86_400)
    assert told() == [("billing", None), ("orders", since)]
    drills.put(drill(70, DrillState.PASSED))
    assert len(told()) == 2


def drill(day: int, state: DrillState = DrillState.FAILED, **more: Any) -> DrillRow:
    values = {"destination": "orders", "target": "http://127.0.0.1:1", "owner": "", "started_at": day * DAY, **more}
    if state is not DrillState.RUNNING:
        values.setdefault("ended_at", day * DAY + 1)
    return DrillRow(id=uuid7(day * DAY), state=state, **values)


def logs(settings: Settings) -> list[Path]:
    return list((settings.data / "drills").glob("*.log"))


def until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Whether it runs; a zombie, which nobody here can reap, does not."""
    try:
        return os.read(os.open(f"/proc/{pid}/stat", os.O_RDONLY), 4096).rpartition(b") ")[2][:1] != b"Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
