"""Which vault a configuration opens, and where the S3 vault finds its server, region and keys."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from entrepot_store.config import S3Settings, Settings, load_settings
from entrepot_store.errors import ConfigError, VaultDenied
from entrepot_store.vault import open_vault
from entrepot_store.vault.directory import DirectoryVault
from entrepot_store.vault.retrying import RetryingVault
from entrepot_store.vault.s3 import S3Vault

KEYS: dict[str, Any] = {"access_key": "key", "secret_key": SecretStr("secret")}


@pytest.fixture(autouse=True)
def no_aws_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"),
        *("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def keys_of(vault: S3Vault) -> tuple[str, str, str | None]:
    provider = vault._client._provider
    assert provider is not None
    found = provider.retrieve()
    return found.access_key, found.secret_key, found.session_token


def test_a_directory_is_the_default(tmp_path: Path) -> None:
    vault = open_vault(Settings(data=tmp_path))
    assert isinstance(vault, DirectoryVault)
    assert vault.location == str(tmp_path / "vault")
    assert open_vault(Settings(vault=str(tmp_path / "other"))).location == str(tmp_path / "other")


def test_s3_is_tried_again(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path, vault="s3://bucket/some/prefix/", s3=S3Settings(endpoint="http://h:9000/", **KEYS)
    )
    vault = open_vault(settings)
    assert isinstance(vault, RetryingVault)
    assert vault.location == "s3://bucket/some/prefix at http://h:9000"


@pytest.mark.parametrize("location", ["s3://B", "s3://a", "s3://bucket/a//b", "s3://bucket/../x", "s3://bucket/a b"])
def test_malformed_locations_are_refused(location: str) -> None:
    with pytest.raises(ConfigError, match="vault: 's3://"):
        S3Vault(location, S3Settings(endpoint="http://h", **KEYS))


def test_place_and_keys_are_those_of_the_settings() -> None:
    own = S3Settings(endpoint="http://own:3", region="us-x-1", session_token=SecretStr("token"), **KEYS)
    vault = S3Vault("s3://bucket", own)
    assert vault.location == "s3://bucket/ at http://own:3"
    assert keys_of(vault) == ("key", "secret", "token")
    assert vault._client._get_region("bucket") == "us-x-1"


def test_the_variables_every_s3_tool_reads_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://general:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    settings = load_settings(overrides={"vault": "s3://bucket"})
    vault = S3Vault(settings.vault_location, settings.s3)
    assert vault.location == "s3://bucket/ at http://general:1"
    assert keys_of(vault) == ("env-key", "env-secret", None)
    assert vault._client._get_region("bucket") == "eu-west-3"


def test_the_credentials_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = file-key\naws_secret_access_key = file-secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert keys_of(S3Vault("s3://bucket", S3Settings(endpoint="http://h")))[:2] == ("file-key", "file-secret")


def test_aws_is_the_default_endpoint_and_says_the_region_itself() -> None:
    vault = S3Vault("s3://bucket", S3Settings(**KEYS))
    assert vault.location == "s3://bucket/ at https://s3.amazonaws.com"
    assert not vault._client._base_url.region  # so it is asked for


def test_without_any_keys_it_is_said_where_they_go() -> None:
    with pytest.raises(VaultDenied, match="ENTREPOT_S3_ACCESS_KEY"):
        S3Vault("s3://bucket", S3Settings(endpoint="http://127.0.0.1:9")).check()
