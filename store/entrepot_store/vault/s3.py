"""A vault in an S3 bucket (MinIO, SeaweedFS, AWS), through minio-py.

Objects are plain: no Content-Encoding, because some stores then decompress what they return, and no metadata that a
copy to another bucket would lose. Nothing here retries; wrap it in `RetryingVault`.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from minio.error import S3Error
from minio.helpers import check_bucket_name

from ..config import S3Settings
from ..errors import AlreadyExists, BadInput, ConfigError, NotFound, VaultDenied, VaultUnavailable
from .canary import prove
from .keys import check_key, check_prefix, check_range, check_start, is_key
from .port import FOREVER, ObjectStat
from .s3_client import READ_SECONDS, endpoint_of, make_client
from .s3_errors import is_precondition_failure, translated

PART_BYTES = 16 * 1024 * 1024
"""Larger files go up in parts of this size, one at a time: it bounds the memory a put takes."""
_CHUNK = 1024 * 1024
_NO_LOCK = {
    *("NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "InvalidRequest", "NotImplemented"),
    *("MethodNotAllowed", "ObjectLockConfigurationNotFound", "NoSuchObjectLegalHold", "NoSuchObjectRetention"),
}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class S3Vault:
    """The Vault port on one bucket, below one prefix."""

    def __init__(self, location: str, settings: S3Settings, *, read_seconds: float = READ_SECONDS) -> None:
        """`location` is `s3://bucket` or `s3://bucket/prefix`. Raises ConfigError; connects to nothing yet."""
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        prefix = prefix.strip("/")
        try:
            check_bucket_name(bucket, strict=True)
            self.prefix = f"{check_key(prefix)}/" if prefix else ""
        except (ValueError, BadInput) as error:
            raise ConfigError(f"vault: {location!r}: {error}.", hint="Write it as s3://bucket/prefix.") from None
        self.bucket = bucket
        self._settings = settings
        self._client, self._transport = make_client(settings, read_seconds)
        self._location = f"s3://{bucket}/{prefix} at {endpoint_of(settings)}"
        self._knows_if_none_match = True

    @property
    def location(self) -> str:
        return self._location

    def check(self) -> None:
        with self._translated("find the bucket"):
            there = self._client.bucket_exists(self.bucket)
        if not there:
            if not self._settings.create_bucket:
                raise VaultDenied(
                    f"{self.location}: there is no such bucket.",
                    hint="Make it, or let Entrepot make it with create_bucket = true in [s3].",
                )
            with self._translated("make the bucket"):
                self._make_bucket()
        prove(self)

    def put(self, key: str, source: Path) -> ObjectStat:
        name = self._name(key)
        with source.open("rb") as file, self._translated(f"store {key}"):
            size = source.stat().st_size
            # First a look: it saves sending bytes that are there, and is all there is on servers without conditions.
            found, _ = self._find(key)
            sent = None if found else self._send(name, file, size)
            if found is None:
                found, etag = self._find(key)
                if sent is not None and (found is None or found.size != size):
                    raise VaultUnavailable(f"{self.location}: {key} was stored, and is not there as a whole.")
                if found is None:
                    raise VaultUnavailable(f"{self.location}: {key} is there to a write and not to a look.")
                if sent == etag:
                    return found
            # It was there, or another writer's bytes have taken the place of ours.
            if found.size != size or not self._holds(key, file):
                raise AlreadyExists(f"{key}: the vault already holds other bytes under this key.")
            return found

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        with self.open(key, start, length) as stream:
            return stream.read()

    @contextmanager
    def open(self, key: str, start: int = 0, length: int | None = None) -> Iterator[BinaryIO]:
        name = self._name(key)
        check_range(start, length)
        if length == 0:
            check_start(key, self.stat(key).size, start)
            yield io.BytesIO()
            return
        # Always a range, even for the whole: only then does the answer say how long the whole is.
        asked = f"bytes={start}-" if length is None else f"bytes={start}-{start + length - 1}"
        with self._translated(f"read {key}"):
            try:
                response = self._client.get_object(self.bucket, name, request_headers={"Range": asked})
            except S3Error as error:
                if error.response.status != 416:
                    raise
                response = None
        if response is None:
            check_start(key, self.stat(key).size, start)
            yield io.BytesIO()
            return
        try:
            raw = _Answer(self, key, response, start, length)
            with io.BufferedReader(raw, _CHUNK) as stream:
                yield stream
        finally:
            response.close()
            response.release_conn()

    def stat(self, key: str) -> ObjectStat:
        with self._translated(f"look at {key}"):
            found, _ = self._find(key)
        if found is None:
            raise NotFound(f"{self.location}: there is no object {key}.")
        return found

    def list(self, prefix: str = "") -> Iterator[ObjectStat]:
        check_prefix(prefix)
        yield from self._walk(self.prefix + prefix)

    def delete(self, key: str) -> None:
        name = self._name(key)
        with self._translated(f"delete {key}"):
            try:
                self._client.remove_object(self.bucket, name)
            except S3Error as error:
                if error.code != "NoSuchKey":
                    raise

    def erase(self, key: str) -> None:
        name = self._name(key)
        with self._translated(f"erase {key}"):
            found = self._client.list_objects(self.bucket, prefix=name, recursive=True, include_version=True)
            versions = [entry.version_id for entry in found if entry.object_name == name and entry.version_id]
            for version in versions:
                self._client.remove_object(self.bucket, name, version_id=version)
            there = not versions and self._find(key)[0] is not None
        if there:  # a bucket without versions; in one with them this would leave a marker
            self.delete(key)

    def locked_until(self, key: str) -> int | None:
        self.stat(key)
        name = self._name(key)
        with self._translated(f"look at the lock of {key}"):
            if self._unlocked_if_unknown(lambda: self._client.is_object_legal_hold_enabled(self.bucket, name)):
                return FOREVER
            found = self._unlocked_if_unknown(lambda: self._client.get_object_retention(self.bucket, name))
        return None if found is None else int(found.retain_until_date.timestamp()) * 1_000_000

    @staticmethod
    def _unlocked_if_unknown[T](ask: Callable[[], T]) -> T | None:
        """None where the bucket or the server has no locks, which they say in many ways."""
        try:
            return ask()
        except S3Error as error:
            if error.code in _NO_LOCK or error.response.status in (405, 501):
                return None
            raise

    def _make_bucket(self) -> None:
        try:
            self._client.make_bucket(self.bucket)
        except S3Error as error:
            # Another process was quicker. Whether it is one of ours, the canary will show.
            if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    def _send(self, name: str, file: BinaryIO, size: int) -> str | None:
        """Stores the file unless the object is there; returns the ETag it got, None if it is there."""
        try:
            with self._transport.storing(conditional=self._knows_if_none_match):
                made = self._client.put_object(
                    self.bucket, name, file, size, part_size=PART_BYTES, num_parallel_uploads=1
                )
        except S3Error as error:
            if is_precondition_failure(error):
                return None
            if error.response.status == 501 and self._knows_if_none_match:
                self._knows_if_none_match = False
                file.seek(0)
                return self._send(name, file, size)
            raise
        return made.etag or ""

    def _find(self, key: str) -> tuple[ObjectStat | None, str]:
        """The object and its ETag, which only tells whether two answers speak of one write."""
        try:
            found = self._client.stat_object(self.bucket, self._name(key))
        except S3Error as error:
            if error.code == "NoSuchKey":
                return None, ""
            raise
        return _object_stat(key, found), found.etag or ""

    def _holds(self, key: str, file: BinaryIO) -> bool:
        """Compares contents, not ETags: what an ETag is depends on the server, the parts and the encryption."""
        file.seek(0)
        with self.open(key) as stream:
            while chunk := file.read(_CHUNK):
                if stream.read(len(chunk)) != chunk:
                    return False
            return not stream.read(1)

    def _walk(self, prefix: str) -> Iterator[ObjectStat]:
        """Folder by folder, each sorted by whole names: SeaweedFS lists `a/b` before `a-b`, S3 the other way round,
        and a folder of segments is one day."""
        with self._translated(f"list {prefix or 'the bucket'}"):
            found = sorted(self._client.list_objects(self.bucket, prefix=prefix), key=lambda entry: entry.object_name)
        last = ""
        for entry in found:
            if entry.object_name == last:
                raise VaultUnavailable(f"{self.location}: a listing of {prefix} repeats {last}.")
            last = entry.object_name
            if entry.is_dir:
                if entry.object_name != prefix:  # a folder may have an object of its own name
                    yield from self._walk(entry.object_name)
            # A bucket may hold what no put of ours made.
            elif is_key(entry.object_name.removeprefix(self.prefix)):
                yield _object_stat(entry.object_name.removeprefix(self.prefix), entry)

    def _name(self, key: str) -> str:
        return self.prefix + check_key(key)

    def _translated(self, what: str) -> Any:
        return translated(what, self.location)


class _Answer(io.RawIOBase):
    """The body of a ranged GET. An answer that is shorter than the object has in that range is an error, not an end."""

    def __init__(self, vault: S3Vault, key: str, response: Any, start: int, length: int | None) -> None:
        self._vault = vault
        self._key = key
        self._response = response
        said = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if response.status != 206 or said is None:
            raise self._short("the server ignored the range it was asked for")
        first, last, total = map(int, said.groups())
        expected = total - start if length is None else min(length, total - start)
        if first != start or last - first + 1 != expected:
            raise self._short(f"it answered {said[0]}")
        self._remaining = expected

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._remaining:
            return 0
        view = memoryview(buffer)
        with translated(f"read {self._key}", self._vault.location):
            # What is stored is what is wanted, whatever Content-Encoding somebody may have put on the object.
            data = self._response.read(min(len(view), self._remaining), decode_content=False)
        if not data:
            raise self._short(f"{self._remaining} bytes are missing")
        view[: len(data)] = data
        self._remaining -= len(data)
        return len(data)

    def _short(self, reason: str) -> VaultUnavailable:
        return VaultUnavailable(f"{self._vault.location}: could not read {self._key} as a whole: {reason}.")


def _object_stat(key: str, found: Any) -> ObjectStat:
    if found.size is None or found.last_modified is None:
        raise ValueError(f"{key} has no size or time")
    # Whole seconds: a HEAD has no more, a listing may have, and one object must not have two times.
    return ObjectStat(key, found.size, int(found.last_modified.timestamp()) * 1_000_000)
