"""A runner that ends at any moment, and is started again: nothing is sent twice without saying so, nothing is left out.

First with crashes at every single point between store and wire, one by one and in any sequence, within this process;
then with real processes that are killed at random moments.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot_replay.answer import Answer
from entrepot_replay.lease import TTL_US
from entrepot_replay.options import RunOptions
from entrepot_replay.outgoing import Outgoing
from entrepot_replay.report import make_report
from entrepot_replay.service import Replays
from entrepot_replay.wire import Http1Sender
from entrepot_store.catalog.replays import ReplayState, StepRow, StepState, Verdict, Wanted
from entrepot_store.catalog.sql import SqlReplayStore, replay_store
from entrepot_store.clock import FixedClock
from tests.support.captured import Recording
from tests.support.replay_target import ReplayTarget, Seen, answer
from tests.support.replaying import Bench, replaying

POST, PUT = "POST", "PUT"


class Ended(BaseException):
    """Stands for the end of the process: nothing below may catch it."""


class Fuse:
    """Ends the process at the n-th point it passes; the points are around every store write and every send."""

    def __init__(self, point: int | None) -> None:
        self.left = point

    def passing(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Ended


class CrashingStore(SqlReplayStore):
    """A store around whose every write the process can end: before it, and after it with the answer lost."""

    fuse = Fuse(None)

    def advance(self, *arguments: object, **named: object) -> Wanted:
        self.fuse.passing()
        wanted = super().advance(*arguments, **named)  # type: ignore[arg-type] # passed through unseen
        self.fuse.passing()
        return wanted

    def settle(self, *arguments: object, **named: object) -> object:  # type: ignore[override] # passed through unseen
        self.fuse.passing()
        settled = super().settle(*arguments, **named)  # type: ignore[arg-type] # passed through unseen
        self.fuse.passing()
        return settled


def scene(recording: Recording, steps: Sequence[str]) -> None:
    for index, method in enumerate(steps):
        recording.add(method, f"/v1/{index}", b"{}")


def check(steps: Sequence[StepRow], seen: Counter[str], keys: dict[str, set[bytes | None]]) -> None:
    """What must hold at every moment, whatever happened: the store never claims less than what went out."""
    for step in steps:
        arrived = seen[step.path]
        assert arrived <= step.attempts, step
        # Each arrival but the last was an attempt that somebody lost sight of, and the step says so.
        assert step.unknown_attempts >= arrived - 1 or step.state is StepState.SENDING, step
        assert len(keys.get(step.path, ())) <= 1, step  # always under the same key
        if step.verdict is Verdict.IDENTICAL:
            assert arrived >= 1, step
        if step.state is StepState.PENDING and step.unknown_attempts == 0:
            assert arrived == 0, step


def crash_and_resume(
    bench: Bench,
    target: ReplayTarget,
    monkeypatch: pytest.MonkeyPatch,
    crashes: Sequence[tuple[int, bool]],
) -> tuple[UUID, Counter[str]]:
    """Runs a plan; each crash ends a run at that point, given --retry-unknown or not. The last run ends in peace."""
    clock = FixedClock()
    store = CrashingStore(bench.archive.catalog.database, clock)  # type: ignore[attr-defined] # it is an SqlCatalog
    replays = Replays(bench.archive, store)
    send = Http1Sender.send

    def crashing_send(sender: Http1Sender, request: Outgoing) -> Answer:
        store.fuse.passing()
        answer = send(sender, request)
        store.fuse.passing()
        return answer

    monkeypatch.setattr(Http1Sender, "send", crashing_send)
    row = bench.plan(target.url)
    for point, retry_unknown in (*crashes, (None, False)):
        clock.advance(TTL_US / 1_000_000 + 1)  # its lease runs out: this process lives, so nobody sees it die
        doubtful = [
            step
            for step in store.steps(row.id, limit=1000).items
            if step.method == POST and (step.unknown_attempts or step.state is StepState.SENDING)
        ]
        before = Counter(one.path for one in target.seen)
        store.fuse = Fuse(point)
        with suppress(Ended):  # as a killed process: nothing of it may have cleaned up behind it
            replays.start(row.id, RunOptions(retry_unknown=retry_unknown)).executor.run()
        store.fuse = Fuse(None)
        seen = Counter(one.path for one in target.seen)
        if not retry_unknown:  # what may have had its effect is not sent again unless this very run was asked to
            assert all(seen[step.path] == before[step.path] for step in doubtful)
        keys: dict[str, set[bytes | None]] = {}
        for one in target.seen:
            keys.setdefault(one.path, set()).add(one.header(b"Idempotency-Key"))
        check(store.steps(row.id, limit=1000).items, seen, keys)
    monkeypatch.undo()
    return row.id, seen


@pytest.mark.parametrize("point", range(26))
def test_a_crash_at_every_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: int) -> None:
    recording = Recording()
    scene(recording, [POST, PUT, POST, PUT])
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        replay, seen = crash_and_resume(bench, target, monkeypatch, [(point, False)])
        assert bench.replays.store.get(replay).state is ReplayState.FINISHED
        posts = [step for step in bench.steps(replay) if step.method == POST]
        assert all(seen[step.path] <= 1 for step in posts)
        unknown = [step for step in bench.steps(replay) if step.verdict is Verdict.UNKNOWN]
        assert len(unknown) <= 1
        assert all(step.method == POST for step in unknown)
        counts = bench.replays.store.counts(replay)
        assert counts.identical == 4 - len(unknown)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    methods=st.lists(st.sampled_from([POST, PUT]), min_size=1, max_size=5),
    crashes=st.lists(st.tuples(st.integers(0, 24), st.booleans()), max_size=5),
)
def test_any_sequence_of_crashes(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    methods: list[str],
    crashes: list[tuple[int, bool]],
) -> None:
    recording = Recording()
    scene(recording, methods)
    with ReplayTarget() as target, replaying(tmp_path_factory.mktemp("crash"), recording.exchanges) as bench:
        replay, seen = crash_and_resume(bench, target, monkeypatch, crashes)
        assert bench.replays.store.get(replay).state is ReplayState.FINISHED
        asked = any(retry for _, retry in crashes)
        for step in bench.steps(replay):
            assert step.state is StepState.DONE
            if step.method == POST and not asked:
                assert seen[step.path] <= 1
            if step.verdict is not Verdict.UNKNOWN:
                assert step.verdict is Verdict.IDENTICAL


def resume(folder: Path, replay: UUID, *options: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", _RUNNER, str(folder), str(replay), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


_RUNNER = """
import sys
from pathlib import Path
from uuid import UUID
from entrepot_replay.options import RunOptions
from entrepot_replay.service import Replays
from entrepot_store.archive import Archive
from entrepot_store.catalog.sql import SqlCatalog, replay_store
from entrepot_store.errors import EntrepotError
from entrepot_store.vault.directory import DirectoryVault
folder = Path(sys.argv[1])
catalog = SqlCatalog(f"sqlite:///{folder / 'catalog.sqlite'}")
replays = Replays(Archive(DirectoryVault(folder / "vault"), catalog), replay_store(catalog))
options = RunOptions(retry_unknown="--retry-unknown" in sys.argv, wait_for_target=60)
try:
    replays.start(UUID(sys.argv[2]), options).executor.run()
except EntrepotError as error:
    sys.exit(error.exit_code)
"""


def until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.001)


def test_runners_killed_at_random_moments(tmp_path: Path) -> None:
    """Each is taken over at once, without waiting for its lease: its process is seen to be gone."""
    dice = random.Random(os.environ.get("ENTREPOT_TEST_SEED", "7"))
    recording = Recording()
    scene(recording, [dice.choice([POST, PUT]) for _ in range(200)])
    killed = 0
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(target.url)
        while killed < 8:
            goal = len(target.seen) + dice.randrange(1, 25)
            process = resume(tmp_path, row.id)
            until(partial(_has, target, goal), process)
            time.sleep(dice.random() * 0.004)  # not a condition: the moment itself is what varies
            process.send_signal(signal.SIGKILL)
            _, words = process.communicate()
            assert process.returncode == -signal.SIGKILL, words.decode()
            killed += 1
            assert bench.replays.store.counts(row.id).sending <= 1
            _check_all(bench, row.id, target)
        last = resume(tmp_path, row.id)
        _, words = last.communicate(timeout=120)
        assert last.returncode == 0, words.decode()
        report = make_report(bench.replays.store, row.id)
        assert report.replay.state is ReplayState.FINISHED
        assert report.replay.runs == killed + 1
        assert report.counts.identical + report.counts.unknown == 200
        assert report.counts.unknown <= killed
        posts = Counter(seen.path for seen in target.seen if seen.method == POST)
        assert all(number == 1 for number in posts.values())
        assert resume(tmp_path, row.id, "--retry-unknown").wait(120) == 0
        assert bench.replays.store.counts(row.id).identical == 200
        _check_all(bench, row.id, target)


def _has(target: ReplayTarget, number: int) -> bool:
    return len(target.seen) >= number


def _check_all(bench: Bench, replay: UUID, target: ReplayTarget) -> None:
    seen = Counter(one.path for one in target.seen)
    keys: dict[str, set[bytes | None]] = {}
    for one in target.seen:
        keys.setdefault(one.path, set()).add(one.header(b"Idempotency-Key"))
    check(bench.steps(replay), seen, keys)


def test_two_runners_race_for_one_replay(tmp_path: Path) -> None:
    recording = Recording()
    scene(recording, [POST] * 300)
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(target.url)
        racers = [resume(tmp_path, row.id) for _ in range(3)]
        codes = sorted(racer.wait(120) for racer in racers)
        for racer in racers:
            racer.communicate()
        assert codes == [0, 11, 11]
        assert Counter(seen.path for seen in target.seen) == Counter(f"/v1/{index}" for index in range(300))
        assert bench.replays.store.get(row.id).runs == 1


def test_a_runner_that_was_frozen_while_its_lease_ran_out_sends_nothing_more(tmp_path: Path) -> None:
    recording = Recording()
    scene(recording, [POST] * 40)
    answers = threading.Event()

    def answerer(seen: Seen) -> bytes:
        if seen.path == "/v1/10":
            answers.wait(60)  # so that the runner waits here when it is frozen, and not within a transaction
        return answer()

    with ReplayTarget(answerer) as target, replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(target.url)
        frozen = resume(tmp_path, row.id)
        until(partial(_has, target, 11), frozen)
        frozen.send_signal(signal.SIGSTOP)
        try:
            # The other runner's clock is past the lease, as after half a minute of waiting.
            ahead = FixedClock(time.time_ns() // 1000 + 2 * TTL_US)
            later = replay_store(bench.archive.catalog, ahead)
            ended = Replays(bench.archive, later).start(row.id).executor.run()
            assert ended.state is ReplayState.FINISHED
        finally:
            answers.set()
            frozen.send_signal(signal.SIGCONT)
        assert frozen.wait(60) == 11
        frozen.communicate()
        assert [seen.path for seen in target.seen] == [f"/v1/{index}" for index in range(40)]
        assert [step.seq for step in bench.steps(row.id) if step.verdict is Verdict.UNKNOWN] == [10]
        _check_all(bench, row.id, target)


def test_a_target_killed_and_started_again_and_again(tmp_path: Path) -> None:
    """The run goes on by itself; a write whose answer was lost with the target is unknown, and not sent again."""
    recording = Recording()
    scene(recording, [POST if index % 3 else PUT for index in range(600)])
    log = tmp_path / "log"
    log.touch()

    def serve(port: int) -> "subprocess.Popen[bytes]":
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.replay_target", str(port), str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert server.stdout is not None
        server.port = int(server.stdout.readline())  # type: ignore[attr-defined] # kept beside what it belongs to
        return server

    def arrived() -> list[str]:
        return log.read_text().splitlines()

    dice = random.Random(11)
    server = serve(0)
    port: int = server.port  # type: ignore[attr-defined] # see above
    try:
        with replaying(tmp_path, recording.exchanges) as bench:
            row = bench.plan(f"http://127.0.0.1:{port}")
            runner = resume(tmp_path, row.id)
            for _ in range(5):
                goal = len(arrived()) + dice.randrange(20, 60)
                until(partial(lambda enough: len(arrived()) >= enough, goal), runner)
                server.kill()
                server.communicate()
                server = serve(port)
            _, words = runner.communicate(timeout=120)
            assert runner.returncode == 0, words.decode()
            counts = bench.replays.store.counts(row.id)
            assert counts.identical + counts.unknown == 600
            assert counts.unknown <= 5
            seen = Counter(line.split('"path": "')[1].split('"')[0] for line in arrived())
            check(bench.steps(row.id), seen, {})
            for step in bench.steps(row.id):
                if step.method == POST:
                    assert seen[step.path] <= 1
    finally:
        server.kill()
        server.communicate()
