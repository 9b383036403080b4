"""Verification against a target that has troubles of its own: none of them passes for a loss, nor for a success."""

import json
import threading
from collections import Counter
from pathlib import Path

import pytest

from entrepot_replay.errors import TargetUnreachable
from entrepot_replay.options import RunOptions
from entrepot_replay.report import Report, make_report
from entrepot_replay.verify import Verifier
from entrepot_store.catalog.replay_checks import CheckResult
from tests.support.captured import Recording
from tests.support.replay_target import ReplayTarget, Seen, answer
from tests.support.replaying import Bench, replaying


def recording(number: int) -> Recording:
    found = Recording()
    for index in range(number):
        found.add("PUT", f"/items/{index}", b'{"n": %d}' % index, answer=b"")
    for index in range(number):
        found.add(
            "GET", f"/items/{index}", answer=b'{"n": %d}' % index, headers=((b"If-None-Match", b'"x"'), (b"X-A", b"b"))
        )
    return found


def whole(seen: Seen) -> bytes:
    if seen.method == "PUT":
        return answer(body=b"")
    return answer(body=b'{"n": %s}' % seen.path.rpartition("/")[2].encode())


def verified(bench: Bench, target: ReplayTarget, options: RunOptions) -> Report:
    row = bench.plan(target.url)
    assert bench.run(row.id).exit_code == 0
    verification = Verifier(bench.archive, bench.replays).prepare(bench.replays.store.get(row.id), options)
    verification.run()
    return make_report(bench.replays.store, row.id)


def test_refusals_and_breakdowns_are_unknown_and_said(tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def answerer(seen: Seen) -> bytes | None:
        if seen.method == "PUT":
            return whole(seen)
        asked[seen.path] += 1
        assert seen.header(b"if-none-match") is None  # its answer would have no content
        assert seen.header(b"x-a") == b"b"
        match seen.path.rpartition("/")[2]:
            case "0":
                return answer(403)
            case "1":
                return answer(500)
            case "2":
                return None
            case "3" if asked[seen.path] == 1:
                return answer(503, extra=b"Retry-After: 0\r\n")
            case "4":
                return answer(404)
            case "5":
                return answer(302, b"", extra=b"Location: /login\r\n")
            case "6":
                return answer(200, b"<html>", b"text/html")
        return whole(seen)

    with ReplayTarget(answerer) as target, replaying(tmp_path, recording(8).exchanges) as bench:
        report = verified(bench, target, RunOptions(concurrency=3, attempts=2))
        found = {row.path: (row.result.value, row.reason) for row in bench.replays.store.checks(report.replay.id).items}
    assert found["/items/0"] == ("unknown", "the target answered 403")
    assert found["/items/1"] == ("unknown", "the target answered 500")
    assert found["/items/2"][0] == "unknown"
    assert found["/items/2"][1].startswith("no whole answer came")
    assert asked["/items/2"] == 2
    assert found["/items/3"][0] == found["/items/7"][0] == "restored"
    assert found["/items/4"] == ("missing", "the target answered 404")
    assert found["/items/5"][0] == found["/items/6"][0] == "differs"
    assert report.verification is not None
    assert report.verification.complete
    assert report.exit_code == 21
    assert [row.result for row in report.checks][:2] == [CheckResult.MISSING, CheckResult.DIFFERS]


def test_a_target_that_dies_ends_the_verification_and_not_its_findings(tmp_path: Path) -> None:
    with ReplayTarget(whole) as target, replaying(tmp_path, recording(20).exchanges) as bench:
        reads = 0

        def dying(seen: Seen) -> bytes | None:
            nonlocal reads
            reads += seen.method == "GET"
            if reads == 6:
                threading.Thread(target=target.stop).start()
                return None
            return whole(seen)

        target.answerer = dying
        report = verified(bench, target, RunOptions(wait_for_target=0.3, attempts=50))
        assert report.verification is not None
        assert not report.verification.complete
        assert "takes no connections" in report.verification.reason
        assert report.verification.counts.restored == 5
        assert report.exit_code == 22
        row = bench.replays.store.get(report.replay.id)
        with pytest.raises(TargetUnreachable):
            Verifier(bench.archive, bench.replays).prepare(row)


def test_a_pause_keeps_what_is_known(tmp_path: Path) -> None:
    with ReplayTarget(whole) as target, replaying(tmp_path, recording(20).exchanges) as bench:
        row = bench.plan(target.url)
        bench.run(row.id)
        verification = Verifier(bench.archive, bench.replays).prepare(
            bench.replays.store.get(row.id), RunOptions(concurrency=2)
        )
        verification.observe(lambda: verification.pause() if verification.progress.done >= 5 else None)
        verification.run()
        report = make_report(bench.replays.store, row.id)
        assert report.verification is not None
        assert 5 <= report.verification.counts.restored < 20
        assert (report.verification.reason, report.exit_code) == ("it was interrupted", 22)


def test_what_changed_by_itself_when_it_was_recorded_may_differ_again(tmp_path: Path) -> None:
    found = recording(1)
    for up in (5, 6):
        found.add("GET", "/stats", answer=b'{"up": %d, "name": "x"}' % up)
        found.add("GET", "/other", answer=b'{"up": 5, "name": "x"}')
        found.add("GET", "/page", answer=b"<p>%d</p>" % up, answer_headers=((b"Content-Type", b"text/html"),))

    def answerer(seen: Seen) -> bytes:
        if seen.path == "/page":
            return answer(body=b"<p>9</p>", content_type=b"text/html")
        return answer(body=b'{"up": 9, "name": "x"}') if seen.path in ("/stats", "/other") else whole(seen)

    with ReplayTarget(answerer) as target, replaying(tmp_path, found.exchanges) as bench:
        report = verified(bench, target, RunOptions())
        rows = {row.path: row.result.value for row in bench.replays.store.checks(report.replay.id).items}
        assert rows == {"/items/0": "restored", "/stats": "restored", "/other": "differs", "/page": "unknown"}


def test_nothing_but_get_is_sent_and_ignored_fields_are_ignored(tmp_path: Path) -> None:
    def answerer(seen: Seen) -> bytes:
        return whole(seen) if seen.method == "PUT" else answer(body=json.dumps({"n": -1}).encode())

    with ReplayTarget(answerer) as target, replaying(tmp_path, recording(2).exchanges) as bench:
        report = verified(bench, target, RunOptions(ignore=("$.n",)))
        assert report.exit_code == 0
        assert Counter(seen.method for seen in target.seen) == {"PUT": 2, "GET": 2}
        # A run with nothing to send changes nothing that was seen.
        bench.replays.start(report.replay.id, RunOptions(retry_failed=True)).executor.run()
        assert bench.replays.store.verification(report.replay.id) is not None
