"""The executor under a schedule whose steps do not wait for each other, or as a test says."""

import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from entrepot_replay import service
from entrepot_replay.options import RunOptions
from entrepot_replay.schedule import Step
from entrepot_store.catalog.replays import ReplayState, ReplayStore, StepCounts, Wanted
from tests.support.captured import Recording
from tests.support.replay_target import ReplayTarget, Seen, answer
from tests.support.replaying import replaying

CREW = 6


class Independent:
    """Every step is ready at once; `waits_for` names some that must wait for one other."""

    waits_for: dict[int, int] = {}  # noqa: RUF012 - set by the test that needs it

    def __init__(self, store: ReplayStore, replay: UUID) -> None:
        self._waiting = deque(Step(row, exchange) for row, exchange in store.due(replay, after=-1, limit=10_000))
        self._out: dict[int, Step] = {}
        self._finished: set[int] = set()

    def ready(self, limit: int) -> Sequence[Step]:
        free = [step for step in self._waiting if self.waits_for.get(step.row.seq, -1) in (self._finished | {-1})][
            :limit
        ]
        for step in free:
            self._waiting.remove(step)
            self._out[step.row.seq] = step
        return free

    def finished(self, seq: int) -> None:
        self._finished.add(seq)
        del self._out[seq]

    def again(self, seq: int) -> None:
        self._waiting.appendleft(self._out.pop(seq))

    @property
    def exhausted(self) -> bool:
        return not self._waiting and not self._out


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.setattr(service, "Graph", Independent)
    recording = Recording()
    for index in range(60):
        recording.add("POST" if index % 2 else "PUT", f"/v1/{index}", b"{}")
    return recording


PARALLEL = RunOptions(concurrency=CREW)


def test_steps_go_side_by_side_and_no_more_than_allowed(tmp_path: Path, recording: Recording) -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(CREW)

    def answerer(seen: Seen) -> bytes:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        if int(seen.path.rpartition("/")[2]) < CREW:
            together.wait(30)  # passes only if the first six are under way at the same time
        with lock:
            at_once -= 1
        return answer()

    with ReplayTarget(answerer) as target, replaying(tmp_path, recording.exchanges) as bench:
        report = bench.run(bench.plan(target.url).id, PARALLEL)
        assert report.counts == StepCounts(identical=60)
        assert report.exit_code == 0
        assert most == CREW
        assert len({seen.path for seen in target.seen}) == len(target.seen) == 60
        assert target.connections <= CREW + 1


def test_a_step_waits_for_the_one_it_depends_on(
    tmp_path: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Independent, "waits_for", {seq: seq - 10 for seq in range(10, 60)})

    def answerer(seen: Seen) -> bytes:
        time.sleep(0.002)
        return answer()

    with ReplayTarget(answerer) as target, replaying(tmp_path, recording.exchanges) as bench:
        assert bench.run(bench.plan(target.url).id, PARALLEL).exit_code == 0
        order = [int(seen.path.rpartition("/")[2]) for seen in target.seen]
        assert all(order.index(seq - 10) < order.index(seq) for seq in range(10, 60))


def test_at_most_as_many_are_out_as_may_be(tmp_path: Path, recording: Recording) -> None:
    """What a crash leaves unknown is bounded by the concurrency."""
    with replaying(tmp_path, recording.exchanges) as bench:
        out: list[int] = []

        def answerer(seen: Seen) -> bytes:
            out.append(bench.replays.store.counts(row.id).sending)
            return answer()

        with ReplayTarget(answerer) as target:
            row = bench.plan(target.url)
            bench.run(row.id, PARALLEL)
        assert 1 <= max(out) <= CREW


def test_lost_answers_pauses_and_a_target_that_dies(tmp_path: Path, recording: Recording) -> None:
    dropped: set[str] = set()

    def answerer(seen: Seen) -> bytes | None:
        if seen.path.endswith("7") and seen.path not in dropped:
            dropped.add(seen.path)
            return None
        return answer()

    options = replace(PARALLEL, wait_for_target=0.2)
    with replaying(tmp_path, recording.exchanges) as bench:
        with ReplayTarget(answerer) as target:
            row = bench.plan(target.url)
            run = bench.replays.start(row.id, options)

            def pause() -> None:
                if run.executor.progress.done == 20:
                    bench.replays.store.ask(row.id, Wanted.PAUSE)

            run.executor.observe(pause)
            assert run.executor.run().state is ReplayState.PAUSED
            run = bench.replays.start(row.id, options)
            run.executor.observe(lambda: target.stop() if run.executor.progress.done == 15 else None)
            assert run.executor.run().state is ReplayState.STOPPED
        counts = bench.replays.store.counts(row.id)
        assert counts.sending == 0
        assert counts.pending > 0
        with ReplayTarget(answerer, port=target.port) as again:
            report = bench.run(row.id, options)
        assert report.replay.state is ReplayState.FINISHED
        assert report.counts.identical + report.counts.unknown == 60
        assert report.counts.unknown >= 6  # every seventh POST lost its answer, and is not sent again
        arrived = Counter(seen.path for seen in (*target.seen, *again.seen))
        for step in bench.steps(row.id):
            assert arrived[step.path] <= 1 or step.unknown_attempts >= arrived[step.path] - 1
            assert arrived[step.path] <= 1 or step.method == "PUT"
