"""Where a segment's bytes come from: a file, or an object in a vault."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from ..errors import BadInput, NotFound
from ..vault import Vault


class RangeSource(Protocol):
    """Random and sequential access to the bytes of one segment, which never change."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def identity(self) -> tuple[str, str] | None:
        """Under what name a reader may remember what it learnt of this segment; None: it must not."""
        ...

    @property
    def size(self) -> int: ...

    def read(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`: fewer only at the end of the segment."""
        ...

    def open(self, start: int, length: int | None = None) -> AbstractContextManager[BinaryIO]:
        """The bytes from `start` as a stream. The caller reads no more than `length` of them (None: to the end)."""
        ...


class FileSource:
    """A segment in a local file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return str(self._path)

    @property
    def identity(self) -> None:
        return None

    @property
    def size(self) -> int:
        return self._path.stat().st_size

    def read(self, start: int, length: int) -> bytes:
        with self.open(start) as stream:
            return stream.read(length)

    @contextmanager
    def open(self, start: int, length: int | None = None) -> Iterator[BinaryIO]:
        try:
            stream = self._path.open("rb")
        except FileNotFoundError as error:
            raise NotFound(f"{self._path} is not there.") from error
        with stream:
            stream.seek(start)
            yield stream


class VaultSource:
    """A segment in a vault. Errors are the vault's."""

    def __init__(self, vault: Vault, key: str) -> None:
        self._vault = vault
        self._key = key
        self._size: int | None = None

    @property
    def name(self) -> str:
        return self._key

    @property
    def identity(self) -> tuple[str, str]:
        return self._vault.location, self._key

    @property
    def size(self) -> int:
        if self._size is None:
            self._size = self._vault.stat(self._key).size
        return self._size

    def read(self, start: int, length: int) -> bytes:
        try:
            return self._vault.get(self._key, start, length)
        except BadInput:
            return b""  # `start` is beyond the end, where a range has nothing: the reader says what that means

    def open(self, start: int, length: int | None = None) -> AbstractContextManager[BinaryIO]:
        return self._vault.open(self._key, start, length)


class BoundedCache[T]:
    """Least recently used values out first, bounded by their weight in bytes; safe to use from several threads."""

    def __init__(self, max_weight: int) -> None:
        self._max = max_weight
        self._weight = 0
        self._lock = threading.Lock()
        self._items: OrderedDict[tuple[str, str], tuple[T, int]] = OrderedDict()

    def get(self, key: tuple[str, str]) -> T | None:
        with self._lock:
            found = self._items.get(key)
            if found is None:
                return None
            self._items.move_to_end(key)
            return found[0]

    def put(self, key: tuple[str, str], value: T, weight: int) -> None:
        with self._lock:
            old = self._items.pop(key, None)
            self._weight += weight - (old[1] if old else 0)
            self._items[key] = value, weight
            while self._weight > self._max and len(self._items) > 1:
                _, (_, gone) = self._items.popitem(last=False)
                self._weight -= gone
