"""Object locks and versions of S3, on a server that has them and on one that has not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from minio.commonconfig import GOVERNANCE
from minio.retention import Retention
from pydantic import SecretStr

from entrepot_store.config import S3Settings
from entrepot_store.errors import NotFound, VaultDenied
from entrepot_store.vault.port import FOREVER
from entrepot_store.vault.s3 import S3Vault
from tests.support.servers import S3Server

UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)


def vault_in(server: S3Server, bucket: str, *, locks: bool) -> S3Vault:
    server.client().make_bucket(bucket, object_lock=locks)
    settings = S3Settings(
        endpoint=server.endpoint,
        access_key=server.access_key,
        secret_key=SecretStr(server.secret_key),
        region="us-east-1",
    )
    return S3Vault(f"s3://{bucket}/at", settings)


@pytest.mark.s3
def test_a_lock_says_until_when_and_erasing_leaves_no_version(seaweedfs: S3Server, tmp_path: Path) -> None:
    bucket, client = seaweedfs.new_bucket(), seaweedfs.client()
    vault = vault_in(seaweedfs, bucket, locks=True)
    (tmp_path / "file").write_bytes(b"payload")
    for key in ("segments/plain", "segments/kept", "segments/held"):
        vault.put(key, tmp_path / "file")
    client.set_object_retention(bucket, "at/segments/kept", Retention(GOVERNANCE, UNTIL))
    client.enable_object_legal_hold(bucket, "at/segments/held")
    assert vault.locked_until("segments/plain") is None
    assert vault.locked_until("segments/kept") == int(UNTIL.timestamp()) * 1_000_000
    assert vault.locked_until("segments/held") == FOREVER
    with pytest.raises(NotFound):
        vault.locked_until("segments/none")

    vault.erase("segments/plain")
    left = {entry.object_name for entry in client.list_objects(bucket, recursive=True, include_version=True)}
    assert left == {"at/segments/kept", "at/segments/held"}, "no version and no marker of it"
    with pytest.raises(VaultDenied):
        vault.erase("segments/kept")
    assert vault.get("segments/kept") == b"payload"


@pytest.mark.s3
def test_a_bucket_without_locks_or_versions(seaweedfs: S3Server, tmp_path: Path) -> None:
    vault = vault_in(seaweedfs, seaweedfs.new_bucket(), locks=False)
    (tmp_path / "file").write_bytes(b"payload")
    vault.put("segments/plain", tmp_path / "file")
    assert vault.locked_until("segments/plain") is None
    vault.erase("segments/plain")
    with pytest.raises(NotFound):
        vault.stat("segments/plain")
    vault.erase("segments/plain")
