"""`[[credential]]`: what it takes, what it refuses, and that no refusal shows a secret."""

from pathlib import Path

import pytest

from entrepot_store.config import load_settings
from entrepot_store.errors import ConfigError

HEAD = '[[credential]]\nname = "a"\nto = "orders"\n'


def loaded(tmp_path: Path, body: str) -> Path:
    file = tmp_path / "entrepot.toml"
    file.write_text(HEAD + body)
    return file


@pytest.mark.parametrize(
    ("body", "key", "reason"),
    [
        ('kind = "bearer"\ntoken = "hunter2"', "credential[0].token", "env:VARIABLE"),
        ('kind = "bearer"\ntoken = "env:"', "credential[0].token", "env:VARIABLE"),
        ('kind = "basic"\nuser = "u"\npassword = "hunter2"', "credential[0].password", "env:VARIABLE"),
        ('kind = "header"\nheader = "x-key"\nvalue = "hunter2"', "credential[0].value", "env:VARIABLE"),
        ('kind = "sigv4"\naccess_key = "k"\nsecret_key = "hunter2"', "credential[0].secret_key", "env:VARIABLE"),
        (
            'kind = "oauth2"\ntoken_url = "http://h/t"\nclient_id = "c"\nclient_secret = "hunter2"',
            "credential[0].client_secret",
            "env:VARIABLE",
        ),
        (
            'kind = "oauth2"\ntoken_url = "http://u:hunter2@h/t"\nclient_id = "c"\nclient_secret = "env:S"',
            "credential[0].token_url",
            "without credentials",
        ),
        (
            'kind = "login"\nlogin = { path = "/l", form = { user = "u", password = "hunter2" } }',
            "credential[0].login.form",
            "'password' must say where",
        ),
        (
            'kind = "login"\nlogin = { path = "/l", json = { auth = { api_token = ["hunter2"] } } }',
            "credential[0].login.json",
            "'api_token' must say where",
        ),
        ('kind = "login"\nlogin = { path = "/l", form = { a = "b" }, json = {} }', "credential[0].login", "not both"),
        ('kind = "bearer"\ntokn = "env:T"', "credential[0].tokn", "did you mean token?"),
        ('kind = "bearer"\ntoken = "env:T"\npassword = "env:P"', "credential[0]", "and not password"),
        ('kind = "basic"\nuser = "u"', "credential[0]", "needs password"),
        ('kind = "digest"\ntoken = "env:T"', "credential[0].kind", "must be 'bearer'"),
        ('kind = "bearer"\ntoken = "env:T"\ndigest = "4f1c"', "credential[0].digest", "32 hex digits"),
        ('kind = "bearer"\ntoken = "env:T"\nrefresh_on = [200]', "credential[0].refresh_on", "from 400 to 499"),
        ('kind = "bearer"\ntoken = "env:T"\n' + HEAD + 'kind = "bearer"\ntoken = "env:T"', "credential", "named 'a'"),
    ],
)
def test_what_is_wrong_is_refused_by_file_key_and_reason(tmp_path: Path, body: str, key: str, reason: str) -> None:
    file = loaded(tmp_path, body)
    with pytest.raises(ConfigError) as refused:
        load_settings(file)
    assert str(refused.value).startswith(f"{file}: {key}")
    assert reason in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_secrets_for_the_api_in_variables_are_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_CREDENTIAL_ORDERS", "hunter2")
    settings = load_settings(loaded(tmp_path, 'kind = "bearer"\ntoken = "env:T"\nrefresh_on = [401, 403]'))
    assert [(one.name, one.refresh_on) for one in settings.credential] == [("a", (401, 403))]
    assert "hunter2" not in repr(settings)
    monkeypatch.setenv("ENTREPOT_CREDENTIAL", '[{"name": "b", "to": "o", "kind": "bearer", "token": "hunter2"}]')
    with pytest.raises(ConfigError, match=r"environment: ENTREPOT_CREDENTIAL\[0\]\.token") as refused:
        load_settings(tmp_path / "entrepot.toml")
    assert "hunter2" not in str(refused.value)
