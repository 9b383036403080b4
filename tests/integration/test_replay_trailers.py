"""Trailers of requests cannot be sent by a replay; a plan says so before anything is."""

from pathlib import Path

from tests.support.captured import Recording
from tests.support.replay_target import ReplayTarget
from tests.support.replaying import replaying


def test_a_plan_says_how_many_requests_announced_trailers(tmp_path: Path) -> None:
    recording = Recording()
    for trailer in ((b"Trailer", b"X-Checksum"), (b"X-Other", b"1")):
        recording.add("PUT", "/x", b"{}", headers=((b"Transfer-Encoding", b"chunked"), trailer))
    with ReplayTarget() as target, replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(target.url)
        assert [one["text"] for one in row.plan["warnings"] if one["kind"] == "trailers"] == [
            "1 exchange announced trailers, which are not sent: their values are left out."
        ]
        bench.run(row.id)
    for seen in target.seen:
        assert (seen.header(b"trailer"), seen.header(b"transfer-encoding")) == (None, None)
        assert (seen.header(b"content-length"), seen.body) == (b"2", b"{}")
    assert len(target.seen) == 2
