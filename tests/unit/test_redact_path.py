"""Paths and URLs: named query fields and userinfo are hidden, everything else stays as the client wrote it."""

from urllib.parse import parse_qsl, quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.redact import Redactor, reference_for

KEY = bytes(range(32))
redactor = Redactor(KEY, frozenset(), frozenset({"token", "Api Key"}))
secrets = st.from_regex(rb"[A-Z][A-Z+/_.-]{8,30}[A-Z]", fullmatch=True)


def ref(label: str, secret: bytes) -> bytes:
    return reference_for(KEY, label, secret)


fields = st.tuples(
    st.sampled_from(["token", "TOKEN", "t%6Fken", "api key", "api+key", "Api%20Key", "other", "tokens", ""]), secrets
)


@given(st.lists(fields, max_size=6))
def test_order_case_and_duplicates_stay(query: list[tuple[str, bytes]]) -> None:
    secret = {"token": "token", "TOKEN": "token", "t%6Fken": "token"}
    secret |= dict.fromkeys(["api key", "api+key", "Api%20Key"], "api key")
    written = b"/p?" + b"&".join(name.encode() + b"=" + quote_from_bytes(value).encode() for name, value in query)
    expected = b"/p?" + b"&".join(
        name.encode() + b"=" + (ref(secret[name], value) if name in secret else quote_from_bytes(value).encode())
        for name, value in query
    )
    assert redactor.path(written) == expected


@given(st.binary(max_size=20), st.sampled_from([b"?", b"&", b"#", b";"]), secrets, st.binary(max_size=20))
def test_a_secret_never_comes_out(before: bytes, separator: bytes, secret: bytes, after: bytes) -> None:
    assert secret not in redactor.path(b"/p?" + before + separator + b"token=" + secret + after)


@given(st.lists(st.tuples(st.sampled_from(["token", "other"]), st.text(min_size=1, max_size=8)), max_size=5))
def test_a_query_parser_finds_the_same_fields(query: list[tuple[str, str]]) -> None:
    written = "&".join(f"{name}={quote_from_bytes(value.encode())}" for name, value in query)
    redacted = redactor.path(b"/p?" + written.encode()).partition(b"?")[2].decode()
    expected = [(name, ref(name, value.encode()).decode() if name == "token" else value) for name, value in query]
    assert parse_qsl(redacted, keep_blank_values=True) == expected


@pytest.mark.parametrize(
    "path",
    [b"", b"/", b"/p", b"/p?", b"/p?token", b"/p?token=", b"/token=x", b"/p?other=token", b"*", b"/a@b", b"//a@b"],
)
def test_nothing_to_redact_is_the_same_object(path: bytes) -> None:
    plain = Redactor(KEY, frozenset())
    assert (redactor.path(path) is path) == (path != b"//a@b")
    assert (plain.path(path) is path) == (path != b"//a@b")


@pytest.mark.parametrize(
    ("written", "redacted"),
    [
        (b"http://user:pw@host/", b"http://%s@host/" % ref("userinfo", b"user:pw")),
        (b"http://user:p@w@host/a@b", b"http://%s@host/a@b" % ref("userinfo", b"user:p@w")),
        (b"/go?to=http://u:p@h/", b"/go?to=http://%s@h/" % ref("userinfo", b"u:p")),
        (b"/p?token=a%2Bb", b"/p?token=%s" % ref("token", b"a+b")),
        (b"/p?x=1#token=abc", b"/p?x=1#token=%s" % ref("token", b"abc")),
        (b"/p?x=1?token=abc", b"/p?x=1?token=%s" % ref("token", b"abc")),
        (b"/p?token=abc#rest", b"/p?token=%s" % ref("token", b"abc#rest")),
        (b"/p?\xfftoken=abc&token=\xff", b"/p?\xfftoken=abc&token=%s" % ref("token", b"\xff")),
    ],
)
def test_examples(written: bytes, redacted: bytes) -> None:
    assert redactor.path(written) == redacted


def test_an_authority() -> None:
    assert redactor.authority(b"u:p@ss@h:1") == ref("userinfo", b"u:p@ss") + b"@h:1"
    plain = b"h:1"
    assert redactor.authority(plain) is plain
