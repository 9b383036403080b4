"""Plans that are run against a real HTTP server: what arrives there, byte by byte, and what is said of it."""

import gzip
import os
import socket
from hashlib import sha256
from pathlib import Path
from threading import Timer

import pytest

from entrepot_replay.credentials import Credentials, CredentialSource
from entrepot_replay.errors import (
    ALL_IDENTICAL,
    DIFFERENCES,
    FAILURES,
    STOPPED_EARLY,
    TargetUnreachable,
)
from entrepot_replay.options import RunOptions
from entrepot_store.catalog.replays import ReplayState, StepCounts, StepState, Verdict, Wanted
from entrepot_store.errors import BadInput, Busy, NotFound
from entrepot_store.model import Gap
from entrepot_store.redact import reference_for
from tests.support.captured import START, Recording
from tests.support.replay_target import ReplayTarget, Seen, answer
from tests.support.replaying import replaying

JSON = (b"Content-Type", b"application/json")
SECRET = reference_for(bytes(32), "authorization", b"x")


def writes(number: int) -> Recording:
    recording = Recording()
    for index in range(number):
        recording.add("PUT" if index % 2 else "POST", f"/v1/items/{index}", b'{"n": %d}' % index)
    return recording


def unused_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


def test_everything_recorded_arrives_in_order_and_is_identical(tmp_path: Path) -> None:
    with ReplayTarget() as target, replaying(tmp_path, writes(20).exchanges) as bench:
        report = bench.run(bench.plan(target.url).id)
        assert report.exit_code == ALL_IDENTICAL
        assert report.counts == StepCounts(identical=20)
        assert report.replay.state is ReplayState.FINISHED
        assert [seen.path for seen in target.seen] == [f"/v1/items/{index}" for index in range(20)]
        assert [seen.body for seen in target.seen] == [b'{"n": %d}' % index for index in range(20)]
        keys = [seen.header(b"Idempotency-Key") for seen in target.seen]
        assert len(set(keys)) == 20


def test_nothing_is_sent_by_planning(tmp_path: Path) -> None:
    with ReplayTarget() as target, replaying(tmp_path, writes(3).exchanges) as bench:
        row = bench.plan(target.url)
        assert row.state is ReplayState.PLANNED
        assert row.plan["steps"] == 3
        assert (target.connections, target.seen) == (0, [])


def test_header_bytes_arrive_as_recorded(tmp_path: Path) -> None:
    recording = Recording()
    headers = (
        *((b"X-b", b"1"), (b"x-A", b"2"), (b"X-B", b"3"), (b"COOKIE", b"a=b"), (b"cookie", b"c=d")),
        *((b"x-latin", b"caf\xe9"), (b"Connection", b"close, X-Hop"), (b"X-Hop", b"1"), (b"Expect", b"100-continue")),
        *((b"CONTENT-length", b"2"), (b"If-Match", b'"7"')),
    )
    recording.add("PATCH", b"/a%20b/%ff?x=%C3%A9&&y", b"{}", headers=headers)
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        report = bench.run(bench.plan(target.url).id)
        assert report.exit_code == ALL_IDENTICAL
        lines = target.seen[0].head.split(b"\r\n")
        assert lines[:-2] == [
            b"PATCH /a%20b/%ff?x=%C3%A9&&y HTTP/1.1",
            b"Host: 127.0.0.1:%d" % target.port,
            *(b"X-b: 1", b"x-A: 2", b"X-B: 3", b"COOKIE: a=b", b"cookie: c=d", b"x-latin: caf\xe9", b'If-Match: "7"'),
        ]
        assert lines[-2] == b"CONTENT-length: 2"
        assert lines[-1].startswith(b"Idempotency-Key: ")


def test_paths_that_are_no_text_are_read_from_the_segment(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("PUT", b"/caf\xc3\xa9/\xff\\x41", b"{}")
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        bench.run(bench.plan(target.url).id)
        assert target.seen[0].path == "/caf%C3%A9/%FF\\x41"


def test_a_coded_body_arrives_coded(tmp_path: Path) -> None:
    recording = Recording()
    body = b'{"text": "%s"}' % (b"long " * 1000)
    headers = (JSON, (b"Content-Encoding", b"gzip"))
    recording.add("PUT", "/v1/x", gzip.compress(body), headers=headers)
    large = os.urandom(3 * 1024 * 1024)
    recording.add("PUT", "/v1/y", gzip.compress(large), headers=headers)
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        assert bench.run(bench.plan(target.url).id).exit_code == ALL_IDENTICAL
        for seen, expected in zip(target.seen, (body, large), strict=True):
            assert seen.header(b"Content-Encoding") == b"gzip"
            assert gzip.decompress(seen.body) == expected


def test_long_bodies_are_streamed(tmp_path: Path) -> None:
    recording = Recording()
    body = os.urandom(20 * 1024 * 1024)
    recording.add("PUT", "/v1/blob", body, headers=((b"Content-Type", b"application/octet-stream"),))
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        assert bench.run(bench.plan(target.url).id).exit_code == ALL_IDENTICAL
        assert sha256(target.seen[0].body).digest() == sha256(body).digest()


def test_a_coded_answer_is_compared_by_its_content(tmp_path: Path) -> None:
    recording = Recording()
    headers = (JSON, (b"Content-Encoding", b"gzip"))
    recording.add("PUT", "/v1/x", b"{}", answer=gzip.compress(b'{"a": 1}', 9), answer_headers=headers)

    def answerer(seen: Seen) -> bytes:
        return answer(200, gzip.compress(b'{"a":  1}', 1), extra=b"Content-Encoding: gzip\r\n")

    with ReplayTarget(answerer) as target, replaying(tmp_path, recording.exchanges) as bench:
        assert bench.run(bench.plan(target.url).id).exit_code == ALL_IDENTICAL


def test_chunked_answers_and_redirects(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("POST", "/v1/x", b"{}", status=303, answer=b"", answer_headers=((b"Location", b"/v1/x/1"),))
    recording.add("POST", "/v1/y", b"{}", answer=b'{"a": 1}')

    def answerer(seen: Seen) -> bytes:
        if seen.path == "/v1/x":
            return b"HTTP/1.1 303 See Other\r\nLocation: /v1/x/1\r\nContent-Length: 0\r\n\r\n"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        return head + b'4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n'

    with ReplayTarget(answerer) as target, replaying(tmp_path, recording.exchanges) as bench:
        assert bench.run(bench.plan(target.url).id).exit_code == ALL_IDENTICAL
        assert len(target.seen) == 2  # the redirect was not followed


def test_differences_and_failures_lead_the_report(tmp_path: Path) -> None:
    recording = Recording()
    for index in range(4):
        recording.add("POST", f"/v1/{index}", b"{}", status=201, answer=b'{"id": %d}' % index)

    def answerer(seen: Seen) -> bytes:
        index = int(seen.path.rpartition("/")[2])
        return answer(409, b'{"error": "taken"}') if index == 2 else answer(201, b'{"id": %d}' % (index % 3))

    with ReplayTarget(answerer) as target, replaying(tmp_path, recording.exchanges) as bench:
        report = bench.run(bench.plan(target.url).id)
        assert report.exit_code == FAILURES
        assert [(step.seq, step.verdict) for step in report.steps] == [(2, Verdict.FAILED), (3, Verdict.DIFFERENT)]
        assert [one.where for one in report.steps[1].differences] == ["$.id"]


def test_only_differences(tmp_path: Path) -> None:
    with ReplayTarget(lambda seen: answer(201)) as target, replaying(tmp_path, writes(2).exchanges) as bench:
        assert bench.run(bench.plan(target.url).id).exit_code == DIFFERENCES


def test_a_recording_that_lacks_something_is_never_all_identical(tmp_path: Path) -> None:
    recording = writes(2)
    recording.add("POST", "/v1/lost", status=None)
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(target.url)
        assert row.plan["lost"] == {"no answer was recorded": 1}
        report = bench.run(row.id)
        assert report.counts == StepCounts(identical=2, skipped=1)
        assert report.exit_code == FAILURES
        assert report.lost == 1


def test_what_is_missing_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    recording = writes(2)
    recording.add("PUT", "/v1/cut", b"{", truncated=True)
    recording.add("PUT", "/v1/half", b"{}", answer_truncated=True)
    recording.add("PUT", "/v1/secret", b"{}", headers=((b"Authorization", SECRET),))
    gaps = [Gap("w1", START, START + 1_000_000, 7, "the disk was full"), Gap("w1", 0, 1, 0, "long ago")]
    with replaying(tmp_path, recording.exchanges, gaps) as bench:
        row = bench.plan("http://127.0.0.1:1", since=START)
        assert [warning["kind"] for warning in row.plan["warnings"]] == ["gap", "lost", "incomplete", "secret"]
        assert "7 captures: the disk was full" in row.plan["warnings"][0]["text"]
        assert [len(bench.plan("http://127.0.0.1:1").plan["warnings"])] == [5]


def test_the_captured_host_is_refused(tmp_path: Path) -> None:
    recording = Recording(server_address="127.0.0.1:9001")
    recording.add("PUT", "/v1/x", b"{}")
    with replaying(tmp_path, recording.exchanges) as bench:
        for url in ("http://orders.internal", "http://127.0.0.1:9001", "http://localhost:9001/v2"):
            with pytest.raises(BadInput, match="was captured from"):
                bench.plan(url)
        assert bench.replays.store.replays().items == []
        assert bench.plan("http://orders.internal", allow_captured_host=True).plan["steps"] == 1


def test_nothing_captured_and_nothing_selected(tmp_path: Path) -> None:
    recording = Recording(destination="other")
    recording.add("PUT", "/v1/x", b"{}")
    with replaying(tmp_path, recording.exchanges) as bench, pytest.raises(NotFound, match="'orders' was captured"):
        bench.plan("http://127.0.0.1:1")
    with replaying(tmp_path / "2", writes(2).exchanges) as bench:
        row = bench.plan("http://127.0.0.1:1", path="/nowhere")
        assert row.plan["warnings"] == [{"kind": "empty", "text": "There is nothing to send."}]
        with pytest.raises(BadInput, match="no step"):
            bench.run(row.id)


def test_secrets_must_be_given_or_waived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording()
    recording.add("PUT", "/v1/x", b"{}", headers=((b"Authorization", b"Bearer " + SECRET), (b"X-Other", b"1")))
    monkeypatch.setenv("TOKEN", "s3cret-value")
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(target.url)
        with pytest.raises(BadInput, match=r"authorization:[0-9a-f]{32} \(1 steps\)"):
            bench.run(row.id)
        assert target.seen == []
        assert bench.replays.store.get(row.id).state is ReplayState.PLANNED
        given = Credentials([CredentialSource.parse("authorization=env:TOKEN")])
        assert bench.run(row.id, credentials=given).exit_code == ALL_IDENTICAL
        assert target.seen[0].header(b"Authorization") == b"Bearer s3cret-value"
        bench.run(bench.plan(target.url).id, RunOptions(without_credentials=True))
        assert target.seen[1].header(b"Authorization") is None
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"s3cret-value" not in file.read_bytes(), file


def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    with replaying(tmp_path, writes(2).exchanges) as bench:
        row = bench.plan(f"http://127.0.0.1:{unused_port()}")
        with pytest.raises(TargetUnreachable, match="takes no connections: Connection refused"):
            bench.run(row.id)
        assert bench.replays.store.get(row.id).state is ReplayState.PLANNED


def test_a_target_that_goes_away_stops_the_run_and_resuming_goes_on(tmp_path: Path) -> None:
    port = 0

    def one_answer_per_connection(seen: Seen) -> bytes:
        return answer(extra=b"Connection: close\r\n")

    with replaying(tmp_path, writes(6).exchanges) as bench:
        with ReplayTarget(one_answer_per_connection) as target:
            port = target.port
            row = bench.plan(target.url, options=RunOptions(wait_for_target=0.3))
            run = bench.replays.start(row.id)
            sent = 0

            def end_target_after_three() -> None:
                nonlocal sent
                sent += 1
                if sent == 3:
                    target.stop()

            run.executor.observe(end_target_after_three)
            ended = run.executor.run()
        assert ended.state is ReplayState.STOPPED
        assert "takes no connections" in ended.reason
        counts = bench.replays.store.counts(row.id)
        assert counts == StepCounts(identical=3, failed=1, pending=2)
        with ReplayTarget(port=port) as target:
            report = bench.run(row.id)
            assert report.exit_code == ALL_IDENTICAL
            assert [seen.path for seen in target.seen] == [f"/v1/items/{index}" for index in (3, 4, 5)]


def test_a_target_that_returns_in_time_is_waited_for(tmp_path: Path) -> None:
    with replaying(tmp_path, writes(4).exchanges) as bench:
        with ReplayTarget(lambda seen: answer(extra=b"Connection: close\r\n")) as first:
            row = bench.plan(first.url, options=RunOptions(wait_for_target=20))
            run = bench.replays.start(row.id)
            second = ReplayTarget(port=first.port)
            timer = Timer(0.4, second.start)

            def swap() -> None:
                if run.executor.progress.done == 2 and not timer.is_alive() and not timer.finished.is_set():
                    first.stop()
                    timer.start()

            run.executor.observe(swap)
            try:
                ended = run.executor.run()
            finally:
                timer.join()
                second.stop()
        assert ended.state is ReplayState.FINISHED
        assert bench.replays.store.counts(row.id) == StepCounts(identical=4)
        assert [seen.path for seen in second.seen] == ["/v1/items/2", "/v1/items/3"]


@pytest.mark.parametrize(("retry", "sent"), [(False, [1, 3]), (True, [3, 3])])
def test_an_answer_that_never_came_is_unknown_and_only_idempotent_steps_go_again(
    tmp_path: Path, retry: bool, sent: list[int]
) -> None:
    recording = Recording()
    recording.add("POST", "/v1/post", b"{}")
    recording.add("PUT", "/v1/put", b"{}")
    recording.add("PUT", "/v1/fine", b"{}")

    def answerer(seen: Seen) -> bytes | None:
        return answer() if seen.path == "/v1/fine" else None

    with ReplayTarget(answerer) as target, replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(target.url)
        report = bench.run(row.id, RunOptions(retry_unknown=retry))
        assert report.exit_code == FAILURES
        post, put, fine = bench.steps(row.id)
        assert [post.attempts, put.attempts] == sent
        assert [post.unknown_attempts, put.unknown_attempts] == sent
        assert (post.verdict, put.verdict, fine.verdict) == (Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.IDENTICAL)
        assert "without sending a response" in post.reason
        for path in ("/v1/post", "/v1/put"):  # every attempt under the same key
            assert len({seen.header(b"Idempotency-Key") for seen in target.seen if seen.path == path}) == 1


def test_an_answer_that_takes_too_long_is_unknown(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("POST", "/v1/slow", b"{}")
    with socket.create_server(("127.0.0.1", 0)) as silent, replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(f"http://127.0.0.1:{silent.getsockname()[1]}", options=RunOptions(timeout=0.2))
        report = bench.run(row.id)
        assert report.steps[0].reason == "no answer in time"
        assert report.steps[0].verdict is Verdict.UNKNOWN


def test_a_server_that_does_not_speak_http(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("POST", "/v1/x", b"{}")
    with (
        ReplayTarget(lambda seen: b"220 mail.example ESMTP\r\n\r\n") as target,
        replaying(tmp_path, recording.exchanges) as bench,
    ):
        report = bench.run(bench.plan(target.url).id)
        assert report.steps[0].verdict is Verdict.UNKNOWN
        assert "illegal status line" in report.steps[0].reason


def test_a_request_that_cannot_be_put_on_the_wire_fails_without_being_sent(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("PUT", "/v1/x", b"{}", headers=((b"X Odd", b"1"),))
    recording.add("PUT", "/v1/y", b"{}")
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        report = bench.run(bench.plan(target.url).id)
        assert report.counts == StepCounts(failed=1, identical=1)
        assert "cannot be put on the wire" in report.steps[0].reason
        assert not report.steps[0].sent
        assert [seen.path for seen in target.seen] == ["/v1/y"]


def test_stop_rule(tmp_path: Path) -> None:
    with ReplayTarget(lambda seen: answer(500)) as target, replaying(tmp_path, writes(9).exchanges) as bench:
        report = bench.run(bench.plan(target.url).id, RunOptions(max_failures=3))
        assert report.exit_code == STOPPED_EARLY
        assert report.counts == StepCounts(failed=3, pending=6)
        assert "--max-failures is 3" in report.replay.reason


def test_failed_steps_go_again_only_when_asked(tmp_path: Path) -> None:
    healthy = False
    with (
        ReplayTarget(lambda seen: answer(200 if healthy else 500)) as target,
        replaying(tmp_path, writes(3).exchanges) as bench,
    ):
        row = bench.plan(target.url)
        assert bench.run(row.id).counts == StepCounts(failed=3)
        healthy = True
        assert bench.run(row.id).counts == StepCounts(failed=3)
        assert bench.run(row.id, RunOptions(retry_failed=True)).exit_code == ALL_IDENTICAL
        assert [step.attempts for step in bench.steps(row.id)] == [2, 2, 2]


def test_pausing_from_elsewhere_and_resuming(tmp_path: Path) -> None:
    with ReplayTarget() as target, replaying(tmp_path, writes(6).exchanges) as bench:
        row = bench.plan(target.url)
        run = bench.replays.start(row.id)
        with pytest.raises(Busy):
            bench.replays.start(row.id)

        def pause_after_two() -> None:
            if run.executor.progress.done == 2:
                bench.replays.store.ask(row.id, Wanted.PAUSE)

        run.executor.observe(pause_after_two)
        assert run.executor.run().state is ReplayState.PAUSED
        assert len(target.seen) == 2
        assert bench.run(row.id).exit_code == ALL_IDENTICAL
        assert len(target.seen) == 6


def test_cancelling_is_for_good(tmp_path: Path) -> None:
    with ReplayTarget() as target, replaying(tmp_path, writes(6).exchanges) as bench:
        row = bench.plan(target.url)
        run = bench.replays.start(row.id)
        run.executor.observe(lambda: bench.replays.store.ask(row.id, Wanted.CANCEL) and None)
        assert run.executor.run().state is ReplayState.CANCELLED
        assert len(target.seen) == 1
        with pytest.raises(BadInput, match="was cancelled"):
            bench.run(row.id)


def test_a_rate_is_kept(tmp_path: Path) -> None:
    import time

    with ReplayTarget() as target, replaying(tmp_path, writes(6).exchanges) as bench:
        began = time.monotonic()
        assert bench.run(bench.plan(target.url).id, RunOptions(rate=20)).exit_code == ALL_IDENTICAL
        assert time.monotonic() - began >= 4 / 20


def test_a_connection_is_kept_alive(tmp_path: Path) -> None:
    with ReplayTarget() as target, replaying(tmp_path, writes(10).exchanges) as bench:
        bench.run(bench.plan(target.url).id)
        assert target.connections == 2  # the look whether it is there, and the run


def test_deletes_are_sent_when_allowed(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("DELETE", "/v1/x", headers=(), status=204, answer=b"", answer_headers=())
    no_content = b"HTTP/1.1 204 No Content\r\n\r\n"
    with ReplayTarget(lambda seen: no_content) as target, replaying(tmp_path, recording.exchanges) as bench:
        refused = bench.plan(target.url)
        assert refused.plan["skips"] == {"DELETE is not allowed without --allow-delete": 1}
        step = bench.steps(refused.id)[0]
        assert (step.state, step.verdict) == (StepState.SKIPPED, Verdict.SKIPPED)
        assert bench.run(bench.plan(target.url, allow_delete=True).id).exit_code == ALL_IDENTICAL


def test_an_exchange_that_left_the_catalog_fails_by_name(tmp_path: Path) -> None:
    with ReplayTarget() as target, replaying(tmp_path, writes(2).exchanges) as bench:
        row = bench.plan(target.url)
        bench.archive.catalog.clear_index()
        report = bench.run(row.id)
        assert report.counts == StepCounts(failed=2)
        assert report.steps[0].reason == "the exchange is no longer in the catalog"


def test_a_damaged_segment_fails_the_step_and_sends_nothing(tmp_path: Path) -> None:
    with ReplayTarget() as target, replaying(tmp_path, writes(2).exchanges) as bench:
        row = bench.plan(target.url)
        (segment,) = [file for file in (tmp_path / "vault").rglob("*.zst") if file.is_file()]
        content = bytearray(segment.read_bytes())
        place = bench.archive.catalog.exchange(bench.steps(row.id)[0].exchange).request
        content[place.offset + place.length // 2] ^= 0xFF
        segment.chmod(0o600)
        segment.write_bytes(bytes(content))
        report = bench.run(row.id)
        assert report.counts == StepCounts(failed=1, identical=1)
        assert "is damaged" in report.steps[0].reason
        assert len(target.seen) == 1
