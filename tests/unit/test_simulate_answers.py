"""What a simulation answers out of what was captured, and what it does not."""

from dataclasses import replace
from pathlib import Path

import pytest

from entrepot_replay.simulate import Answer, Missed, Options, Sequence, captures
from entrepot_store.errors import BadInput, Damaged, NotFound
from entrepot_store.model import Action, Body, Headers
from entrepot_store.redact import reference_for
from tests.support.captured import START, Recording
from tests.support.simulating import JSON, simulated

KEY = bytes(32)
CSV = (b"Content-Type", b"text/csv")


def at(number: int) -> int:
    """When the `number`th exchange of a recording happened."""
    return START + number * 100_000


def test_a_read_is_answered_as_of_the_moment(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("GET", "/a", answer=b"1")  # 0
    recording.add("GET", "/b", answer=b"other")
    recording.add("GET", "/a", answer=b"2")  # 2
    recording.add("GET", "/a", status=503, answer=b"down")
    recording.add("GET", "/a", answer=b"3", error="reset", answer_truncated=True)
    with simulated(tmp_path, recording.exchanges) as asking:
        assert asking.hit("GET", "/a") == (200, b"2")
        assert asking.hit("GET", "/a") == (200, b"2")  # as of a moment, however often
        assert asking.hit("GET", "/a", at=at(1)) == (200, b"1")
        assert asking.hit("GET", "/a", at=0) == (200, b"1")  # RFC 7089: before the first, the first
        assert asking.hit("HEAD", "/a")[0] == 200


def test_what_a_write_left_behind_is_read_where_no_read_followed(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("GET", "/a", answer=b'{"v":1}')  # 0
    recording.add("PUT", "/a", b'{"v":2}', status=204, answer=b"", answer_headers=((b"ETag", b'"two"'),))  # 1
    recording.add("PUT", "/a", b'{"v":3}', answer=b'{"v":3,"id":"a"}')  # 2
    recording.add("PATCH", "/a", b'{"v":4}', answer=b'{"v":4,"id":"a"}')  # 3
    recording.add("PUT", "/a", b"nonsense", status=400)  # 4
    recording.add("DELETE", "/a", status=204, answer=b"")  # 5
    recording.add("POST", "/list", b'{"n":1}', status=201, answer=b'{"id":"x","n":1}')  # 6
    with simulated(tmp_path, recording.exchanges) as asking:
        states = [asking.hit("GET", "/a", at=at(number)) for number in range(6)]
        assert states == [
            (200, b'{"v":1}'),
            (200, b'{"v":2}'),
            (200, b'{"v":3,"id":"a"}'),
            (200, b'{"v":4,"id":"a"}'),
            (200, b'{"v":4,"id":"a"}'),
            (404, b""),
        ]
        left = asking.ask("GET", "/a", at=at(1))
        assert isinstance(left, Answer)
        assert left.header(b"etag") == b'"two"'
        assert left.made == "left by the PUT at 2025-11-22T08:26:40.100000Z"
        assert asking.hit("GET", "/list/x") == (200, b'{"id":"x","n":1}')


def test_a_change_without_an_outcome_leaves_no_state(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("GET", "/a", answer=b'{"v":1}')
    recording.add("PATCH", "/a", b'{"v":2}', status=204, answer=b"")
    recording.add("GET", "/b", answer=b'{"v":1}')
    recording.add("PUT", "/b", b'{"v":', truncated=True)
    with simulated(tmp_path, recording.exchanges) as asking:
        assert "the outcome was not shown" in asking.whys("GET", "/a")[0]
        assert "not all of that was captured" in asking.whys("GET", "/b")[0]
        assert asking.hit("GET", "/a", at=at(0)) == (200, b'{"v":1}')


def test_documents_know_more(tmp_path: Path) -> None:
    """A patch is applied to the version before, where a rule protects the document."""
    recording = Recording()
    patch = ((b"Content-Type", b"application/merge-patch+json"),)
    recording.add("PUT", "/a", b'{"v":1,"w":1}', status=204, answer=b"", action=Action.PROTECT)
    recording.add("PATCH", "/a", b'{"v":2}', status=204, answer=b"", headers=patch, action=Action.PROTECT)
    with simulated(tmp_path, recording.exchanges) as asking:
        assert asking.hit("GET", "/a", at=at(0)) == (200, b'{"v":1,"w":1}')
        assert asking.hit("GET", "/a") == (200, b'{"v":2,"w":1}')


def test_gone_is_said_in_the_products_own_words(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("PUT", "/a", b"{}")
    recording.add("DELETE", "/a", status=204, answer=b"")
    recording.add("GET", "/a", status=404, answer=b"no such a", answer_headers=((b"Content-Type", b"text/plain"),))
    recording.add("PUT", "/a", b"{}")
    accept = ((b"Accept", b"application/json"),)
    with simulated(tmp_path, recording.exchanges) as asking:
        assert asking.hit("GET", "/a", at=at(1)) == (404, b"no such a")
        assert asking.hit("GET", "/a", at=at(2), headers=accept) == (404, b"no such a")


def test_queries_choose(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("GET", "/a?x=1&y=2", answer=b"12")
    recording.add("GET", "/a?x=2", answer=b"2")
    recording.add("GET", b"/a?q=%C3%BC&token=" + reference_for(KEY, "token", b"s"), answer=b"ue")
    options = Options(ignored_query=frozenset({b"_"}))
    with simulated(tmp_path, recording.exchanges, options=options, key=KEY) as asking:
        assert asking.hit("GET", "/a?y=2&x=1") == (200, b"12")
        assert asking.hit("GET", "/a?x=2&_=123") == (200, b"2")
        assert asking.hit("GET", "/a?token=another&q=ü") == (200, b"ue")
        assert asking.whys("GET", "/a") == [
            f"its query is q=%C3%BC&token={reference_for(KEY, 'token', b's').decode()}",
            "its query is x=2",
            "its query is x=1&y=2",
        ]


def test_accept_and_vary_choose(tmp_path: Path) -> None:
    recording = Recording()
    german = ((b"Accept-Language", b"de"),)
    varying = (JSON, (b"Vary", b"Accept-Language, Accept-Encoding, Origin"))
    recording.add("GET", "/a", answer=b"{}")
    recording.add("GET", "/a", answer=b"a,b", answer_headers=(CSV,))
    recording.add("GET", "/l", answer=b'"hallo"', headers=german, answer_headers=varying)
    with simulated(tmp_path, recording.exchanges) as asking:
        assert asking.hit("GET", "/a", headers=((b"Accept", b"application/json"),)) == (200, b"{}")
        assert asking.hit("GET", "/a", headers=((b"Accept", b"application/json;q=0.1, text/*"),)) == (200, b"a,b")
        assert asking.hit("GET", "/a", headers=()) == (200, b"a,b")  # the newest
        assert asking.whys("GET", "/a", headers=((b"Accept", b"image/png"),)) == [
            "it was answered with text/csv, and Accept asks for image/png",
            "it was answered with application/json, and Accept asks for image/png",
        ]
        assert asking.hit("GET", "/l", headers=(*german, (b"Origin", b"http://elsewhere"))) == (200, b'"hallo"')
        assert asking.whys("GET", "/l", headers=()) == [
            "its answer varies by accept-language, which was de and is absent"
        ]


def test_private_answers_go_to_whose_they_are(tmp_path: Path) -> None:
    def of(token: bytes) -> Headers:
        return ((b"Authorization", b"Bearer " + reference_for(KEY, "authorization", token)),)

    private = (JSON, (b"Cache-Control", b"private"))
    recording = Recording()
    recording.add("GET", "/me", headers=of(b"ada"), answer=b'"ada"', answer_headers=private)
    recording.add("GET", "/me", headers=of(b"bob"), answer=b'"bob"', answer_headers=private)
    recording.add("GET", "/shared", headers=of(b"ada"), answer=b"1")
    recording.add("GET", "/shared", headers=of(b"bob"), answer=b"2")
    with simulated(tmp_path, recording.exchanges, key=KEY) as asking:
        ada = ((b"Authorization", b"Bearer ada"),)
        assert asking.hit("GET", "/me", headers=ada) == (200, b'"ada"')
        assert asking.hit("GET", "/me", headers=((b"Authorization", b"Bearer bob"),)) == (200, b'"bob"')
        assert asking.hit("GET", "/me", headers=((b"Authorization", b"Bearer new"),)) == (200, b'"bob"')
        assert asking.hit("GET", "/shared", headers=ada) == (200, b"2")


def test_repeated_writes_are_answered_in_recorded_order(tmp_path: Path) -> None:
    recording = Recording()
    for number in range(1, 4):
        recording.add("POST", "/orders", b'{"sku":"A"}', status=201, answer=b'{"id":%d}' % number)
    recording.add("POST", "/orders", b'{"sku":"B"}', status=503, answer=b"down")
    recording.add("POST", "/orders", b'{"sku":"B"}', status=201, answer=b'{"id":9}')
    recording.add("POST", "/orders", b'{"sku":"C"}', status=429, answer=b"slow")
    with simulated(tmp_path, recording.exchanges) as asking:
        answers = [asking.hit("POST", "/orders", b'{ "sku": "A" }')[1] for _ in range(4)]
        assert answers == [b'{"id":1}', b'{"id":2}', b'{"id":3}', b'{"id":3}']
        assert asking.hit("POST", "/orders", b'{"sku":"B"}') == (201, b'{"id":9}')
        assert asking.hit("POST", "/orders", b'{"sku":"C"}') == (429, b"slow")
        assert asking.whys("POST", "/orders", b'{"sku":"D"}') == ["its body differs in $.sku"]


def test_the_best_match_of_a_body_wins(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("POST", "/orders", b'{"sku":"A","nonce":"1"}', answer=b"one")
    recording.add("POST", "/orders", b'{"sku":"A","nonce":"2"}', answer=b"two")
    recording.add("PUT", "/etag", b"{}", headers=(JSON, (b"If-Match", b'"1"')), answer=b"matched")
    recording.add("PUT", "/etag", b"{}", headers=(JSON, (b"If-Match", b'"2"')), status=412, answer=b"changed")
    with simulated(tmp_path, recording.exchanges) as asking:
        assert asking.hit("POST", "/orders", b'{"nonce":"1","sku":"A"}') == (200, b"one")
        assert [asking.hit("POST", "/orders", b'{"sku":"A","nonce":"3"}')[1] for _ in range(2)] == [b"one", b"two"]
        assert asking.hit("PUT", "/etag", b"{}", headers=(JSON, (b"If-Match", b'"2"'))) == (412, b"changed")
        assert asking.hit("PUT", "/etag", b"{}", headers=(JSON, (b"If-Match", b'"1"'))) == (200, b"matched")


def test_old_captures_of_a_hot_path_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captures, "_READ", 3)
    recording = Recording()
    reference = reference_for(KEY, "token", b"s")
    recording.add("GET", b"/a?n=secret&token=" + reference, answer=b"secret")
    recording.add("PUT", "/a?n=put", b"put", status=204, answer=b"")
    for number in range(20):
        recording.add("GET", f"/a?n={number}", answer=b"%d" % number)
        recording.add("POST", "/a", b'{"n":%d}' % number, answer=b"%d" % number)
    with simulated(tmp_path, recording.exchanges) as asking:
        for number in (0, 7, 19):
            assert asking.hit("GET", f"/a?n={number}") == (200, b"%d" % number)
            assert asking.hit("POST", "/a", b'{"n":%d}' % number) == (200, b"%d" % number)
            assert asking.hit("POST", "/a", b'{"n": %d}' % number) == (200, b"%d" % number)
        assert asking.hit("GET", "/a?n=put") == (200, b"put")
        assert asking.hit("GET", "/a?n=secret&token=s") == (200, b"secret")
        assert asking.hit("GET", "/a?n=7", at=at(17)) == (200, b"7")
        assert asking.whys("POST", "/a", b'{"n":20}')[0] == "its body differs in $.n"


def test_a_header_that_names_the_operation_counts(tmp_path: Path) -> None:
    recording = Recording()
    for name in (b"Describe", b"Delete"):
        recording.add("POST", "/", b'{"t":1}', headers=(JSON, (b"X-Amz-Target", name)), answer=name)
    with simulated(tmp_path, recording.exchanges) as asking:
        assert asking.hit("POST", "/", b'{"t":1}', headers=(JSON, (b"x-amz-target", b"Describe"))) == (200, b"Describe")
        assert asking.whys("POST", "/", b'{"t":1}') == ["its x-amz-target is Delete", "its x-amz-target is Describe"]


def jobs() -> Recording:
    recording = Recording()
    there = (JSON, (b"Location", b"/jobs/9"))
    recording.add("POST", "/jobs", b'{"kind":"export"}', status=202, answer=b'{"id":9}', answer_headers=there)
    for state in (b"pending", b"pending", b"running", b"done"):
        recording.add("GET", "/jobs/9", answer=state)
    return recording


def test_what_a_write_made_goes_through_its_states(tmp_path: Path) -> None:
    with simulated(tmp_path, jobs().exchanges) as asking:
        assert asking.hit("GET", "/jobs/9") == (200, b"done")  # nobody wrote: the last state
        assert asking.hit("POST", "/jobs", b'{"kind":"export"}')[0] == 202
        states = [asking.hit("GET", "/jobs/9")[1] for _ in range(4)]
        assert states == [b"pending", b"running", b"done", b"done"]
        assert asking.hit("GET", "/jobs/9", at=at(1)) == (
            200,
            b"pending",
        )  # a dated read changes nothing, nor is changed
        assert asking.hit("POST", "/jobs", b'{"kind":"export"}')[0] == 202
        assert asking.hit("GET", "/jobs/9") == (200, b"done")


@pytest.mark.parametrize(
    ("sequence", "before", "after"),
    [
        (Sequence.ALL, [b"pending", b"running", b"done", b"done"], [b"pending", b"running"]),
        (Sequence.NONE, [b"done", b"done", b"done", b"done"], [b"done", b"done"]),
    ],
)
def test_other_sequences(tmp_path: Path, sequence: Sequence, before: list[bytes], after: list[bytes]) -> None:
    with simulated(tmp_path, jobs().exchanges, options=Options(sequence)) as asking:
        assert [asking.hit("GET", "/jobs/9")[1] for _ in range(4)] == before
        asking.hit("POST", "/jobs", b'{"kind":"export"}')
        assert [asking.hit("GET", "/jobs/9")[1] for _ in range(2)] == after


def test_a_write_is_read_back_until_the_next_write(tmp_path: Path) -> None:
    recording = Recording()
    for version in (b'{"v":1}', b'{"v":2}', b'{"v":3}'):
        recording.add("PUT", "/a", version, status=204, answer=b"")
    recording.add("DELETE", "/a", status=204, answer=b"")
    recording.add("PUT", "/a", b'{"v":4}', status=204, answer=b"")
    with simulated(tmp_path, recording.exchanges) as asking:
        assert asking.hit("GET", "/a") == (200, b'{"v":4}')
        assert asking.hit("PUT", "/a", b'{"v": 2}')[0] == 204
        assert asking.hit("GET", "/a") == (200, b'{"v":2}')
        assert asking.hit("DELETE", "/a", headers=())[0] == 204
        assert asking.hit("GET", "/a")[0] == 404
        assert asking.whys("PUT", "/a", b'{"v":5}')[0] == "its body differs in $.v"
        assert asking.hit("GET", "/a")[0] == 404  # what was not answered was not done


def test_what_is_not_whole_is_not_served(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("GET", "/cut", answer_truncated=True)
    recording.add("GET", "/broken", error="the connection was reset")
    recording.add("GET", "/silent", status=None)
    recording.add("GET", "/part", status=206, headers=((b"Range", b"bytes=0-1"),), answer=b"ab")
    recording.add("GET", "/same", status=304, headers=((b"If-None-Match", b'"1"'),), answer=b"")
    recording.add("GET", "/ws", status=101, answer=b"")
    recording.add("HEAD", "/head", answer=b"", answer_headers=((b"Content-Length", b"77"),))
    withheld = recording.add("GET", "/withheld", answer=b"")
    assert withheld.response is not None
    withheld.response = replace(withheld.response, body=Body(b"", truncated=True, withheld="it is not valid JSON"))
    with simulated(tmp_path, recording.exchanges) as asking:
        why = {
            path: asking.whys("GET", path)[0] for path in ("/cut", "/broken", "/silent", "/withheld", "/ws", "/head")
        }
        assert why == {
            "/cut": "its answer was cut off by a bound of the capture",
            "/broken": "its answer is incomplete: the connection was reset",
            "/silent": "no answer was recorded: the connection was refused",
            "/withheld": "its answer was withheld by redaction: it is not valid JSON",
            "/ws": "it is a WebSocket, of which only messages were recorded",
            "/head": "it is a HEAD, whose answer has no body",
        }
        assert asking.whys("GET", "/part") == ["it was answered with a part, bytes=0-1"]
        assert asking.hit("GET", "/part", headers=((b"Range", b"bytes=0-1"),)) == (206, b"ab")
        assert asking.whys("GET", "/same") == ["it was answered 304 to a client that had the content"]
        assert asking.hit("GET", "/same", headers=((b"If-None-Match", b'"1"'),)) == (304, b"")
        head = asking.ask("HEAD", "/head")
        assert isinstance(head, Answer)
        assert head.header(b"content-length") == b"77"


def test_an_erased_answer_is_not_served(tmp_path: Path) -> None:
    from entrepot_store.catalog.retention import ErasedRow, ErasureRow
    from entrepot_store.model import uuid7

    recording = Recording()
    exchange = recording.add("GET", "/a", answer=b"private")
    with simulated(tmp_path, recording.exchanges) as asking:
        assert asking.hit("GET", "/a") == (200, b"private")
        erasure = ErasureRow(uuid7(START), START, "ada", "a request")
        rows = [ErasedRow(exchange.id, erasure.id, request=False, response=True)]
        retention = asking.simulation.archive.catalog.retention
        retention.plan_erasure(erasure, rows)
        retention.mark_erased(rows)
        assert asking.whys("GET", "/a") == ["its answer was erased"]


def test_secrets_and_the_connections_headers_are_left_out(tmp_path: Path) -> None:
    recording = Recording()
    reference = reference_for(KEY, "cookie", b"s")
    headers = (
        *(JSON, (b"Set-Cookie", b"session=" + reference), (b"Set-Cookie", b"theme=dark"), (b"X-Token", reference)),
        *((b"Connection", b"close, X-Hop"), (b"X-Hop", b"1"), (b"Transfer-Encoding", b"chunked"), (b"Age", b"7")),
        *((b"Date", b"Sat, 22 Nov 2025 08:26:40 GMT"), (b"Keep-Alive", b"1"), (b"X-Bad", b"a\r\nX-Injected: 1")),
        *((b"x-Case", b"1"), (b"Link", b"</next>; rel=next"), (b"Content-Length", b"99"), (b"X bad", b"1")),
    )
    recording.add("GET", "/a", answer=b'{"token":"%s"}' % reference, answer_headers=headers)
    with simulated(tmp_path, recording.exchanges) as asking:
        answer = asking.ask("GET", "/a")
        assert isinstance(answer, Answer)
        kept = (JSON, (b"Set-Cookie", b"theme=dark"), (b"x-Case", b"1"), (b"Link", b"</next>; rel=next"))
        assert answer.headers == kept
        assert answer.left_out == ("Set-Cookie", "X-Token")
        assert answer.secrets


def test_a_miss_names_what_is_near(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("GET", "/orders/8/items", answer=b"[]")
    recording.add("DELETE", "/orders/9/items", status=204)
    recording.add("GET", "/late", answer=b"late")
    with simulated(tmp_path, recording.exchanges, at=at(1)) as asking:
        missed = asking.ask("GET", "/orders/7/items")
        assert isinstance(missed, Missed)
        assert missed.why == "GET /orders/7/items was not captured by 2025-11-22T08:26:40.100000Z."
        assert [near.row.path for near in missed.near] == ["/orders/8/items", "/orders/9/items"]
        assert asking.whys("POST", "/orders/8/items", b"{}") == ["it is a GET"]
        (late,) = asking.whys("GET", "/late")
        assert late == "it came at 2025-11-22T08:26:40.200000Z, after the moment that is asked for"
        assert asking.whys("GET", "/{a}/**/*") == []
        below = asking.ask("GET", "/orders")
        assert isinstance(below, Missed)
        assert [near.row.path for near in below.near] == ["/orders/8/items", "/orders/9/items"]


def test_the_window_is_refused_where_nothing_is_in_it(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("GET", "/a")
    with simulated(tmp_path, recording.exchanges, at=START - 1) as asking:
        with pytest.raises(BadInput, match=r"the first exchange is of 2025-11-22T08:26:40.000000Z"):
            asking.simulation.window()
        asking.simulation.destination = "nobody"
        with pytest.raises(NotFound, match="Captured are: orders"):
            asking.simulation.window()


def test_damage_is_no_answer(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("GET", "/a", answer=b"x" * 1000)
    with simulated(tmp_path, recording.exchanges) as asking:
        (segment,) = (tmp_path / "vault").rglob("*.warc.zst")
        data = bytearray(segment.read_bytes())
        row = asking.simulation.archive.catalog.exchange(recording.exchanges[0].id)
        assert row.response is not None
        data[row.response.offset + row.response.length - 3] ^= 0xFF
        segment.chmod(0o600)
        segment.write_bytes(data)
        with pytest.raises(Damaged):
            asking.ask("GET", "/a")
