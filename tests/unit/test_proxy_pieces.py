"""The small parts of the capture addon: tee, headers, faults, counts, gaps, heads that do not parse, the guard."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_proxy.counts import Counts
from entrepot_proxy.faults import describe
from entrepot_proxy.gaps import MAX_REASONS, GapBook
from entrepot_proxy.guard import guarded
from entrepot_proxy.headers import body_length, proxy_user, trace_id, wanted
from entrepot_proxy.reporter import Reporter
from entrepot_proxy.strays import parse_head
from entrepot_proxy.tee import BodyTee, TeeLimits
from entrepot_store.clock import FixedClock


class Reports:
    def __init__(self) -> None:
        self.heard: list[tuple[str, BaseException]] = []

    def __call__(self, where: str, error: BaseException) -> None:
        self.heard.append((where, error))


def make_tee(tmp_path: Path, *, memory: int = 10, most: int = 1000, room: bool = True) -> tuple[BodyTee, Reports]:
    reports = Reports()
    return BodyTee(tmp_path / "w1.aa.response", TeeLimits(memory, most), lambda _: room, reports), reports


@pytest.mark.parametrize("memory", [0, 1, 5, 9, 10, 100])
@given(chunks=st.lists(st.binary(max_size=8), max_size=8))
def test_a_tee_keeps_what_passes(tmp_path_factory: pytest.TempPathFactory, memory: int, chunks: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("tee")
    tee, reports = make_tee(folder, memory=memory)
    for chunk in chunks:
        assert tee(chunk) == chunk
    tee(b"")
    body = tee.finish()
    whole = b"".join(chunks)
    kept = (folder / body.file).read_bytes() if body.file else body.data
    assert kept == whole
    assert body.size == len(whole)
    assert not body.truncated
    assert (body.file is not None) == (len(whole) > memory)
    assert reports.heard == []


def test_a_tee_keeps_what_came_and_passes_on_what_another_addon_makes_of_it(tmp_path: Path) -> None:
    tee = BodyTee(
        tmp_path / "w1.aa.response", TeeLimits(10, 1000), lambda _: True, Reports(), lambda chunk: [chunk.upper()]
    )
    assert [tee(b"abc"), tee(b"")] == [[b"ABC"], [b""]]
    body = tee.finish()
    assert (body.data, body.truncated) == (b"abc", False)


def test_a_body_behind_a_head_is_no_header() -> None:
    assert parse_head(b"\r\nPUT / HTTP/1.1\r\nA: b\r\n\r\nToken: s3cret\r\n")[3] == ((b"A", b"b"),)


def test_a_tee_that_is_not_told_the_end_is_truncated(tmp_path: Path) -> None:
    tee, _ = make_tee(tmp_path)
    tee(b"part")
    body = tee.finish()
    assert body.truncated
    assert body.data == b"part"
    assert not tee.cut or body.size == 4
    assert tee(b"late") == b"late", "what comes later passes and is not kept"


def test_a_tee_ends_at_its_bound_and_traffic_does_not(tmp_path: Path) -> None:
    tee, reports = make_tee(tmp_path, most=25)
    for _ in range(10):
        assert tee(b"0123456789") == b"0123456789"
    tee(b"")
    assert tee.cut
    body = tee.finish()
    assert body.truncated
    assert body.size == 25
    assert (tmp_path / str(body.file)).read_bytes() == b"0123456789012345678901234"
    assert reports.heard == []


def test_a_tee_never_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tee, reports = make_tee(tmp_path)
    tee(b"0123456789ab")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        assert tee(b"more") == b"more"
    assert tee(b"and more") == b"and more"
    assert len(reports.heard) == 1
    body = tee.finish()
    assert body.truncated
    assert (tmp_path / str(body.file)).read_bytes() == b"0123456789ab"


def test_a_tee_without_room_keeps_what_it_has(tmp_path: Path) -> None:
    tee, reports = make_tee(tmp_path, room=False)
    tee(b"12345")
    assert tee(b"6789012345") == b"6789012345"
    assert len(reports.heard) == 1
    body = tee.finish()
    assert body.truncated
    assert body.data == b"12345"


def test_a_discarded_tee_leaves_no_file(tmp_path: Path) -> None:
    tee, _ = make_tee(tmp_path)
    tee(b"0" * 100)
    assert list(tmp_path.iterdir()) != []
    tee.discard()
    assert list(tmp_path.iterdir()) == []
    finished, _ = make_tee(tmp_path)
    finished(b"0" * 100)
    finished.finish()
    finished.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        (((b"Content-Length", b"12"),), 12),
        (((b"content-length", b"0"),), 0),
        ((), None),
        (((b"Content-Length", b"+1"),), None),
        (((b"Content-Length", b"1" * 40),), None),
        (((b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")), None),
    ],
)
def test_announced_lengths(headers: tuple[tuple[bytes, bytes], ...], length: int | None) -> None:
    assert body_length(wanted(headers)) == length


@pytest.mark.parametrize(
    ("value", "user"),
    [
        (b"Basic YmlsbGluZzo=", "billing"),
        (b"basic  YmlsbGluZzpwdw==", "billing"),
        (b"Bearer YmlsbGluZzo=", None),
        (b"Basic !!!", None),
        (b"Basic YmlsbGluZw==", None),
        (b"", None),
        (None, None),
    ],
)
def test_user_of_proxy_credentials(value: bytes | None, user: str | None) -> None:
    assert proxy_user(value) == user


@pytest.mark.parametrize(
    ("value", "trace"),
    [
        (b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736"),
        (b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later", "4bf92f3577b34da6a3ce929d0e0e4736"),
        (b"00-00000000000000000000000000000000-00f067aa0ba902b7-01", None),
        (b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", None),
        (b"\xff", None),
    ],
)
def test_trace_ids(value: bytes, trace: str | None) -> None:
    assert trace_id(value) == trace


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("[Errno 111] Connect call failed ('127.0.0.1', 9001)", "refused: "),
        (
            "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed",
            "refused: ",
        ),
        ("[Errno 110] Connect call failed ('10.0.0.1', 9001)", "timed out: "),
        ("[Errno -2] Name or service not known", "unknown host: "),
        ("[Errno 113] No route to host", "unreachable: "),
        ("Client disconnected.", "client disconnected"),
        ("server closed connection", "closed: "),
        ("stream reset by client (CANCEL)", "reset: "),
        ("unexpected server response: b'Set-Cookie: s3cret'", "malformed: "),
        ("HTTP/1 protocol error: peer closed connection without sending complete message body", "malformed: "),
        ("Certificate verify failed: self-signed certificate", "tls: "),
        ("something new", "failed: "),
        ("", "failed: "),
    ],
)
def test_faults_have_a_kind(message: str, kind: str) -> None:
    assert describe(message).startswith(kind)


@given(st.text(), st.binary())
def test_faults_never_quote_the_wire_and_are_bounded(before: str, raw: bytes) -> None:
    text = describe(f"{before} {raw!r}")
    assert len(text) < 400
    assert "\x00" not in text
    text.encode()
    if len(raw) > 3 and before.isascii():
        assert repr(raw) not in text


def test_counts_balance_at_every_moment() -> None:
    counts = Counts("w1")
    for _ in range(5):
        counts.saw()
    counts.ignored()
    counts.failed()
    assert counts.entry(0).in_flight == 3
    planned = counts.entry(7, stored=1, truncated=1)
    assert (planned.stored, planned.truncated, planned.in_flight, planned.at) == (1, 1, 1, 7)
    assert planned.balanced
    counts.kept(1, 1)
    assert counts.entry(7) == planned


def test_gaps_of_one_reason_are_one_gap_and_can_be_put_back() -> None:
    clock = FixedClock()
    book = GapBook("w1", clock)
    assert not book
    book.note("disk full", 2)
    clock.advance(3)
    book.note("disk full", 1, since=5)
    book.note("queue full")
    gaps = book.take()
    assert not book
    assert [(gap.reason, gap.missing) for gap in gaps] == [("disk full", 3), ("queue full", 1)]
    assert (gaps[0].since, gaps[0].until) == (5, clock.now())
    book.put_back(gaps)
    clock.advance(1)
    again = book.take()
    assert [gap.since for gap in again] == [gap.since for gap in gaps]
    assert [gap.missing for gap in again] == [3, 1]


def test_gap_reasons_are_bounded() -> None:
    book = GapBook("w1", FixedClock())
    for number in range(MAX_REASONS * 3):
        book.note(f"reason {number}")
    gaps = book.take()
    assert len(gaps) == MAX_REASONS + 1
    assert sum(gap.missing for gap in gaps) == MAX_REASONS * 3


@given(st.binary())
def test_any_head_is_parsed_somehow(head: bytes) -> None:
    method, _, version, headers = parse_head(head)
    assert method == b"" or method.isalpha()
    assert version.startswith("HTTP/")
    assert all(name for name, _ in headers)


def test_what_can_be_told_of_a_malformed_head() -> None:
    head = b"GET /a b HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer x\r\nnonsense\r\n: nameless\r\n folded\r\nX-Cut"
    assert parse_head(head) == (b"GET", b"/a", "HTTP/1.1", ((b"Host", b"o"), (b"Authorization", b"Bearer x")))


def test_a_failing_hook_is_heard_of_and_returns_nothing() -> None:
    class Addon:
        def __init__(self) -> None:
            self.heard: list[tuple[str, object, str]] = []

        @guarded
        def request(self, flow: str) -> str:
            if flow == "bad":
                raise KeyError("gone")
            return flow

        def hook_failed(self, hook: str, subject: object, error: Exception) -> None:
            self.heard.append((hook, subject, repr(error)))

    addon = Addon()
    assert addon.request("good") == "good"
    assert addon.request("bad") is None
    assert addon.heard == [("request", "bad", "KeyError('gone')")]


def test_errors_are_logged_once_per_kind_and_all_are_told(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    report = Reporter(told.append)
    for number in range(3):
        report("response", ValueError(number))
    report("request", ValueError("other"))
    assert len(told) == 4
    assert [record.exc_info is not None for record in caplog.records] == [True, True]
