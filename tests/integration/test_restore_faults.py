"""What a restore does when the target breaks off, when somebody writes meanwhile, and when it is resumed."""

import json
from collections.abc import Callable
from pathlib import Path

from entrepot_replay.credentials import Credentials
from entrepot_replay.options import RunOptions
from entrepot_replay.restore.decide import Modes
from entrepot_replay.restore.readback import Came
from entrepot_replay.service import Replays
from entrepot_store.catalog.replays import ReplayState, Verdict
from entrepot_store.catalog.sql import replay_store
from entrepot_store.documents import Recipe
from entrepot_store.model import Action
from tests.support.captured import START, Recording, archive_of
from tests.support.replay_target import ReplayTarget, Seen, answer
from tests.support.replaying import Bench, replaying
from tests.support.restoring import Restoring

LATER = START + 60_000_000


class Store:
    """Documents under validators, which it honours. `before` is called with every write before it is looked at."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.before: Callable[[Seen], bool] = lambda _seen: False
        self.writes: list[tuple[str, str]] = []

    def __call__(self, seen: Seen) -> bytes | None:
        path = seen.path
        if seen.method == "GET":
            return self._shown(path) if path in self.held else answer(404)
        self.writes.append((seen.method, path))
        breaks = self.before(seen)
        mark, there = seen.header(b"if-match"), self.held.get(path)
        if (mark is not None and (there is None or mark != self._mark(path))) or (
            seen.header(b"if-none-match") == b"*" and there is not None
        ):
            return answer(412)
        if seen.method == "POST":
            path = f"{path}/{len(self.held) + 1}"
        self.held[path] = seen.body
        return None if breaks else answer(200, seen.body, extra=b"Location: %s\r\n" % path.encode())

    def _mark(self, path: str) -> bytes:
        return b'"%d"' % (hash(self.held[path]) % 10**9)

    def _shown(self, path: str) -> bytes:
        return answer(200, self.held[path], extra=b"ETag: %s\r\n" % self._mark(path))


def recording(*documents: str) -> Recording:
    recording = Recording()
    for path in documents:
        body = json.dumps({"of": path}).encode()
        recording.add("PUT", path, body, status=201, answer=body)
    return recording


def test_a_write_between_look_and_write_is_not_overwritten(tmp_path: Path) -> None:
    store = Store()

    def meddle(seen: Seen) -> bool:
        store.held[seen.path] = b'{"of": "somebody else"}'
        return False

    store.held["/docs/b"] = b'{"of": "wrong"}'
    with ReplayTarget(store) as target, replaying(tmp_path, recording("/docs/a", "/docs/b").exchanges) as bench:
        restoring = Restoring(bench, target.url, LATER, Credentials())
        row = restoring.plan(modes=Modes(update_existing=True))
        store.before = meddle
        result = restoring.run(row)
    assert result.counts == {Came.DIFFERS: 2}
    assert result.exit_code == 20
    assert all("between look and write" in told.why for told in result.documents)
    assert set(store.held.values()) == {b'{"of": "somebody else"}'}


def test_an_unknown_put_is_settled_by_looking(tmp_path: Path) -> None:
    """The answer is lost and the write is not: the next attempt finds it done, and `If-None-Match` does no harm."""
    store = Store()
    store.before = lambda _seen: len(store.writes) == 1
    with ReplayTarget(store) as target, replaying(tmp_path, recording("/docs/a").exchanges) as bench:
        restoring = Restoring(bench, target.url, LATER, Credentials())
        row = restoring.plan()
        result = restoring.run(row)
        (step,) = bench.steps(row.id)
    assert store.writes == [("PUT", "/docs/a")]
    assert (step.attempts, step.unknown_attempts, step.verdict) == (2, 1, Verdict.IDENTICAL)
    assert result.counts == {Came.RESTORED: 1}


def test_a_post_whose_outcome_is_unknown_is_not_sent_again(tmp_path: Path) -> None:
    made = Recording()
    body = b'{"name": "tea"}'
    made.add("POST", "/orders", body, status=201, answer=b'{"name": "tea", "id": 9}')
    made.add("PATCH", "/orders/9", b'{"name": "jam"}', answer=b'{"name": "jam", "id": 9}')
    store = Store()
    store.before = lambda _seen: True
    with ReplayTarget(store) as target, replaying(tmp_path, made.exchanges) as bench:
        restoring = Restoring(bench, target.url, LATER, Credentials())
        row = restoring.plan()
        result = restoring.run(row)
        verdicts = [step.verdict for step in bench.steps(row.id)]
    assert store.writes == [("POST", "/orders")]
    assert verdicts == [Verdict.UNKNOWN, Verdict.FAILED]
    assert result.exit_code == 21


def test_a_restore_goes_on_where_it_stopped(tmp_path: Path) -> None:
    paths = [f"/docs/{number}" for number in range(6)]
    store = Store()
    with ReplayTarget(store) as target, replaying(tmp_path, recording(*paths).exchanges) as bench:
        restoring = Restoring(bench, target.url, LATER, Credentials())
        row = restoring.plan()
        run = bench.replays.start(row.id, RunOptions(), Credentials())
        run.executor.observe(lambda: run.executor.pause() if run.executor.progress.done == 2 else None)
        assert run.executor.run().state is ReplayState.PAUSED
        assert len(store.writes) == 2
        result = restoring.run(row)
    assert sorted(path for _, path in store.writes) == paths
    assert result.counts == {Came.RESTORED: 6}
    assert result.exit_code == 0


def test_what_was_expunged_after_the_plan_is_not_sent(tmp_path: Path) -> None:
    store = Store()
    with ReplayTarget(store) as target, replaying(tmp_path, recording("/docs/a").exchanges) as bench:
        restoring = Restoring(bench, target.url, LATER, Credentials())
        row = restoring.plan()
        for found in (tmp_path / "vault").rglob("*.warc.zst"):
            found.unlink()
        bench.replays.start(row.id, RunOptions(), Credentials()).executor.run()
        (step,) = bench.steps(row.id)
    assert (step.verdict, step.sent, store.writes) == (Verdict.FAILED, False, [])


def test_what_is_too_long_to_be_held_comes_back_and_is_compared(tmp_path: Path) -> None:
    long = Recording()
    body = bytes(range(256)) * (9 * 4096)
    kind = ((b"Content-Type", b"application/octet-stream"),)
    long.add("PUT", "/files/a", body, headers=kind, status=201, answer=b"")
    store = Store()
    with ReplayTarget(store) as target, replaying(tmp_path, long.exchanges) as bench:
        restoring = Restoring(bench, target.url, LATER, Credentials())
        assert restoring.run(restoring.plan()).counts == {Came.RESTORED: 1}
        assert store.held["/files/a"] == body
        store.held["/files/a"] = body[:-1] + b"x"
        result = restoring.run(restoring.plan(modes=Modes(update_existing=True)))
        assert result.counts == {Came.RESTORED: 1}, result.documents
    assert store.held["/files/a"] == body


def test_a_protected_document_comes_back_out_of_its_version(tmp_path: Path) -> None:
    """A version knows what a PATCH left that was answered without it, and what the update is made of."""
    kept = Recording()
    body = b'{"name": "tea", "price": 1}'
    kept.add("POST", "/orders", body, status=201, answer=b'{"name": "tea", "price": 1, "id": 9}', action=Action.PROTECT)
    kept.add("PATCH", "/orders/9", b'{"name": "jam"}', status=204, answer=b"", action=Action.PROTECT)
    store = Store()
    store.held["/orders/9"] = b'{"name": "wrong", "price": 1, "id": 9}'
    archive = archive_of(tmp_path, kept.exchanges, recipes={"default": Recipe()})
    try:
        bench = Bench(archive, Replays(archive, replay_store(archive.catalog)))
        with ReplayTarget(store) as target:
            restoring = Restoring(bench, target.url, LATER, Credentials())
            row = restoring.plan(modes=Modes(update_existing=True))
            ((_, own),) = restoring.steps(row)
            assert own.evidence is not None
            assert own.evidence.version is not None
            result = restoring.run(row)
    finally:
        archive.catalog.close()
    assert store.writes == [("PATCH", "/orders/9")]
    assert json.loads(store.held["/orders/9"]) == {"name": "jam", "price": 1}
    assert result.counts == {Came.RESTORED: 1}, result.documents
