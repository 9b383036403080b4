"""What counts as the same request: secrets, queries, bodies, media types, codings."""

from collections.abc import Sequence
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_replay.simulate import Asked, Content, choose, relocated
from entrepot_replay.simulate.asked import fields_of
from entrepot_replay.simulate.likeness import Likeness, fields_likeness, likeness
from entrepot_replay.simulate.payload import Match, Payload, compare
from entrepot_replay.simulate.progress import Progress
from entrepot_replay.simulate.variants import quality
from entrepot_store.content import Limits, undo_stream
from entrepot_store.jsonpaths import compile_path
from entrepot_store.redact import reference_for

KEY, OTHER = bytes(32), bytes(31) + b"\1"


def secret(value: bytes) -> bytes:
    return reference_for(KEY, "token", value)


@pytest.mark.parametrize(
    ("recorded", "asked", "expected"),
    [
        (b"abc", b"abc", Likeness.SAME),
        (b"abc", b"abd", Likeness.NONE),
        (b"Bearer " + secret(b"s3"), b"Bearer s3", Likeness.SAME),
        (b"Bearer " + secret(b"s3"), b"Bearer s4", Likeness.POSSIBLE),
        (b"Bearer " + secret(b"s3"), b"Basic s3", Likeness.NONE),
        (b"Bearer " + secret(b"s3"), b"Bearer ", Likeness.NONE),
        (b"a=" + secret(b"1") + b"; b=" + secret(b"2"), b"a=1; b=2", Likeness.SAME),
        (b"a=" + secret(b"1") + b"; b=" + secret(b"2"), b"a=1; b=3", Likeness.POSSIBLE),
        (b"a=" + secret(b"1") + b"; b=" + secret(b"2"), b"a=1; c=2", Likeness.NONE),
        (b"a=" + secret(b"1") + b";", b"a=1", Likeness.NONE),
    ],
)
def test_references_stand_for_secrets(recorded: bytes, asked: bytes, expected: Likeness) -> None:
    assert likeness(recorded, asked, KEY) is expected
    without = min(expected, Likeness.POSSIBLE) if b"{{" in recorded else expected
    assert likeness(recorded, asked, None) is without
    assert likeness(recorded, asked, OTHER) is without


@given(st.lists(st.binary(max_size=5), min_size=2, max_size=4), st.lists(st.binary(min_size=1, max_size=5), min_size=3))
def test_whatever_was_redacted_is_possible_again(literals: list[bytes], values: list[bytes]) -> None:
    recorded, asked = literals[0], literals[0]
    for literal, value in zip(literals[1:], values, strict=False):
        recorded += secret(value) + b"|" + literal
        asked += value + b"|" + literal
    if all(b"|" not in value for value in values):
        assert likeness(recorded, asked, None) is not Likeness.NONE


def test_hostile_references_take_linear_time() -> None:
    recorded = b"".join(b"a" + secret(b"%d" % number) for number in range(500)) + b"b"
    assert likeness(recorded, b"a" * 200_000, None) is Likeness.NONE


@pytest.mark.parametrize(
    ("recorded", "asked", "same"),
    [
        ("a=1&b=2", "b=2&a=1", True),
        ("a=1&a=2", "a=2&a=1", False),  # the order of one field's values may mean something
        ("q=a+b", "q=a%20b", True),
        ("a", "a=", True),
        ("a=1", "a=1&b=2", False),
        ("a=1&_=17", "_=99&a=1", True),
        ("q=%C3%BC", "q=ü", True),
    ],
)
def test_queries(recorded: str, asked: str, same: bool) -> None:
    ignored = frozenset({b"_"})
    found = fields_likeness(fields_of(recorded, ignored), fields_of(asked, ignored), None)
    assert bool(found) is same


@pytest.mark.parametrize(
    ("sent", "spelled"),
    [("/a b", "/a%20b"), ("/a%2fb", "/a%2Fb"), ("/%7Eme", "/~me"), ("/ü", "/%C3%BC"), ("/a/b:c@d", "/a/b:c@d")],
)
def test_paths_are_found_in_another_spelling(sent: str, spelled: str) -> None:
    asked = Asked.of("GET", sent.encode(), ())
    assert asked.paths[0] == sent
    assert asked.paths[-1] == spelled


JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("media_type", "recorded", "asked", "expected"),
    [
        (JSON, b'{"a":1,"b":[2]}', b'{"b": [2.0], "a": 1}', (Match.EQUIVALENT, "")),
        (JSON, b'{"a":1,"nonce":"x"}', b'{"a":1,"nonce":"y"}', (Match.SIGNIFICANT, "")),
        (JSON, b'{"a":1,"request_id":"x"}', b'{"a":1}', (Match.SIGNIFICANT, "")),
        (JSON, b'{"a":1,"sentAt":"x"}', b'{"a":2,"sentAt":"y"}', (Match.DIFFERENT, "$.a")),
        (JSON, b'{"a":{"b":[1,2]}}', b'{"a":{"b":[1,3]}}', (Match.DIFFERENT, "$.a.b[1]")),
        (JSON, b'{"a":[1]}', b'{"a":[1,2]}', (Match.DIFFERENT, "$.a.length")),
        (JSON, b'{"a":1}', b'{"a":true}', (Match.DIFFERENT, "$.a")),
        (JSON, b'{"a":1}', b'{"a":1,"b":2}', (Match.DIFFERENT, "$.b")),
        (JSON, b'{"mine":1,"a":1}', b'{"mine":2,"a":1}', (Match.SIGNIFICANT, "")),
        (JSON, b'{"card":"%s"}' % secret(b"4111"), b'{"card":"4111"}', (Match.SIGNIFICANT, "")),
        (JSON, b'{"card":"%s"}' % secret(b"4111"), b'{"card":4111}', (Match.SIGNIFICANT, "")),
        (JSON, b'{"starts_at":"2026-01-01T00:00:00Z"}', b'{"starts_at":"2027-01-01T00:00:00Z"}', (0, "$.starts_at")),
        (JSON, b"{", b"}", (Match.DIFFERENT, "its bytes, which are no JSON")),
        (FORM, b"a=1&b=2", b"b=2&a=1", (Match.EQUIVALENT, "")),
        (FORM, b"a=1&nonce=2", b"a=1&nonce=3", (Match.SIGNIFICANT, "")),
        (FORM, b"a=1&b=2", b"a=1&b=3", (Match.DIFFERENT, "b")),
        (FORM, b"a=1", b"a=1&b=3", (Match.DIFFERENT, "b")),
        ("text/csv", b"a,b", b"a,c", (Match.DIFFERENT, "its bytes")),
    ],
)
def test_bodies(media_type: str, recorded: bytes, asked: bytes, expected: tuple[Match, str]) -> None:
    ignore = [compile_path("$.mine")]
    assert compare(Payload(media_type, recorded), Payload(media_type, asked), ignore, None) == expected


def test_multipart_bodies_but_for_the_boundary() -> None:
    def body(boundary: str, value: bytes) -> Payload:
        mark = boundary.encode()
        part = b"--%s\r\nContent-Disposition: form-data; name=x\r\n\r\n%s\r\n--%s--\r\n" % (mark, value, mark)
        return Payload(f'multipart/form-data; boundary="{boundary}"', part)

    assert compare(body("one", b"v"), body("another", b"v"), (), None)[0] is Match.EQUIVALENT
    assert compare(body("one", b"v"), body("another", b"w"), (), None)[0] is Match.DIFFERENT


@pytest.mark.parametrize(
    ("accept", "media_type", "expected"),
    [
        (None, "text/csv", 1.0),
        (b"", "text/csv", 1.0),
        (b"*/*", "text/csv", 1.0),
        (b"application/json", "application/json; charset=utf-8", 1.0),
        (b"application/json", "text/csv", 0.0),
        (b"text/*;q=0.5, */*;q=0.1", "text/csv", 0.5),
        (b"text/csv;q=0, */*", "text/csv", 0.0),
        (b"application/json; Q=0.3", "application/json", 0.3),
    ],
)
def test_accept(accept: bytes | None, media_type: str, expected: float) -> None:
    assert quality(accept, media_type) == expected


def content(size: int = 3, codings: Sequence[str] = (), recorded: Sequence[str] = ()) -> Content:
    return Content(size, lambda: BytesIO(b"abc"), tuple(codings), tuple(recorded))


@pytest.mark.parametrize(
    ("recorded", "accept", "plain", "sent"),
    [
        ((), b"gzip", False, ()),
        (("gzip",), b"gzip, br", False, ("gzip",)),
        (("gzip",), b"br;q=1, *;q=0.1", False, ("gzip",)),
        (("gzip",), b"gzip;q=0, *", False, ()),
        (("gzip",), b"br", False, ()),
        (("gzip",), None, False, ()),
        (("gzip",), b"gzip", True, ()),
        (("strange",), b"strange", False, ()),
    ],
)
def test_codings_that_storage_undid(
    recorded: Sequence[str], accept: bytes | None, plain: bool, sent: Sequence[str]
) -> None:
    coding = choose(content(recorded=recorded), accept, plain=plain)
    assert coding.sent == sent
    assert coding.as_stored is (not sent)
    if sent:
        wire = b"".join(coding.convert([b"ab", b"c"]))
        assert b"".join(undo_stream([wire], sent, Limits())) == b"abc"


def test_what_is_stored_under_its_coding_is_undone_for_those_who_do_not_take_it() -> None:
    kept = content(codings=["gzip"], recorded=["gzip"])
    assert choose(kept, b"gzip", plain=True).as_stored
    assert choose(kept, b"gzip", plain=True).sent == ("gzip",)
    undone = choose(kept, b"identity", plain=False)
    assert (undone.sent, undone.undo, undone.size) == ((), ("gzip",), None)


def test_addresses_lead_to_the_simulation() -> None:
    headers = (
        (b"Location", b"https://Orders.internal/jobs/9"),
        (b"Link", b'<https://orders.internal/o?page=2>; rel="next", <https://orders.internal.evil/>; rel="x"'),
        (b"X-Home", b"https://orders.internal/"),
    )
    assert relocated(headers, "https://orders.internal", b"127.0.0.1:1") == (
        (b"Location", b"http://127.0.0.1:1/jobs/9"),
        (b"Link", b'<http://127.0.0.1:1/o?page=2>; rel="next", <https://orders.internal.evil/>; rel="x"'),
        (b"X-Home", b"https://orders.internal/"),
    )
    assert relocated(headers, "https://orders.internal", None) == headers
    assert relocated(((b"Location", b"/x"),), "http://a", b"a") == ((b"Location", b"/x"),)


def test_progress_repeats_the_last_and_forgets_the_longest_unused() -> None:
    progress = Progress()
    assert [progress.turn("a", 3) for _ in range(5)] == [0, 1, 2, 2, 2]
    for number in range(10_000):
        progress.turn(number, 2)
    assert progress.turn("a", 3) == 0
