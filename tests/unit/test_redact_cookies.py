"""Cookies: values are hidden one by one, names and attributes stay, and doubt counts as a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.redact import Redactor, reference_for

KEY = bytes(range(32))
redactor = Redactor(KEY, frozenset({"cookie", "set-cookie"}))
names = st.from_regex(rb"[A-Za-z_$][A-Za-z0-9_.\[\]-]{0,20}", fullmatch=True)
values = st.from_regex(rb"[A-Za-z0-9+/_.:{},-]{1,30}={0,2}", fullmatch=True)
blanks = st.sampled_from([b"", b" ", b"\t", b"  "])
ATTRIBUTES = [
    b"Path=/",
    b"path = /a/b",
    b"Domain=.example.com",
    b"Max-Age=0",
    b"max-age=-1",
    b"Expires=Wed, 21 Oct 2015 07:28:00 GMT",
    b"expires=Wed, 21-Oct-15 07:28:00 GMT",
    b"Secure",
    b"HttpOnly",
    b"SameSite=Lax",
    b"Partitioned",
    b"Priority=High",
    b"",
]


def redact(name: bytes, value: bytes) -> bytes:
    return redactor.headers(((name, value),))[0][1]


def ref(secret: bytes) -> bytes:
    return reference_for(KEY, "cookie", secret)


@given(st.lists(st.tuples(blanks, names, blanks, values, blanks), min_size=1, max_size=5))
def test_each_cookie_value_is_hidden_and_the_rest_stays(cookies: list[tuple[bytes, ...]]) -> None:
    written = b";".join(b"%s%s=%s%s%s" % cookie for cookie in cookies)
    expected = b";".join(b"%s%s=%s%s%s" % (*cookie[:3], ref(cookie[3]), cookie[4]) for cookie in cookies)
    assert redact(b"Cookie", written) == expected


@given(names, values, st.lists(st.tuples(blanks, st.sampled_from(ATTRIBUTES)), max_size=5))
def test_set_cookie_keeps_its_attributes(name: bytes, value: bytes, attributes: list[tuple[bytes, bytes]]) -> None:
    rest = b"".join(b";%s%s" % attribute for attribute in attributes)
    assert redact(b"Set-Cookie", b"%s=%s%s" % (name, value, rest)) == b"%s=%s%s" % (name, ref(value), rest)


@given(names, values)
def test_a_cookie_is_the_same_secret_both_ways(name: bytes, value: bytes) -> None:
    assert redact(b"Set-Cookie", b"%s=%s; Path=/" % (name, value)) == b"%s; Path=/" % redact(
        b"Cookie", b"%s=%s" % (name, value)
    )


@pytest.mark.parametrize(
    ("written", "redacted"),
    [
        (b"a=1; b=2", b"a=%s; b=%s" % (ref(b"1"), ref(b"2"))),
        (b"a=1;;b=2;", b"a=%s;;b=%s;" % (ref(b"1"), ref(b"2"))),
        (b'a="x y"', b"a=%s" % ref(b'"x y"')),
        (b"a=", b"a="),
        (b"a=b=c", b"a=%s" % ref(b"b=c")),
        (b"nameless; a=1", b"%s; a=%s" % (ref(b"nameless"), ref(b"1"))),
        (b"=value", ref(b"=value")),
        (b"dG9rZW4==", ref(b"dG9rZW4==")),
        (b"bG9uZ2VyIHRva2VuIHZhbHVl=", ref(b"bG9uZ2VyIHRva2VuIHZhbHVl=")),
        (b"b\xc3\xa9=1", ref(b"b\xc3\xa9=1")),
        (b"a b=1", ref(b"a b=1")),
        (b'a="x; secret=1"', ref(b'a="x; secret=1"')),
        (b'a="', ref(b'a="')),
        (b"x" * 129 + b"=1", ref(b"x" * 129 + b"=1")),
        (b"a=1, b=2", b"a=%s" % ref(b"1, b=2")),
    ],
)
def test_cookie(written: bytes, redacted: bytes) -> None:
    assert redact(b"Cookie", written) == redacted


@pytest.mark.parametrize(
    ("written", "redacted"),
    [
        (b"a=; Max-Age=0", b"a=; Max-Age=0"),
        (b"__Secure-next-auth.session=; Max-Age=0", b"__Secure-next-auth.session=; Max-Age=0"),
        (b"a=1; Path=/, b=2; Path=/", b"a=%s; %s; Path=/" % (ref(b"1"), ref(b"Path=/, b=2"))),
        (b"a=1; HttpOnly, b=2", b"a=%s; %s" % (ref(b"1"), ref(b"HttpOnly, b=2"))),
        (b"a=1; Odd=x", b"a=%s; %s" % (ref(b"1"), ref(b"Odd=x"))),
        (b"a=1; b", b"a=%s; %s" % (ref(b"1"), ref(b"b"))),
        (b"a=1; Max-Age=soon", b"a=%s; %s" % (ref(b"1"), ref(b"Max-Age=soon"))),
        (b"a=1; Secure=x", b"a=%s; %s" % (ref(b"1"), ref(b"Secure=x"))),
        (b'a="x; b="; Path=/', ref(b'a="x; b="; Path=/')),
        (b"nameless; Path=/", b"%s; Path=/" % ref(b"nameless")),
    ],
)
def test_set_cookie(written: bytes, redacted: bytes) -> None:
    assert redact(b"Set-Cookie", written) == redacted
