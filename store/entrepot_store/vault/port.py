"""The Vault port. Every implementation passes the conformance suite in `tests/integration/test_vault_conformance.py`.

Keys are relative, `/`-separated, made of `[A-Za-z0-9._-]` segments, and write-once: nothing ever changes under a key.
Foreign errors never leave an implementation. Besides those named at each method, any call may raise VaultUnavailable
(no answer, or a passing failure: the same call may succeed later) and VaultDenied (the vault answered and refused).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

FOREVER = 1 << 62
"""Later than any time: until a person lifts it."""


@dataclass(slots=True, frozen=True)
class ObjectStat:
    """An object's key, its size in bytes, and when the vault stored it (microseconds since the epoch, its clock)."""

    key: str
    size: int
    stored_at: int


class Vault(Protocol):
    """A store of write-once objects."""

    @property
    def location(self) -> str:
        """Where it is, for people: `s3://bucket/prefix at http://127.0.0.1:9000` or a path. Holds no secret."""
        ...

    def check(self) -> None:
        """Proves that objects can be written, read and deleted here, making the bucket or folder if it may.

        Raises VaultDenied or VaultUnavailable with what is missing."""
        ...

    def put(self, key: str, source: Path) -> ObjectStat:
        """Stores the file's bytes; durable, and visible to every later call, when it returns.

        If the key already holds the very same bytes this is a success, so that a put whose answer was lost can be
        repeated. Raises AlreadyExists if it holds other bytes; the object is then unchanged. A key is meant to have
        one writer: of several at the same instant one object stays, whole, but a store whose conditions are not
        atomic may tell more than one of them that it was theirs."""
        ...

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes from `start`, at most `length` of them (None: to the end). Never fewer than the object has in that
        range: a short answer is VaultUnavailable. Raises NotFound; BadInput when `start` is beyond the end."""
        ...

    def open(self, key: str, start: int = 0, length: int | None = None) -> AbstractContextManager[BinaryIO]:
        """As `get`, as a stream for objects larger than memory. Reading raises the same errors."""
        ...

    def stat(self, key: str) -> ObjectStat:
        """Raises NotFound."""
        ...

    def list(self, prefix: str = "") -> Iterator[ObjectStat]:
        """Every object whose key begins with `prefix`, in ascending order of key. A listing that breaks off raises; but
        what a listing lacks is no evidence that it is gone: ask `stat` before acting on absence."""
        ...

    def delete(self, key: str) -> None:
        """Removes the object; succeeds if it is already gone. Where the store keeps versions, one of it stays."""
        ...

    def erase(self, key: str) -> None:
        """Removes the object with every version that the store keeps of it; succeeds if it is already gone. Raises
        VaultDenied for one that is locked."""
        ...

    def locked_until(self, key: str) -> int | None:
        """Until when the store refuses to remove the object (microseconds since the epoch, FOREVER for a legal hold);
        None if it does not. Raises NotFound."""
        ...
