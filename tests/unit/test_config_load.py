"""Reading the configuration: what wins over what, and how every mistake is refused."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrepot_store.config import ReverseListener, Settings, load_settings
from entrepot_store.errors import ConfigError

type Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("ENTREPOT_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str) -> Path:
        path = tmp_path / "entrepot.toml"
        path.write_text(content)
        return path

    return write


def refused(content: str = "", overrides: dict[str, Any] | None = None) -> str:
    """The sentence with which a file of that content is refused, without its hint."""
    Path("entrepot.toml").write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(None, overrides)
    assert caught.value.hint
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.message


def test_nothing_has_to_be_set() -> None:
    assert load_settings() == Settings()
    assert load_settings().vault_location == "entrepot-data/vault"
    assert load_settings().catalog_url == "sqlite:///entrepot-data/catalog.sqlite"


def test_the_command_line_wins_then_the_environment_then_the_file(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('data = "file"\n[api]\nlisten = "h:1"\n[spool]\nsync_ms = 1\nseal_seconds = 9\n')
    monkeypatch.setenv("ENTREPOT_SPOOL_SYNC_MS", "2")
    monkeypatch.setenv("ENTREPOT_DATA", "environment")
    monkeypatch.setenv("ENTREPOT_API_LISTEN", "h:2")
    settings = load_settings(None, {"data": "argument", "proxy": {"listen": "h:3"}})
    assert settings.data == Path("argument")
    assert (settings.spool.sync_ms, settings.spool.seal_seconds) == (2, 9)
    assert (settings.api.listen, settings.proxy.listen) == ("h:2", "h:3")


def test_lists_in_variables_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_PROXY_REDACT_HEADERS", '["X-One", "x-two"]')
    monkeypatch.setenv("ENTREPOT_RULE", '[{"name": "a", "class": "config"}]')
    settings = load_settings()
    assert settings.proxy.redact_headers == ("x-one", "x-two")
    assert settings.rule[0].retention_class == "config"


def test_a_file_may_be_named_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text('data = "other"')
    monkeypatch.setenv("ENTREPOT_CONFIG", "other.toml")
    assert load_settings().data == Path("other")


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: there is no such file"):
        load_settings(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_settings(tmp_path)


def test_a_file_that_is_no_toml_is_refused_with_its_place() -> None:
    assert refused("data = 1\n[x\n").startswith("entrepot.toml: is not valid TOML: ")
    assert "line 2" in refused("data = 1\n[x\n")


def test_one_value_needs_no_brackets(write: Write) -> None:
    write('[[product]]\nname="a"\nhosts="h"\n[[rule]]\nname="a"\nto="x"\nstatus=404\nredact={headers="X-Y"}')
    settings = load_settings()
    assert settings.product[0].hosts == ("h",)
    assert (settings.rule[0].destination, settings.rule[0].status) == (("x",), (404,))
    assert settings.rule[0].redact.headers == ("x-y",)


def test_no_forward_proxy(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write('[proxy]\nlisten = ""')
    assert load_settings().proxy.listen is None
    monkeypatch.setenv("ENTREPOT_PROXY_LISTEN", "")
    assert load_settings().proxy.listen is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("spol = 1", "spol: there is no such key (did you mean spool?)."),
        ("[zzz]\na=1", "zzz: there is no such key."),
        ('[s3]\nendpont = "x"', "s3.endpont: there is no such key (did you mean endpoint?)."),
        ('[[rule]]\nname="a"\ntoo="x"', "rule[0].too: there is no such key (did you mean to?)."),
        (
            '[[rule]]\nname="a"\nredact={header="x"}',
            "rule[0].redact.header: there is no such key (did you mean headers?).",
        ),
        ('[[rule]]\nto="x"', "rule[0].name: is required."),
        (
            '[[rule]]\nname="a"\nstatus="9xx"',
            "rule[0].status: '9xx' is neither a status such as 404 nor a class such as 5xx.",
        ),
        (
            '[[rule]]\nname="a"\nstatus=[200, 99]',
            "rule[0].status[1]: 99 is neither a status such as 404 nor a class such as 5xx.",
        ),
        (
            '[[rule]]\nname="a"\nstatus=[[1]]',
            'rule[0].status[0]: must be a status such as 404 or a class such as "5xx".',
        ),
        ('[[rule]]\nname="a"\nstatus=true', 'rule[0].status: must be a status such as 404 or a class such as "5xx".'),
        ('[[rule]]\nname="a"\nmethod="GE T"', "rule[0].method: 'GE T' is not an HTTP method."),
        ('[[rule]]\nname="a"\nmethod=1', "rule[0].method: must be a text in quotes."),
        ('[[rule]]\nname="a"\npath="v1"', "rule[0].path: 'v1' does not begin with /."),
        ('[[rule]]\nname="a"\npath=["/{a"]', "rule[0].path[0]: '/{a' has an unbalanced brace."),
        (
            '[[rule]]\nname="a"\npath=[]',
            "rule[0].path: an empty list would match nothing; leave the key out to match everything.",
        ),
        (
            '[[rule]]\nname="a"\ncontent_type="json"',
            "rule[0].content_type: 'json' is not a media type without parameters, such as application/json or text/*.",
        ),
        (
            '[[rule]]\nname="a"\nto="a b"',
            "rule[0].to: 'a b' is not the name of a product, in which * stands for anything.",
        ),
        ('[[rule]]\nname="a"\naction="protekt"', "rule[0].action: must be 'protect', 'capture' or 'ignore'."),
        (
            '[[rule]]\nname="a"\naction="ignore"\ndurability="sync"',
            'rule[0]: an ignored exchange is not stored, so durability = "sync" and on_failure = "closed" cannot hold.',
        ),
        ('[[rule]]\nname="a"\nredact={headers=["a b"]}', "rule[0].redact.headers[0]: 'a b' is not a header name."),
        ('[[rule]]\nname="a"\n[[rule]]\nname="A"', "rule: two are named 'a'; case does not tell them apart."),
        ('[rule]\nname="a"', "rule: is a list of tables, each written [[rule]] in double brackets."),
        ("rule=[3]", "rule[0]: must be a table of keys and values."),
        (
            '[[product]]\nname="a b"',
            "product[0].name: a name is up to 63 letters, digits, dots, dashes and underscores, "
            "beginning with a letter or digit.",
        ),
        (
            '[[product]]\nname="a"\nhosts=["10.0.0.1/8"]',
            "product[0].hosts[0]: '10.0.0.1/8' is not a network: 10.0.0.1/8 has host bits set.",
        ),
        ('[[product]]\nname="a"\nhosts=["a:0"]', "product[0].hosts[0]: 'a:0' has a malformed port."),
        (
            '[[product]]\nname="a"\nhosts="a/b"',
            "product[0].hosts: 'a/b' is not a network: 'a/b' does not appear to be an IPv4 or IPv6 network.",
        ),
        (
            '[[product]]\nname="a"\nhosts=["h:1"]\n[[product]]\nname="b"\nhosts=["H:1"]',
            "product: two have the host 'h:1'.",
        ),
        ('[api]\nlisten="8081"', "api.listen: '8081' is not HOST:PORT."),
        (
            '[proxy]\nlisten="h:1"\nreverse=[{name="a",target="http://t",listen="h:1"}]',
            "proxy: two listeners share h:1.",
        ),
        ("[spool]\nmax_bytes=5", "spool.max_bytes: must be at least 1048576."),
        ('[spool]\nmax_bytes="5 GB"', "spool.max_bytes: must be a whole number."),
        ("[spool]\nseal_seconds=0", "spool.seal_seconds: must be more than 0."),
        ("[spool]\nseal_seconds=nan", "spool.seal_seconds: must be a finite number."),
        ("[spool]\nsync_ms=1.5", "spool.sync_ms: must be a whole number."),
        ("[proxy]\ntls_verify_upstream=7", "proxy.tls_verify_upstream: must be true or false."),
        ("data=1", "data: must be a path in quotes."),
        ("catalog=1", "catalog: must be a text in quotes."),
        ('vault="http://x"', "vault: must be s3://BUCKET, s3://BUCKET/PREFIX or a folder."),
        ('[s3]\naccess_key="a"', "s3: access_key and secret_key come together."),
        (
            '[spool]\nsync_ms=-1\n[api]\nlisten="x"',
            "spool.sync_ms: must be at least 0; api.listen: 'x' is not HOST:PORT.",
        ),
    ],
)
def test_every_mistake_has_file_key_and_reason(content: str, sentence: str) -> None:
    assert refused(content) == f"entrepot.toml: {sentence}"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ENTREPOT_S3_ENDPONT", "x", "ENTREPOT_S3_ENDPONT: there is no such key (did you mean ENTREPOT_S3_ENDPOINT?)."),
        (
            "ENTREPOT_SPOL_MAX_BYTES",
            "1",
            "ENTREPOT_SPOL_MAX_BYTES: there is no such key (did you mean ENTREPOT_SPOOL_MAX_BYTES?).",
        ),
        ("ENTREPOT_VALUT", "x", "ENTREPOT_VALUT: there is no such key (did you mean ENTREPOT_VAULT?)."),
        ("ENTREPOT_SPOOL_SYNC_MS", "soon", "ENTREPOT_SPOOL_SYNC_MS: must be a whole number."),
        ("ENTREPOT_SPOOL", '{"sync_ms": "soon"}', "ENTREPOT_SPOOL.sync_ms: must be a whole number."),
        (
            "ENTREPOT_RULE",
            '[{"name": "a", "status": "9xx"}]',
            "ENTREPOT_RULE[0].status: '9xx' is neither a status such as 404 nor a class such as 5xx.",
        ),
        ("ENTREPOT_RULE", "secret rule", "ENTREPOT_RULE: is not valid JSON."),
        ("ENTREPOT_PROXY_REDACT_HEADERS", "a,b", "ENTREPOT_PROXY_REDACT_HEADERS: is not valid JSON."),
        ("ENTREPOT_PROXY_REDACT_HEADERS", '["a b"]', "ENTREPOT_PROXY_REDACT_HEADERS[0]: 'a b' is not a header name."),
        ("ENTREPOT_API", "http://127.0.0.1", "ENTREPOT_API: is not valid JSON."),
    ],
)
def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str) -> None:
    monkeypatch.setenv(name, value)
    assert refused("[spool]\nseal_seconds = 2") == f"environment: {sentence}"


@pytest.mark.parametrize("name", ["ENTREPOT_TEST_S3", "ENTREPOT_REDACTION_KEY", "ENTREPOT_DEBUG", "ENTREPOT_TOKEN"])
def test_variables_that_resemble_no_setting_are_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    assert load_settings() == Settings()


def test_a_bad_argument_is_said_to_come_from_the_command_line() -> None:
    overrides = {"api": {"listen": "x"}, "spool": {"sync_ms": 1}}
    assert refused("[spool]\nsync_ms = -1", overrides) == "command line: api.listen: 'x' is not HOST:PORT."


def test_mistakes_of_several_layers_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_SPOOL_SYNC_MS", "soon")
    assert refused("[spool]\nseal_seconds = 0", {"api": {"listen": "x"}}) == (
        "environment: ENTREPOT_SPOOL_SYNC_MS: must be a whole number. "
        "entrepot.toml: spool.seal_seconds: must be more than 0. "
        "command line: api.listen: 'x' is not HOST:PORT."
    )


def test_reverse_listeners_that_are_parsed_already(write: Write) -> None:
    listener = ReverseListener.parse("orders=http://127.0.0.1:9001/@127.0.0.1:9101")
    assert (listener.name, listener.target, listener.listen) == ("orders", "http://127.0.0.1:9001", "127.0.0.1:9101")
    assert load_settings(None, {"proxy": {"reverse": [listener]}}).proxy.reverse == (listener,)
    assert refused("", {"proxy": {"reverse": [listener, listener]}}) == (
        "command line: proxy: two reverse listeners are named 'orders'."
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("orders", "is written NAME=http://TARGET"),
        ("orders=http://h", "is written NAME=http://TARGET"),
        ("a b=http://h@h:1", "reverse listener 'a b': name: a name is"),
        ("orders=ftp://h@h:1", "target: must be http://HOST"),
        ("orders=http://h@h", "listen: 'h' is not HOST:PORT"),
        ("orders=http://user:hunter2@h@h:1", "target: must be http://HOST"),
    ],
)
def test_a_malformed_reverse_listener_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        ReverseListener.parse(text)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


SECRET = "hunter2-correct-horse"


@pytest.mark.parametrize(
    "content",
    [
        f's3 = "{SECRET}"',
        f'[s3]\nsecret_key = ["{SECRET}"]',
        f'[s3]\nsecret_key = "{SECRET}"',
        f'[s3]\nsecret_kye = "{SECRET}"',
        f'[s3]\nendpoint = "http://user:{SECRET}@h"',
        f'catalog = ["{SECRET}"]',
        f'vault = "s3://user:{SECRET}@bucket"',
        f'[proxy]\nreverse = [{{name = "a", target = "http://u:{SECRET}@h", listen = "h:1"}}]',
        f'[api]\nlisten = "http://u:{SECRET}@h"',
        f'[[product]]\nname = "a"\nhosts = ["http://u:{SECRET}@h"]',
        f'[s3]\nsecret_key = "{SECRET}',
    ],
)
def test_no_message_shows_a_secret(content: str) -> None:
    assert SECRET not in refused(content)


def test_loaded_settings_do_not_show_the_keys(write: Write) -> None:
    write(f'[s3]\naccess_key = "a"\nsecret_key = "{SECRET}"\nsession_token = "{SECRET}"')
    assert SECRET not in repr(load_settings())
    secret = load_settings().s3.secret_key
    assert secret is not None
    assert secret.get_secret_value() == SECRET


AWS = {
    "AWS_ENDPOINT_URL": "http://all:1",
    "AWS_ENDPOINT_URL_S3": "http://s3:1/",
    "AWS_ACCESS_KEY_ID": "theirs",
    "AWS_SECRET_ACCESS_KEY": "their secret",
    "AWS_SESSION_TOKEN": "their token",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


def s3_of(settings: Settings) -> tuple[str | None, ...]:
    s3 = settings.s3
    hidden = (s3.secret_key, s3.session_token)
    secret, session = (value.get_secret_value() if value else None for value in hidden)
    return s3.endpoint, s3.access_key, secret, session, s3.region


def test_the_aws_variables_fill_what_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(None, {"vault": "s3://bucket"})
    assert s3_of(settings) == ("http://s3:1", "theirs", "their secret", "their token", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    settings = load_settings(None, {"vault": "s3://bucket"})
    assert (settings.s3.endpoint, settings.s3.region) == ("http://all:1", "us-east-1")


def test_what_is_set_wins_over_aws_and_keys_are_never_mixed(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    write('vault = "s3://bucket"\n[s3]\naccess_key = "ours"\n')
    monkeypatch.setenv("ENTREPOT_S3_SECRET_KEY", "our secret")
    monkeypatch.setenv("ENTREPOT_S3_REGION", "here")
    assert s3_of(load_settings()) == ("http://s3:1", "ours", "our secret", None, "here")
    monkeypatch.delenv("ENTREPOT_S3_SECRET_KEY")
    with pytest.raises(ConfigError, match="access_key and secret_key come together"):
        load_settings()


def test_a_vault_in_a_folder_asks_for_nothing_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in AWS:
        monkeypatch.setenv(name, "not a URL at all")
    assert load_settings() == Settings()
    assert refused('vault = "s3://b"') == (
        "AWS_* variables: s3.endpoint: must be http://HOST[:PORT] or https://HOST[:PORT], without credentials and path."
    )
