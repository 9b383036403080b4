"""Secrets within bodies: found by path, field and expression; other bytes stay; what cannot be told is withheld."""

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot_store.model import Body, WebSocketMessage
from entrepot_store.redact import (
    BodyRules,
    Job,
    RedactionFailed,
    RedactionProcess,
    Result,
    redact_bodies,
    reference_for,
)
from entrepot_store.redact.body_redactor import BodyRedactor
from entrepot_store.redact.job import work
from tests.support.spooled import make_exchange

KEY = bytes(range(32))
JSON = "application/json"


def ref(label: str, value: str | bytes) -> str:
    return reference_for(KEY, label, value.encode() if isinstance(value, str) else value).decode()


def redacted(body: bytes | str, content_type: str, **rules: Any) -> str:
    """What is kept of a body; the body itself where nothing is taken out."""
    raw = body.encode() if isinstance(body, str) else body
    result = BodyRedactor(KEY, BodyRules(**rules)).body(raw, content_type)
    assert result.withheld == ""
    return (raw if result.data is None else result.data).decode()


def withheld(body: bytes | str, content_type: str, codings: tuple[str, ...] = (), **rules: Any) -> str:
    raw = body.encode() if isinstance(body, str) else body
    result = BodyRedactor(KEY, BodyRules(**rules)).body(raw, content_type, codings)
    assert result.data is None
    return result.withheld


def test_json_keeps_every_other_byte() -> None:
    before = (
        '\ufeff{ "n" : 1.10,\t"card":{"number": "4\\u0031", "cvc":007.0}, "l":[ 1e400 ,{"token":null}, {"token":""}] }'
    )
    assert withheld(before, JSON, json=("$.card",)) == "it is not valid JSON"  # 007.0
    before = before.replace("007.0", "7.0")
    expected = before.replace('"4\\u0031"', f'"{ref("number", "41")}"').replace("7.0", f'"{ref("cvc", "7.0")}"')
    assert redacted(before, JSON, json=("$.card.number", "$.card['cvc']", "$..token", "$.absent")) == expected


@pytest.mark.parametrize(
    ("paths", "before", "after"),
    [
        (("$.a", "$.a.b"), '{"a": {"b": "x"}}', f"""{{"a": "{ref("a", '{"b": "x"}')}"}}"""),
        (("$.l[*].t",), '{"l":[{"t":"x"},{"u":"x"}]}', f'{{"l":[{{"t":"{ref("t", "x")}"}},{{"u":"x"}}]}}'),
        (("$[1]",), '["x", "y"]', f'["x", "{ref("body", "y")}"]'),
        (("$",), ' "x" ', f' "{ref("body", "x")}" '),
        (
            ("$.a[?@.k==1].v",),
            '{"a":[{"k":1,"v":"x"},{"k":2,"v":"x"}]}',
            f'{{"a":[{{"k":1,"v":"{ref("v", "x")}"}},{{"k":2,"v":"x"}}]}}',
        ),
        (("$.a[-1:]",), '{"a": ["x", "y"]}', f'{{"a": ["x", "{ref("a", "y")}"]}}'),
    ],
)
def test_json_paths(paths: tuple[str, ...], before: str, after: str) -> None:
    assert redacted(before, "application/problem+json; charset=utf-8", json=paths) == after


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-16-be", "utf-32-le"])
def test_json_in_other_encodings(coding: str) -> None:
    body = '{"token": "gé", "other": "é"}'.encode(coding)
    result = BodyRedactor(KEY, BodyRules(json=("$.token",))).body(body, JSON)
    assert result.data is not None
    assert result.data.decode(coding) == f'{{"token": "{ref("token", "gé")}", "other": "é"}}'


@pytest.mark.parametrize(
    ("content_type", "before"),
    [
        ("application/x-ndjson", '{"token":"x"}\n\n{"token":"x"}\n'),
        ("text/event-stream", 'event: a\ndata: {"token":"x"}\n\ndata:not json\ndata:{"token":"x"}\r\n\r\n'),
        ("", '  {"token":"x", "b": {"token":"x"}}'),
        ("application/x-www-form-urlencoded", '[{"token":"x"},{"token":"x"}]'),
        (
            'multipart/mixed; boundary="a b"',
            '--a b\r\ncontent-type: application/json\r\n\r\n{"token":"x"}\r\n--a b\r\n\r\n{"token":"x"}\r\n--a b--',
        ),
    ],
)
def test_json_in_other_dress(content_type: str, before: str) -> None:
    expected = before.replace('"x"', f'"{ref("token", "x")}"')
    assert redacted(before, content_type, json=("$..token",)) == expected


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", "[token"),
        ("text/html", "<p>{"),
        ("application/octet-stream", b"{\xff\xfe\x00"),
        ("text/plain", "hello"),
    ],
)
def test_what_is_no_json_stays(content_type: str, body: str | bytes) -> None:
    raw = body.encode() if isinstance(body, str) else body
    assert BodyRedactor(KEY, BodyRules(json=("$..token",))).body(raw, content_type) == (
        BodyRedactor(KEY, BodyRules(json=("$..token",))).body(b"", "")
    )


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        (JSON, '{"token": "x"', "it is not valid JSON"),
        (JSON, '{"token":"x","token":"y"}', "its JSON has two members of one name"),
        (JSON, '{"a":' * 200 + "1" + "}" * 200, "its JSON is nested too deeply"),
        (JSON, "[" * 100_000, "its JSON is nested too deeply"),
        (JSON, b"\xff\xfe{", "its text is not in the encoding that it says"),
        ("text/plain", '{"token": "x"', "it is not valid JSON"),
        ("text/event-stream", 'data: {"token":\ndata: "x"}\n', "it is not valid JSON"),
        ("multipart/form-data", "--B", "its multipart boundary is not known"),
        ("multipart/form-data; boundary=B", "--B\r\n\r\nx", "its multipart body has no end"),
        ("multipart/mixed; boundary=B", "--B\r\nno end\r\n--B--", "a part of its multipart body has no end of headers"),
        (JSON, "1" * 100 + " ", "it is longer than proxy.redact_body_bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_withheld(content_type: str, body: str | bytes, reason: str) -> None:
    most = 100 if "longer" in reason else 8 * 1024 * 1024
    assert withheld(body, content_type, json=("$..token",), max_bytes=most) == reason


def test_content_codings_are_undone_within_bounds() -> None:
    body = b'{"token": "x", "filler": "%s"}' % (b"f" * 5000)
    by = BodyRedactor(KEY, BodyRules(json=("$.token",), max_bytes=10_000))
    found = by.body(gzip.compress(body), JSON, ("gzip",)).data
    assert found is not None
    assert found.startswith(b'{"token": "{{secret:token:')
    reason = "its Content-Encoding cannot be undone within proxy.redact_body_bytes"
    assert withheld(gzip.compress(b" " * 20_000), JSON, ("gzip",), json=("$.a",), max_bytes=10_000) == reason
    assert withheld(gzip.compress(body)[:-5], JSON, ("gzip",), json=("$.a",)) == reason
    assert withheld(body, JSON, ("made-up",), json=("$.a",)) == reason
    # Nothing to take out: the bytes on the wire can stay what they are.
    assert by.body(gzip.compress(b"{}"), JSON, ("gzip",)).data is None


def test_forms_keep_their_spelling() -> None:
    before = "User=a&pass%57ord=x%21+y&PASSWORD=&password=x%21%20y&q=password;password=z\r\n"
    secret = ref("password", "x! y")
    expected = before.replace("x%21+y", secret).replace("x%21%20y", secret).replace("=z", "=" + ref("password", "z"))
    assert redacted(before, "application/x-www-form-urlencoded", form=("Password",)) == expected


def test_multipart_fields_lose_their_values_only() -> None:
    part = '--B\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    before = part.format("user", "", "a") + part.format("PassWord", "", "x\r\n--not B") + part.format("empty", "", "")
    before += part.format('a\\"b', '; filename="f"', "x") + "--B--\r\n"
    expected = before.replace("x\r\n--not B", ref("password", "x\r\n--not B")).replace(
        "\r\n\r\nx\r\n", f"\r\n\r\n{ref('a_b', 'x')}\r\n"
    )
    assert redacted(before, "multipart/form-data; boundary=B", form=("password", 'a"b', "empty")) == expected
    for odd in ("; name*=utf-8''password", '; name="password"\r\nContent-Transfer-Encoding: base64'):
        body = f"--B\r\nContent-Disposition: form-data{odd}\r\n\r\nx\r\n--B--"
        assert "of its multipart body" in withheld(body, "multipart/form-data; boundary=B", form=("password",))


def test_expressions_take_out_their_groups_or_all() -> None:
    patterns = (r"tok_[a-z]+", r"pin=(?P<PIN>\d+)(?:-(\d+))?")
    before = "a tok_x, pin=12-3; é \udcff pin=4 tok_y".encode("utf-8", "surrogateescape")
    found = BodyRedactor(KEY, BodyRules(regex=patterns)).body(before, "text/plain").data
    assert found == (
        f"a {ref('regex', 'tok_x')}, pin={ref('pin', '12')}-{ref('regex', '3')}; é \udcff pin={ref('pin', '4')} "
        f"{ref('regex', 'tok_y')}"
    ).encode("utf-8", "surrogateescape")


def test_expressions_look_behind_escapes() -> None:
    pattern = ("tok/[a-z@]+",)
    for before in (r'{"a": "tok\/x", "b": 1}', r'{"a": "\u0074ok/x", "b": 1}'):
        assert json.loads(redacted(before, JSON, regex=pattern)) == {"a": ref("regex", "tok/x"), "b": 1}
    form = redacted("a=tok%2Fx%40y&b=%2F", "application/x-www-form-urlencoded", regex=pattern)
    assert form == f"a={ref('regex', 'tok/x@y')}&b=%2F"


def test_overlaps_become_one_and_paths_win() -> None:
    found = redacted("xabcdx", "text/plain", regex=("abc", "bcd"))
    assert found == f"x{ref('regex', 'abcd')}x"
    before = '{"token": "tok_a", "note": "tok_a", "other": "tok_ab"}'
    around = ('"token": ', ', "n')
    assert redacted(before, JSON, json=("$.token",), regex=("tok_a", f'{around[0]}"tok_a"{around[1]}')) == (
        f'{{{ref("regex", around[0])}"{ref("token", "tok_a")}"{ref("regex", around[1])}ote": '
        f'"{ref("regex", "tok_a")}", "other": "{ref("regex", "tok_a")}b"}}'
    )


def test_values_lose_what_expressions_find_but_not_references_of_ours() -> None:
    by = BodyRedactor(KEY, BodyRules(regex=("[0-9a-f]{32}",)))
    own, forged = ref("token", "x").encode(), b"{{secret:token:" + b"0" * 32 + b"}}"
    assert by.value(b"/a?token=x", b"/a?token=" + own) == b"/a?token=" + own
    assert by.value(b"/a?" + forged, b"/a?" + forged) == b"/a?{{secret:token:" + ref("regex", "0" * 32).encode() + b"}}"


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "token", "é"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150)
@given(documents, st.sampled_from([None, 1]), st.booleans())
def test_any_json_is_what_replacing_in_its_data_makes(data: Any, indent: int | None, ascii_only: bool) -> None:
    def hide(value: Any) -> Any:
        return value if value is None or value == "" else "#"

    def expected(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: hide(item) if key == "token" else expected(item) for key, item in value.items()}
        return [expected(item) for item in value] if isinstance(value, list) else value

    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only)
    found = json.loads(redacted(text, JSON, json=("$..token",)))
    assert _masked(found) == expected(data)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return "#" if isinstance(value, str) and value.startswith("{{secret:token:") else value


def in_process(rules: BodyRules, job: Job) -> Result:
    return work(BodyRedactor(KEY, rules), job)


def test_an_exchange_keeps_what_is_clean_and_says_what_is_missing() -> None:
    raw = make_exchange(1)
    assert raw.response is not None
    secret = b'{"token": "x"}'
    headers = (*raw.request.headers, (b"Content-MD5", b"abc"), (b"X", b"tok_x"))
    checksums = ((b"x-amz-checksum-crc32", b"AAAAAA=="), (b"x-amz-checksum-type", b"FULL_OBJECT"))
    raw = replace(
        raw,
        request=replace(raw.request, headers=headers, trailers=checksums, body=Body.of(secret), path=b"/tok_y"),
        response=replace(raw.response, body=replace(Body.of(secret), truncated=True)),
        messages=[WebSocketMessage(1, True, True, data) for data in (secret, b"tok_z", b'{"token":')],
    )
    found, reasons = redact_bodies(raw, raw, BodyRules(json=("$.token",), regex=("tok_[a-z]",)), KEY, in_process)
    assert found.response is not None
    assert reasons == ["it was cut off, and what is secret in the rest of it cannot be told"]
    assert found.response.body == Body(b"", None, 0, truncated=True, withheld=reasons[0])
    assert found.request.body.data == f'{{"token": "{ref("token", "x")}"}}'.encode()
    assert found.request.body.size == len(found.request.body.data or b"")
    assert found.request.path == b"/" + ref("regex", "tok_y").encode()
    assert found.request.headers[-2:] == (
        (b"Content-MD5", ref("content-md5", "abc").encode()),
        (b"X", ref("regex", "tok_x").encode()),
    )
    crc = ref("x-amz-checksum-crc32", "AAAAAA==").encode()
    assert found.request.trailers == ((checksums[0][0], crc), checksums[1])
    assert [message.data for message in found.messages] == [
        found.request.body.data,
        ref("regex", "tok_z").encode(),
        b'{"token":',
    ]

    found, reasons = redact_bodies(raw, raw, BodyRules(json=("$.token",)), KEY, in_process)
    assert len(found.messages) == 1
    assert found.messages_missing == 2


def test_a_process_that_dies_withholds_the_body_and_works_on() -> None:
    process = RedactionProcess(KEY, cpu_seconds=0.1)
    rules = BodyRules(json=("$.token",), regex=("(a+)+b", "tok_[a-z]+"))
    hostile = Job([(b"a" * 64, "text/plain", ())], values=[(b"/tok_x", b"/tok_x")])
    try:
        with pytest.raises(RedactionFailed, match="looking into it took too much processor time"):
            process.redact(rules, hostile)
        raw = make_exchange(1)
        headers = tuple(pair for pair in raw.request.headers if pair[0] != b"content-type")
        raw = replace(
            raw, request=replace(raw.request, path=b"/tok_x", headers=headers, body=Body.of(b"a" * 64)), response=None
        )
        found, (reason,) = redact_bodies(raw, raw, rules, KEY, process.redact)
        assert (found.request.body.data, found.request.body.withheld) == (b"", reason)
        assert found.request.path == b"/" + ref("regex", "tok_x").encode()
        result = process.redact(rules, Job([(b'{"token":"x"}', JSON, ())]))
        assert result.bodies[0].data == f'{{"token":"{ref("token", "x")}"}}'.encode()
    finally:
        process.close()
    assert process.pid is None
