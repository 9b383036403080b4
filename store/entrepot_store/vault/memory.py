"""A vault in memory: the twin that tests and dry runs use. It passes the same conformance suite as the real ones."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..clock import Clock, SystemClock
from ..errors import AlreadyExists, NotFound
from .canary import prove
from .keys import check_key, check_prefix, check_range, check_start
from .port import ObjectStat


class MemoryVault:
    """The Vault port on a dictionary."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._objects: dict[str, tuple[bytes, int]] = {}
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        return "memory"

    def check(self) -> None:
        prove(self)

    def put(self, key: str, source: Path) -> ObjectStat:
        content = source.read_bytes()
        with self._lock:
            held, _ = self._objects.setdefault(check_key(key), (content, self._clock.now()))
        if held != content:
            raise AlreadyExists(f"{key}: the vault already holds other bytes under this key.")
        return self.stat(key)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        check_range(start, length)
        content, _ = self._held(key)
        check_start(key, len(content), start)
        return content[start:] if length is None else content[start : start + length]

    @contextmanager
    def open(self, key: str, start: int = 0, length: int | None = None) -> Iterator[BinaryIO]:
        yield io.BytesIO(self.get(key, start, length))

    def stat(self, key: str) -> ObjectStat:
        content, stored_at = self._held(key)
        return ObjectStat(key, len(content), stored_at)

    def list(self, prefix: str = "") -> Iterator[ObjectStat]:
        check_prefix(prefix)
        with self._lock:
            found = [
                ObjectStat(key, len(content), stored_at)
                for key, (content, stored_at) in sorted(self._objects.items())
                if key.startswith(prefix)
            ]
        yield from found

    def delete(self, key: str) -> None:
        with self._lock:
            self._objects.pop(check_key(key), None)

    def erase(self, key: str) -> None:
        self.delete(key)

    def locked_until(self, key: str) -> int | None:
        self.stat(key)
        return None

    def _held(self, key: str) -> tuple[bytes, int]:
        try:
            return self._objects[check_key(key)]
        except KeyError:
            raise NotFound(f"{key}: there is no such object in the vault.") from None
