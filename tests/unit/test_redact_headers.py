"""Headers: secrets never come out, equal ones stay equal, and everything else stays where it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.model import Headers
from entrepot_store.redact import Redactor, find_references, reference_for

KEY = bytes(range(32))
NAMES = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
redactor = Redactor(KEY, NAMES)

# Upper-case letters occur in no reference, so that a secret which is still there is seen.
secrets = st.from_regex(rb"[A-Z][A-Z+/_.-]{8,30}[A-Z]", fullmatch=True)
tokens = st.from_regex(rb"[a-z][a-z0-9_-]{0,12}", fullmatch=True)
anything = st.binary(max_size=30)


def one(name: bytes, value: bytes, by: Redactor = redactor) -> bytes:
    ((found, redacted),) = by.headers(((name, value),))
    assert found == name
    return redacted


def ref(label: str, secret: bytes) -> bytes:
    return reference_for(KEY, label, secret)


@given(st.sampled_from(sorted(NAMES)), anything, secrets, anything)
def test_a_secret_never_comes_out(name: str, before: bytes, secret: bytes, after: bytes) -> None:
    value = before + b" sid=" + secret + after if "cookie" in name else before + secret + after
    assert secret not in one(name.encode(), value)


@given(st.sampled_from(sorted(NAMES)), anything)
def test_any_value_at_all_is_survived(name: str, value: bytes) -> None:
    redacted = one(name.encode(), value)
    assert redacted == one(name.encode(), value)
    assert (redacted == b"") == (value == b"")


@given(st.lists(st.tuples(st.sampled_from([b"Accept", b"ACCEPT", b"X-API-key", b"x-other"]), secrets), max_size=6))
def test_order_case_and_duplicates_stay(headers: list[tuple[bytes, bytes]]) -> None:
    given_ = tuple(headers)
    redacted = redactor.headers(given_)
    assert redacted == tuple(
        (name, ref("x-api-key", value) if name.lower() == b"x-api-key" else value) for name, value in given_
    )


def test_nothing_to_redact_is_the_same_object() -> None:
    headers: Headers = ((b"Accept", b"*/*"), (b"Cookie", b""), (b"Referer", b"http://h/p?token=1"), (b"Host", b"h:1"))
    assert redactor.headers(headers) is headers
    assert redactor.headers(headers) is headers
    assert redactor.headers(()) == ()


@pytest.mark.parametrize("name", [b"Authorization", b"Proxy-Authorization"])
@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"Basic", b"Digest", b"AWS4-HMAC-SHA256", b"Token"])
def test_a_known_scheme_stays(name: bytes, scheme: bytes) -> None:
    assert one(name, scheme + b"  dG9r ZW4=") == scheme + b"  " + ref(name.decode().lower(), b"dG9r ZW4=")


@pytest.mark.parametrize("value", [b"Bearer", b"Bearer ", b"hunter2", b"Secret hunter2", b"\xff\xfe x", b"a"])
def test_what_is_no_scheme_may_be_the_secret(value: bytes) -> None:
    assert one(b"Authorization", value) == ref("authorization", value)


def test_the_same_secret_is_equal_wherever_it_is() -> None:
    places = [
        one(b"Authorization", b"Bearer abc"),
        one(b"Proxy-Authorization", b"abc"),
        one(b"X-Api-Key", b"abc"),
        one(b"Cookie", b"a=abc"),
        Redactor(KEY, NAMES, frozenset({"key"})).path(b"/?key=abc"),
    ]
    assert len({find_references(place)[0].digest for place in places}) == 1


def test_names_are_found_however_they_are_spelled() -> None:
    by = Redactor(KEY, frozenset({"x-api-key", "x_odd"}))
    for name in (b"X-API-KEY", b"x_api_key", b"X-Api-Key ", b"X-ODD", b"x_odd"):
        assert find_references(one(name, b"abc", by))


def test_only_the_named_headers_are_redacted() -> None:
    by = Redactor(KEY, frozenset({"x-token"}))
    headers = ((b"Authorization", b"Bearer abc"), (b"Cookie", b"a=b"), (b"X-Token", b"abc"))
    assert by.headers(headers) == (*headers[:2], (b"X-Token", ref("x-token", b"abc")))


def test_a_forged_reference_is_a_secret_like_any_other() -> None:
    """Else a client could have somebody else's secret put into its own request when that is replayed."""
    forged = ref("authorization", b"the administrator's token")
    assert one(b"Authorization", forged) == ref("authorization", forged)
    assert one(b"Authorization", b"Bearer " + forged) == b"Bearer " + ref("authorization", forged)
    assert one(b"Cookie", b"sid=" + forged) == b"sid=" + ref("cookie", forged)


@given(
    st.sampled_from(sorted(NAMES)),
    st.lists(st.sampled_from([b"Bearer ", b"a=", b"; ", b"b=", b'"', b" ", b",", b"Path=/", b"=", b"x"]) | secrets),
)
def test_importing_what_was_exported_changes_nothing(name: str, pieces: list[bytes]) -> None:
    importing = Redactor(KEY, NAMES, keep_references=True)
    captured = one(name.encode(), b"".join(pieces))
    assert one(name.encode(), captured, importing) == captured


@pytest.mark.parametrize(
    ("name", "value", "redacted"),
    [
        (b"Referer", b"http://u:p@h/x", b"http://%s@h/x" % ref("userinfo", b"u:p")),
        (b"Location", b"//u:p@s@h/x?a=b@c", b"//%s@h/x?a=b@c" % ref("userinfo", b"u:p@s")),
        (b"Location", b"/login?Token=a%2Bb&x=1", b"/login?Token=%s&x=1" % ref("token", b"a+b")),
        (b"Location", b"http://h/cb#token=abc&s=1", b"http://h/cb#token=%s&s=1" % ref("token", b"abc")),
        (
            b"Link",
            b'<http://h/?token=abc>; rel="next", <http://h/?token=abc&p=2>; rel="last"',
            b'<http://h/?token=%s>; rel="next", <http://h/?token=%s&p=2>; rel="last"' % ((ref("token", b"abc"),) * 2),
        ),
        (b"Refresh", b"5; url=http://u:p;w@h/", b"5; url=http://%s@h/" % ref("userinfo", b"u:p;w")),
        (b"Host", b"u:p@h:80", b"%s@h:80" % ref("userinfo", b"u:p")),
        (b"X-Else", b"http://u:p@h/", b"http://u:p@h/"),
    ],
)
def test_headers_that_hold_urls(name: bytes, value: bytes, redacted: bytes) -> None:
    assert one(name, value, Redactor(KEY, NAMES, frozenset({"token"}))) == redacted


def test_a_url_header_that_is_named_is_redacted_whole() -> None:
    assert one(b"Referer", b"http://h/", Redactor(KEY, frozenset({"referer"}))) == ref("referer", b"http://h/")


def test_hostile_names_and_values_do_not_fill_the_memory() -> None:
    by = Redactor(KEY, NAMES)
    for number in range(5000):
        by.headers(((b"x-%d" % number, b"1"), (b"X-Api-Key", b"%d" % number), (b"y" * 5000 + b"%d" % number, b"")))
    assert len(by._by_spelling) <= 1024
    assert one(b"X-Api-Key", b"4999", by) == ref("x-api-key", b"4999")


SIGNATURE = b"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
SCOPE = b"/20261122/us-east-1/dynamodb/aws4_request"


def signed(key: bytes, signature: bytes, separator: bytes = b", ") -> bytes:
    parts = (b"Credential=" + key + SCOPE, b"SignedHeaders=content-type;host;x-amz-date", b"Signature=" + signature)
    return b"AWS4-HMAC-SHA256 " + separator.join(parts)


@pytest.mark.parametrize("separator", [b", ", b","])
@pytest.mark.parametrize("key", [b"AKIDEXAMPLE", b"my/odd=key"])
def test_an_aws_signature_keeps_what_a_new_one_needs(key: bytes, separator: bytes) -> None:
    redacted = one(b"Authorization", signed(key, SIGNATURE, separator))
    assert redacted == signed(ref("authorization", key), ref("authorization", SIGNATURE), separator)
    importing = Redactor(KEY, NAMES, keep_references=True)
    assert one(b"Authorization", redacted, importing) == redacted
    assert one(b"Authorization", redacted) != redacted  # on the wire it is a forgery


@pytest.mark.parametrize(
    "value",
    [
        signed(b"AKID", b"tooshort"),
        signed(b"AKID", SIGNATURE) + b", Token=hunter2",
        signed(b"AKID", SIGNATURE).replace(b"us-east-1", b"Hunter2"),
        signed(b"AKID", SIGNATURE).replace(b"20261122", b"hunter2"),
        signed(b"AKID, x", SIGNATURE),
    ],
)
def test_what_is_not_quite_an_aws_signature_is_hidden_whole(value: bytes) -> None:
    scheme, _, rest = value.partition(b" ")
    assert one(b"Authorization", value) == scheme + b" " + ref("authorization", rest)


def test_the_scope_of_a_presigned_url_stays() -> None:
    by = Redactor(KEY, NAMES, frozenset({"x-amz-credential", "x-amz-signature"}))
    path = b"/b/k?X-Amz-Credential=AKID%2F20261122%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=" + SIGNATURE
    redacted = b"/b/k?X-Amz-Credential=%s/20261122/eu-west-1/s3/aws4_request&X-Amz-Signature=%s" % (
        ref("x-amz-credential", b"AKID"),
        ref("x-amz-signature", SIGNATURE),
    )
    assert by.path(path) == redacted
    importing = Redactor(KEY, NAMES, by.query_names, keep_references=True)
    assert importing.path(redacted) == redacted
    assert by.path(b"/?X-Amz-Credential=AKID") == b"/?X-Amz-Credential=" + ref("x-amz-credential", b"AKID")
