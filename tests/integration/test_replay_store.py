"""One conformance suite for the ReplayStore on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from entrepot_store.catalog.replays import (
    Difference,
    Outcome,
    ReplayRow,
    ReplayState,
    Settled,
    StepCounts,
    StepRow,
    StepState,
    Verdict,
    Wanted,
)
from entrepot_store.catalog.sql import SqlCatalog, SqlReplayStore, replay_store
from entrepot_store.errors import BadInput, Busy, NotFound
from entrepot_store.model import uuid7
from tests.support.captured import Recording, archive_of

TTL = 30_000_000
NOW = 1_763_800_000_000_000
IDEMPOTENT = {"GET", "PUT", "DELETE"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlCatalog]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_url")
    with SqlCatalog(url) as opened:
        yield opened


@pytest.fixture
def store(catalog: SqlCatalog) -> SqlReplayStore:
    return replay_store(catalog)


def planned(store: SqlReplayStore, steps: int = 4, *, methods: tuple[str, ...] = ("POST", "PUT")) -> UUID:
    row = ReplayRow(uuid7(NOW + steps), NOW, "orders", "http://127.0.0.1:9002", selection={"to": "orders"})
    store.create(row)
    store.add_steps(
        row.id,
        [StepRow(seq, uuid7(NOW + seq), methods[seq % len(methods)], f"/v1/{seq}", 200, 10) for seq in range(steps)],
    )
    store.planned(row.id, {"steps": steps})
    return row.id


def done(seq: int, verdict: Verdict = Verdict.IDENTICAL, **changes: object) -> Outcome:
    outcome = Outcome(seq, StepState.DONE, verdict, sent=True, sent_at=NOW, duration_us=5, live_status=200)
    return replace(outcome, **changes)  # type: ignore[arg-type]


def states(store: SqlReplayStore, replay: UUID) -> list[tuple[str, str | None, int, int]]:
    return [
        (step.state.value, step.verdict and step.verdict.value, step.attempts, step.unknown_attempts)
        for step in store.steps(replay).items
    ]


def test_a_plan_comes_back_as_it_was_stored(store: SqlReplayStore) -> None:
    replay = planned(store)
    row = store.get(replay)
    assert (row.state, row.plan, row.selection) == (ReplayState.PLANNED, {"steps": 4}, {"to": "orders"})
    assert (row.runs, row.lease, row.started_at, row.interrupted) == (0, None, None, False)
    assert [step.seq for step in store.steps(replay).items] == [0, 1, 2, 3]
    assert store.counts(replay) == StepCounts(pending=4)


def test_what_is_not_there_is_not_found(store: SqlReplayStore) -> None:
    nobody = uuid7(NOW)
    for ask in (
        lambda: store.get(nobody),
        lambda: store.steps(nobody),
        lambda: store.ask(nobody, Wanted.CANCEL),
        lambda: store.acquire(nobody, "me", TTL),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_plan_that_is_not_finished_cannot_be_run_and_can_be_discarded(store: SqlReplayStore) -> None:
    row = ReplayRow(uuid7(NOW), NOW, "orders", "http://x")
    store.create(row)
    with pytest.raises(BadInput, match="not finished"):
        store.acquire(row.id, "me", TTL)
    store.discard(row.id)
    with pytest.raises(NotFound):
        store.get(row.id)
    kept = planned(store)
    store.discard(kept)
    assert store.get(kept).state is ReplayState.PLANNED


def test_intents_and_outcomes(store: SqlReplayStore) -> None:
    replay = planned(store)
    store.acquire(replay, "me", TTL)
    assert store.advance(replay, "me", TTL, intents=[0, 1]) is Wanted.RUN
    assert store.counts(replay) == StepCounts(pending=2, sending=2)
    difference = Difference("$.a", "1", "2")
    outcome = done(0, Verdict.DIFFERENT, differences=(difference,), more_differences=3, reason="why")
    store.advance(replay, "me", TTL, outcomes=[outcome], intents=[2])
    step = store.steps(replay).items[0]
    assert (step.state, step.verdict, step.attempts, step.sent) == (StepState.DONE, Verdict.DIFFERENT, 1, True)
    assert (step.differences, step.more_differences, step.reason) == ((difference,), 3, "why")
    assert (step.sent_at, step.duration_us, step.live_status) == (NOW, 5, 200)
    assert store.counts(replay) == StepCounts(pending=1, sending=2, different=1)


def test_storing_a_round_again_counts_nothing_twice(store: SqlReplayStore) -> None:
    """The answer to a commit can be lost; whoever stores the same again must not change what is known."""
    replay = planned(store)
    store.acquire(replay, "me", TTL)
    for _ in range(2):
        store.advance(replay, "me", TTL, intents=[0])
    for _ in range(2):
        store.advance(replay, "me", TTL, outcomes=[done(0, Verdict.UNKNOWN, live_status=None, unknown=True)])
    assert states(store, replay)[0] == ("done", "unknown", 1, 1)


def test_an_outcome_of_a_step_that_is_not_out_changes_nothing(store: SqlReplayStore) -> None:
    replay = planned(store)
    store.acquire(replay, "me", TTL)
    store.advance(replay, "me", TTL, outcomes=[done(0)])
    assert states(store, replay)[0] == ("pending", None, 0, 0)


def test_one_runner_at_a_time(store: SqlReplayStore) -> None:
    replay = planned(store)
    store.acquire(replay, "me", TTL)
    with pytest.raises(Busy):
        store.acquire(replay, "you", TTL)
    for fenced in (
        lambda: store.advance(replay, "you", TTL, intents=[0]),
        lambda: store.release(replay, "you", ReplayState.PAUSED),
        lambda: store.settle(replay, "you", retry_methods=(), retry_unknown=False, retry_failed=False),
    ):
        with pytest.raises(Busy):
            fenced()
    assert store.counts(replay) == StepCounts(pending=4)


def test_of_many_that_race_one_wins(store: SqlReplayStore) -> None:
    replay = planned(store)

    def take(number: int) -> bool:
        try:
            store.acquire(replay, f"runner-{number}", TTL)
        except Busy:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1
    assert store.get(replay).runs == 1


def test_a_lease_that_ran_out_can_be_taken_and_fences_its_old_owner(store: SqlReplayStore) -> None:
    replay = planned(store)
    store.acquire(replay, "me", -1)
    assert store.get(replay).interrupted
    store.acquire(replay, "you", TTL)
    assert not store.get(replay).interrupted
    with pytest.raises(Busy):
        store.advance(replay, "me", TTL, intents=[0])
    assert store.counts(replay) == StepCounts(pending=4)


def test_the_lease_of_the_dead_can_be_taken_at_once(store: SqlReplayStore) -> None:
    replay = planned(store)
    store.acquire(replay, "me", TTL)
    with pytest.raises(Busy):
        store.acquire(replay, "you", TTL, dead="somebody else")
    store.acquire(replay, "you", TTL, dead="me")
    with pytest.raises(Busy):  # whom it saw dead is not who holds it now
        store.acquire(replay, "late", TTL, dead="me")


def test_a_renewed_lease_lives_on(store: SqlReplayStore) -> None:
    replay = planned(store)
    store.acquire(replay, "me", -1)
    store.advance(replay, "me", TTL)
    with pytest.raises(Busy):
        store.acquire(replay, "you", TTL)


def test_settling_after_a_crash(store: SqlReplayStore) -> None:
    """POST is even, PUT is odd. 0 and 1 are out, 2 ended unknown, 3 failed before it was sent, 4 was refused."""
    replay = planned(store, 6)
    store.acquire(replay, "me", TTL)
    store.advance(replay, "me", TTL, intents=[0, 1, 2, 3, 4])
    store.advance(
        replay,
        "me",
        TTL,
        outcomes=[
            done(2, Verdict.UNKNOWN, live_status=None, unknown=True),
            done(3, Verdict.FAILED, sent=False, live_status=None),
            done(4, Verdict.FAILED, live_status=409),
        ],
    )
    store.acquire(replay, "you", TTL, dead="me")
    settled = store.settle(replay, "you", retry_methods=IDEMPOTENT, retry_unknown=False, retry_failed=False)
    assert settled == Settled(unknown_retried=1, unknown_left=1, failed_retried=1)
    assert states(store, replay) == [
        ("done", "unknown", 1, 1),
        ("pending", None, 1, 1),
        ("done", "unknown", 1, 1),
        ("pending", None, 1, 0),
        ("done", "failed", 1, 0),
        ("pending", None, 0, 0),
    ]
    assert store.settle(replay, "you", retry_methods=IDEMPOTENT, retry_unknown=True, retry_failed=True) == Settled(
        unknown_retried=2, failed_retried=1
    )
    assert [state for state, *_ in states(store, replay)] == ["pending"] * 6
    assert [unknown for *_, unknown in states(store, replay)] == [1, 1, 1, 0, 0, 0]  # counted once each


def test_a_step_that_may_have_had_its_effect_is_not_retried_because_its_last_attempt_never_left(
    store: SqlReplayStore,
) -> None:
    replay = planned(store, 4)
    store.acquire(replay, "me", TTL)
    store.advance(replay, "me", TTL, intents=[0, 1, 2])
    store.settle(replay, "me", retry_methods=IDEMPOTENT, retry_unknown=True, retry_failed=False)
    store.advance(replay, "me", TTL, intents=[0, 1])
    never_left = [done(seq, Verdict.FAILED, sent=False, live_status=None) for seq in (0, 1)]
    store.advance(replay, "me", TTL, outcomes=never_left)
    settled = store.settle(replay, "me", retry_methods=IDEMPOTENT, retry_unknown=False, retry_failed=False)
    assert settled == Settled(unknown_left=1, failed_retried=1)
    assert states(store, replay) == [
        ("done", "failed", 2, 1),
        ("pending", None, 2, 1),
        ("done", "unknown", 1, 1),
        ("pending", None, 0, 0),
    ]


def test_a_verdict_of_unknown_with_an_answer_is_not_retried(store: SqlReplayStore) -> None:
    """Its outcome is known: what is not known is how it should have been answered."""
    replay = planned(store)
    store.acquire(replay, "me", TTL)
    store.advance(replay, "me", TTL, intents=[1])
    store.advance(replay, "me", TTL, outcomes=[done(1, Verdict.UNKNOWN, live_status=200)])
    assert store.settle(replay, "me", retry_methods=IDEMPOTENT, retry_unknown=True, retry_failed=True) == Settled()


def test_releasing(store: SqlReplayStore) -> None:
    replay = planned(store)
    store.acquire(replay, "me", TTL)
    row = store.release(replay, "me", ReplayState.PAUSED, "paused")
    assert (row.state, row.reason, row.lease, row.runs) == (ReplayState.PAUSED, "paused", None, 1)
    assert row.started_at is not None
    assert row.ended_at is not None
    again = store.acquire(replay, "you", TTL)
    assert (again.runs, again.started_at, again.ended_at, again.reason) == (2, row.started_at, None, "")


def test_a_run_left_behind_on_purpose_is_interrupted_at_once(store: SqlReplayStore) -> None:
    replay = planned(store)
    store.acquire(replay, "me", TTL)
    assert store.release(replay, "me", ReplayState.RUNNING, "stopped").interrupted


def test_asking_a_run_to_pause(store: SqlReplayStore) -> None:
    replay = planned(store)
    with pytest.raises(BadInput, match="not running"):
        store.ask(replay, Wanted.PAUSE)
    store.acquire(replay, "me", TTL)
    store.ask(replay, Wanted.PAUSE)
    assert store.advance(replay, "me", TTL, intents=[0]) is Wanted.PAUSE
    assert store.counts(replay) == StepCounts(pending=4)  # nothing may be sent, so no intent was stored
    store.release(replay, "me", ReplayState.PAUSED)
    store.acquire(replay, "me", TTL)
    assert store.advance(replay, "me", TTL, intents=[0]) is Wanted.RUN


def test_cancelling(store: SqlReplayStore) -> None:
    idle, running, dead, over = (planned(store, number) for number in (3, 4, 5, 6))
    assert store.ask(idle, Wanted.CANCEL).state is ReplayState.CANCELLED
    with pytest.raises(BadInput, match="cancelled"):
        store.acquire(idle, "me", TTL)
    store.acquire(running, "me", TTL)
    assert store.ask(running, Wanted.CANCEL).state is ReplayState.RUNNING
    assert store.advance(running, "me", TTL) is Wanted.CANCEL
    store.acquire(dead, "me", TTL)
    assert store.ask(dead, Wanted.CANCEL, dead="me").state is ReplayState.CANCELLED
    with pytest.raises(Busy):  # should it live after all, it sends nothing more
        store.advance(dead, "me", TTL, intents=[0])
    store.acquire(over, "me", TTL)
    store.release(over, "me", ReplayState.FINISHED)
    assert store.ask(over, Wanted.CANCEL).state is ReplayState.FINISHED


def test_pages(store: SqlReplayStore) -> None:
    ids = [planned(store, number) for number in (3, 4, 5)]
    first = store.replays(limit=2)
    second = store.replays(limit=2, cursor=first.next)
    assert [row.id for row in (*first.items, *second.items)] == ids[::-1]
    assert second.next is None
    steps = store.steps(ids[2], limit=2)
    rest = store.steps(ids[2], limit=3, cursor=steps.next)
    assert [step.seq for step in (*steps.items, *rest.items)] == [0, 1, 2, 3, 4]
    for foreign in (lambda: store.steps(ids[1], cursor=steps.next), lambda: store.replays(cursor=steps.next)):
        with pytest.raises(BadInput, match="another listing"):
            foreign()
    with pytest.raises(BadInput, match="limit"):
        store.steps(ids[1], limit=0)


def test_steps_by_verdict(store: SqlReplayStore) -> None:
    replay = planned(store)
    store.acquire(replay, "me", TTL)
    store.advance(replay, "me", TTL, intents=[0, 1, 2])
    store.advance(replay, "me", TTL, outcomes=[done(0), done(1, Verdict.FAILED), done(2, Verdict.UNKNOWN)])
    chosen = store.steps(replay, verdicts=[Verdict.FAILED, Verdict.UNKNOWN]).items
    assert [step.seq for step in chosen] == [1, 2]
    assert [step.seq for step in store.steps(replay, states=[StepState.PENDING]).items] == [3]


def test_due_steps_come_with_their_exchanges(store: SqlReplayStore, catalog: SqlCatalog, tmp_path: Path) -> None:
    recording = Recording()
    for number in range(3):
        recording.add("PUT", f"/v1/{number}", b"{}")
    archive_of(tmp_path, recording.exchanges, catalog=catalog)
    row = ReplayRow(uuid7(NOW), NOW, "orders", "http://x")
    store.create(row)
    ids = [exchange.id for exchange in recording.exchanges]
    store.add_steps(row.id, [StepRow(seq, ids[seq], "PUT", "/", 200, 2) for seq in range(3)])
    store.add_steps(row.id, [StepRow(3, uuid7(NOW), "PUT", "/", 200, 2)])
    store.planned(row.id, {})
    due = store.due(row.id, after=0, limit=10)
    assert [(step.seq, exchange and exchange.id) for step, exchange in due] == [(1, ids[1]), (2, ids[2]), (3, None)]
    catalog.clear_index()  # as a rebuild does: replays stay
    assert [exchange for _, exchange in store.due(row.id, after=-1, limit=2)] == [None, None]
