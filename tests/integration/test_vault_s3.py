"""What is particular to the S3 vault: buckets, keys and rights, and what else a bucket may hold."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from entrepot_store.config import S3Settings
from entrepot_store.errors import NotFound, VaultDenied, VaultUnavailable
from entrepot_store.vault.retrying import RetryingVault
from entrepot_store.vault.s3 import S3Vault
from tests.support.servers import S3Server, free_ports

pytestmark = pytest.mark.s3


def settings_for(server: S3Server, **changes: object) -> S3Settings:
    values: dict[str, object] = {
        "endpoint": server.endpoint,
        "access_key": server.access_key,
        "secret_key": SecretStr(server.secret_key),
    }
    return S3Settings.model_validate(values | changes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


def test_check_makes_a_missing_bucket(seaweedfs: S3Server) -> None:
    bucket = seaweedfs.new_bucket()
    vault = S3Vault(f"s3://{bucket}", settings_for(seaweedfs))
    vault.check()
    assert seaweedfs.client().bucket_exists(bucket)
    vault.check()


def test_check_may_be_told_to_make_none(seaweedfs: S3Server) -> None:
    bucket = seaweedfs.new_bucket()
    vault = S3Vault(f"s3://{bucket}", settings_for(seaweedfs, create_bucket=False))
    with pytest.raises(VaultDenied, match="no such bucket") as caught:
        vault.check()
    assert "create_bucket" in caught.value.hint
    assert not seaweedfs.client().bucket_exists(bucket)


def test_many_processes_may_make_the_bucket_at_once(seaweedfs: S3Server) -> None:
    bucket = seaweedfs.new_bucket()
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: S3Vault(f"s3://{bucket}/p", settings_for(seaweedfs)).check(), range(6)))


def test_a_missing_bucket_is_no_missing_object(seaweedfs: S3Server, file: Path) -> None:
    vault = S3Vault(f"s3://{seaweedfs.new_bucket()}", settings_for(seaweedfs))
    with pytest.raises(VaultDenied, match="NoSuchBucket"):
        vault.put("a", file)
    with pytest.raises(VaultDenied, match="NoSuchBucket"):
        list(vault.list())


def test_keys_that_may_only_read_are_denied_by_name(seaweedfs: S3Server, file: Path) -> None:
    bucket = seaweedfs.new_bucket()
    S3Vault(f"s3://{bucket}", settings_for(seaweedfs)).check()
    reader = settings_for(seaweedfs, access_key=seaweedfs.reader_key, secret_key=seaweedfs.reader_secret)
    vault = S3Vault(f"s3://{bucket}", reader)
    with pytest.raises(VaultDenied) as caught:
        vault.check()
    assert "ENTREPOT_S3_ACCESS_KEY" in caught.value.hint
    assert list(vault.list()) == []
    with pytest.raises(VaultDenied):
        vault.put("a", file)


@pytest.mark.parametrize("wrong", [{"secret_key": "wrong"}, {"access_key": "nobody"}])
def test_wrong_keys_are_denied_and_not_shown(seaweedfs: S3Server, wrong: dict[str, str]) -> None:
    vault = RetryingVault(S3Vault(f"s3://{seaweedfs.new_bucket()}", settings_for(seaweedfs, **wrong)), sleep=fail)
    with pytest.raises(VaultDenied) as caught:
        vault.check()
    assert "ENTREPOT_S3_SECRET_KEY" in caught.value.hint
    assert "wrong" not in str(caught.value)


def fail(_: float) -> None:
    raise AssertionError("what was denied must not be tried again")


def test_no_server_is_unavailable_and_named() -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    settings = S3Settings(endpoint=endpoint, access_key="k", secret_key=SecretStr("s"))
    delays: list[float] = []
    vault = RetryingVault(S3Vault("s3://bucket", settings), attempts=4, sleep=delays.append)
    with pytest.raises(VaultUnavailable, match="refused") as caught:
        vault.check()
    assert endpoint in caught.value.message
    assert "ENTREPOT_S3_ENDPOINT" in caught.value.hint
    assert len(delays) == 3
    assert all(0.1 * 2**n <= delay <= 0.2 * 2**n for n, delay in enumerate(delays))


def test_two_prefixes_of_a_bucket_are_two_vaults(seaweedfs: S3Server, file: Path) -> None:
    bucket = seaweedfs.new_bucket()
    one, two = (S3Vault(f"s3://{bucket}/{prefix}", settings_for(seaweedfs)) for prefix in ("a", "a-b/c/"))
    one.check()
    one.put("key", file)
    two.put("key", file)
    one.delete("key")
    assert list(one.list()) == []
    assert [found.key for found in two.list()] == ["key"]


def test_what_others_put_into_the_bucket_is_not_ours(seaweedfs: S3Server, file: Path) -> None:
    bucket = seaweedfs.new_bucket()
    vault = S3Vault(f"s3://{bucket}/p", settings_for(seaweedfs))
    vault.check()
    client = seaweedfs.client()
    for name in ("elsewhere", "p/with space", "p/ü", "p/folder/", "p/a+b", "p/a%2Fb"):
        client.put_object(bucket, name, io.BytesIO(b"x"), 1)
    vault.put("folder/ours", file)
    assert [found.key for found in vault.list()] == ["folder/ours"]
    with pytest.raises(NotFound):
        vault.stat("folder")


def test_objects_are_plain(seaweedfs: S3Server, file: Path) -> None:
    """No Content-Encoding and no metadata: the bytes and the name are all there is."""
    bucket = seaweedfs.new_bucket()
    vault = S3Vault(f"s3://{bucket}", settings_for(seaweedfs))
    vault.check()
    vault.put("segments/a.warc.zst", file)
    found = seaweedfs.client().stat_object(bucket, "segments/a.warc.zst")
    headers = {name.lower() for name in found.metadata or ()}
    assert "content-encoding" not in headers
    assert not [name for name in headers if name.startswith("x-amz-meta-")]


def test_a_listing_of_more_than_one_page_is_whole(seaweedfs: S3Server) -> None:
    bucket = seaweedfs.new_bucket()
    vault = S3Vault(f"s3://{bucket}/p", settings_for(seaweedfs))
    vault.check()
    client = seaweedfs.client()
    keys = [f"day/{number:05d}" for number in range(1050)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda key: client.put_object(bucket, f"p/{key}", io.BytesIO(b"x"), 1), keys))
    assert [found.key for found in vault.list("day/")] == keys
