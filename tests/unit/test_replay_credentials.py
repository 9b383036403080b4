"""Secrets for references: where they come from, where they go, and where they must never go."""

from pathlib import Path

import pytest

from entrepot_replay.credentials import Credentials, CredentialSource, references_of
from entrepot_store.errors import BadInput
from entrepot_store.redact import Redactor, reference_for

KEY = bytes(32)
TOKEN = reference_for(KEY, "authorization", b"s3cret")
OTHER = reference_for(KEY, "authorization", b"other")


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> Credentials:
    sources = []
    for number, (name, value) in enumerate(values.items()):
        monkeypatch.setenv(f"SECRET_{number}", value)
        sources.append(CredentialSource.parse(f"{name.replace('__', ':').replace('_', '-')}=env:SECRET_{number}"))
    return Credentials(sources)


def test_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOKEN", "from-environment")
    (tmp_path / "token").write_text("from-file\n")
    for text, expected in (
        ("Authorization=env:TOKEN", b"from-environment"),
        (f"authorization=file:{tmp_path / 'token'}", b"from-file"),
        ("authorization=cmd:printf 'from command'", b"from command"),
    ):
        assert CredentialSource.parse(text).read() == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "authorization", "authorization=s3cret", "authorization=env:", "=env:X", "a:zz=env:X"),
        *("authorization=env:NOT_THERE", "authorization=file:/not/there", "authorization=cmd:false"),
        *("authorization=cmd:/not/there", "authorization=cmd:'unbalanced", "authorization=cmd:printf 'a\\nb'"),
        "authorization=cmd:true",
    ],
)
def test_what_is_no_source_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        CredentialSource.parse(text).read()
    assert "s3cret" not in str(refused.value)


def test_a_secret_takes_the_place_of_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = given(monkeypatch, authorization="real")
    assert credentials.header(b"Authorization", b"Bearer " + TOKEN) == (b"Bearer real", [])
    assert credentials.header(b"authorization", TOKEN) == (b"real", [])


def test_a_scheme_is_not_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = given(monkeypatch, authorization="bearer real")
    assert credentials.header(b"Authorization", b"Bearer " + TOKEN) == (b"Bearer real", [])
    assert credentials.header(b"Authorization", TOKEN) == (b"bearer real", [])


def test_one_particular_secret_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = TOKEN.split(b":")[2][:32].decode()
    monkeypatch.setenv("ONE", "one")
    monkeypatch.setenv("ALL", "all")
    only = Credentials([CredentialSource.parse(f"authorization:{digest}=env:ONE")])
    assert only.header(b"Authorization", TOKEN)[0] == b"one"
    assert [missing.text for missing in only.header(b"Authorization", OTHER)[1]] == [OTHER]
    both = Credentials(
        [CredentialSource.parse("authorization=env:ALL"), CredentialSource.parse(f"authorization:{digest}=env:ONE")]
    )
    assert both.header(b"Authorization", TOKEN)[0] == b"one"
    assert both.header(b"Authorization", OTHER)[0] == b"all"


def test_a_forged_reference_is_never_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that writes a reference into a header of its choice must not get the operator's secret there."""
    credentials = given(monkeypatch, authorization="real")
    for name in (b"X-Note", b"User-Agent", b"X-Authorization"):
        assert credentials.header(name, TOKEN) == (TOKEN, [])
    assert credentials.path(b"/v1/notes?text=" + TOKEN) == (b"/v1/notes?text=" + TOKEN, [])
    assert credentials.path(b"/v1/" + TOKEN) == (b"/v1/" + TOKEN, [])
    assert references_of(((b"X-Note", TOKEN),), b"/?text=" + TOKEN) == []


def test_what_redaction_made_is_found_and_filled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor(KEY, frozenset({"authorization", "cookie", "x-api-key"}), frozenset({"api_key"}))
    original = (
        (b"Authorization", b"Basic dXNlcjpwdw=="),
        (b"Cookie", b"session=abc; theme=dark"),
        (b"X-API-Key", b"k1"),
        (b"X-Other", b"plain"),
    )
    headers, path = redactor.headers(original), redactor.path(b"/v1/x?api_key=k2&a=b")
    found = references_of(headers, path)
    assert sorted({reference.name for reference in found}) == ["api_key", "authorization", "cookie", "x-api-key"]
    monkeypatch.setenv("A", "Basic dXNlcjpwdw==")
    monkeypatch.setenv("B", "session=abc; theme=dark")
    monkeypatch.setenv("C", "k1")
    monkeypatch.setenv("D", "k2")
    texts = ("authorization=env:A", "cookie=env:B", "x-api-key=env:C", "api_key=env:D")
    credentials = Credentials([CredentialSource.parse(text) for text in texts])
    assert all(credentials.covers(reference) for reference in found)
    assert tuple((name, credentials.header(name, value)[0]) for name, value in headers) == original
    assert credentials.path(path) == (b"/v1/x?api_key=k2&a=b", [])


@pytest.mark.parametrize(
    "path", [b"/x?a=1;token=t", b"/x?a=1&Token=t", b"/cb#token=t", b"/x?y=1?token=t", b"/x?to%6Ben=t"]
)
def test_fields_are_found_wherever_redaction_looks_for_them(monkeypatch: pytest.MonkeyPatch, path: bytes) -> None:
    redacted = Redactor(KEY, frozenset(), frozenset({"token"})).path(path)
    assert b"=t" not in redacted
    assert given(monkeypatch, token="t").path(redacted) == (path, [])


def test_a_header_spelled_with_underscores_is_the_same_header(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor(KEY, frozenset({"x-api-key"}))
    ((name, value),) = redactor.headers(((b"X_Api_Key", b"k"),))
    assert given(monkeypatch, x_api_key="k").header(name, value) == (b"k", [])


def test_a_secret_in_a_query_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = reference_for(KEY, "token", b"x")
    credentials = given(monkeypatch, token="a b&c=d")
    assert credentials.path(b"/?token=" + reference + b"&x=1") == (b"/?token=a%20b%26c%3Dd&x=1", [])


def test_secret_meant_for_the_capturing_proxy_is_not_asked_for() -> None:
    secret = b"Basic {{secret:proxy-authorization:4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c}}"
    assert references_of(((b"Proxy-Authorization", secret),), b"/") == []
