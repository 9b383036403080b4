"""Targets behind TLS: HTTP/1.1 and HTTP/2, certificates that hold and that do not, and answers nobody can read."""

import os
import socket
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from entrepot_replay.errors import ALL_IDENTICAL
from entrepot_replay.options import RunOptions
from entrepot_store.catalog.replays import ReplayState, StepCounts, Verdict
from tests.support.captured import Recording
from tests.support.proxy_origins import (
    Certificate,
    Origin,
    answering,
    h2_origin,
    json_answer,
    make_certificate,
    serving,
)
from tests.support.replaying import replaying

OCTETS = (b"Content-Type", b"application/octet-stream")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def two_writes() -> Recording:
    recording = Recording()
    for index in range(2):
        recording.add("POST", f"/v1/{index}", b"{}", answer=b'{"ok": true}')
    return recording


def trusting(certificate: Certificate) -> RunOptions:
    return RunOptions(tls_ca=str(certificate.file))


def test_http_1_over_tls(tmp_path: Path, certificate: Certificate) -> None:
    with (
        serving(answering(json_answer(), json_answer()), certificate.context()) as origin,
        replaying(tmp_path, two_writes().exchanges) as bench,
    ):
        report = bench.run(bench.plan(f"https://localhost:{origin.port}").id, trusting(certificate))
        assert report.exit_code == ALL_IDENTICAL


def test_http_2_where_the_target_offers_it(tmp_path: Path, certificate: Certificate) -> None:
    recording = Recording()
    bodies = [b"x" * 10, os.urandom(3 * 1024 * 1024), b""]
    for index, body in enumerate(bodies):
        headers = (OCTETS, (b"X-Case", b"1"), (b"x-twice", b"a"), (b"X-Twice", b"b"), (b"Connection", b"keep-alive"))
        answer = b"echo:" + body
        recording.add("POST", f"/h2/{index}", body, headers=headers, answer=answer, answer_headers=(OCTETS,))
    with (
        serving(h2_origin, certificate.context("h2")) as origin,
        replaying(tmp_path, recording.exchanges) as bench,
    ):
        report = bench.run(bench.plan(f"https://localhost:{origin.port}").id, trusting(certificate))
        assert report.exit_code == ALL_IDENTICAL, report.steps
        lines = origin.requests[0].split(b"\n")
        assert lines[:4] == [
            *(b":method: POST", b":authority: localhost:%d" % origin.port, b":scheme: https", b":path: /h2/0")
        ]
        assert lines[4:8] == [*(b"content-type: application/octet-stream", b"x-case: 1", b"x-twice: a", b"x-twice: b")]
        assert not any(line.startswith(b"connection") for line in lines)


def test_a_certificate_nobody_vouches_for_stops_the_run_before_anything_is_sent(
    tmp_path: Path, certificate: Certificate
) -> None:
    with (
        serving(answering(json_answer(), json_answer()), certificate.context()) as origin,
        replaying(tmp_path, two_writes().exchanges) as bench,
    ):
        row = bench.plan(f"https://localhost:{origin.port}")
        report = bench.run(row.id)
        assert report.replay.state is ReplayState.STOPPED
        assert "certificate verify failed" in report.replay.reason
        assert report.counts == StepCounts(failed=1, pending=1)
        assert origin.requests == []
        assert bench.run(row.id, RunOptions(tls_verify=False)).exit_code == ALL_IDENTICAL


def test_tls_to_a_server_that_speaks_none(tmp_path: Path) -> None:
    with (
        serving(answering(json_answer())) as origin,
        replaying(tmp_path, two_writes().exchanges) as bench,
    ):
        report = bench.run(bench.plan(f"https://localhost:{origin.port}").id, RunOptions(wait_for_target=0.2))
        assert report.replay.state is ReplayState.STOPPED
        assert report.counts.failed == 1


@pytest.mark.parametrize("body", [b"{}", b""])
def test_an_answer_that_breaks_the_protocol_leaves_the_outcome_unknown(
    tmp_path: Path, certificate: Certificate, body: bytes
) -> None:
    """The request left: it must not count as one that never did, or the next run would send it again unmarked."""

    def breaking(connection: socket.socket, origin: Origin) -> None:
        conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        conn.initiate_connection()
        connection.sendall(conn.data_to_send())
        while data := connection.recv(65536):
            for event in conn.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    origin.requests.append(b"")
                if isinstance(event, h2.events.StreamEnded):
                    # DATA on a stream whose headers never came: RFC 9113 calls this a connection error.
                    connection.sendall(b"\x00\x00\x01\x00\x00" + event.stream_id.to_bytes(4) + b"x")
            connection.sendall(conn.data_to_send())

    recording = Recording()
    recording.add("POST", "/v1/x", body)
    with (
        serving(breaking, certificate.context("h2")) as origin,
        replaying(tmp_path, recording.exchanges) as bench,
    ):
        row = bench.plan(f"https://localhost:{origin.port}")
        for _ in range(2):
            bench.run(row.id, trusting(certificate))
        (step,) = bench.steps(row.id)
        assert (step.verdict, step.sent, step.unknown_attempts) == (Verdict.UNKNOWN, True, 1), step
        assert len(origin.requests) == 1
