"""A vault that tries again: wraps another and repeats calls that failed in passing.

Every call of the port can be repeated: keys are write-once, and a put whose answer was lost finds its own bytes. A
reading stream goes on where it broke off, a listing behind the last key it gave out.
"""

import io
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import VaultUnavailable
from .port import ObjectStat, Vault

_CHUNK = 1024 * 1024


class RetryingVault:
    """The Vault port over another one; VaultUnavailable leaves it only after `attempts` in a row have failed."""

    def __init__(
        self,
        vault: Vault,
        *,
        attempts: int = 5,
        first_delay: float = 0.2,
        longest_delay: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Delays are seconds. Each is a random part of twice the one before, so that many shippers that failed
        together do not come back together."""
        self._vault = vault
        self._attempts = attempts
        self._first_delay = first_delay
        self._longest_delay = longest_delay
        self._sleep = sleep

    @property
    def location(self) -> str:
        return self._vault.location

    def check(self) -> None:
        self._repeated(self._vault.check)

    def put(self, key: str, source: Path) -> ObjectStat:
        return self._repeated(lambda: self._vault.put(key, source))

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self._repeated(lambda: self._vault.get(key, start, length))

    @contextmanager
    def open(self, key: str, start: int = 0, length: int | None = None) -> Iterator[BinaryIO]:
        with _Resuming(self, key, start, length) as raw, io.BufferedReader(raw, _CHUNK) as stream:
            yield stream

    def stat(self, key: str) -> ObjectStat:
        return self._repeated(lambda: self._vault.stat(key))

    def list(self, prefix: str = "") -> Iterator[ObjectStat]:
        failures, last = 0, ""
        while True:
            try:
                for found in self._vault.list(prefix):
                    if found.key > last:
                        yield found
                        failures, last = 0, found.key
            except VaultUnavailable as error:
                failures += 1
                self._wait(failures, error)
            else:
                return

    def delete(self, key: str) -> None:
        self._repeated(lambda: self._vault.delete(key))

    def erase(self, key: str) -> None:
        self._repeated(lambda: self._vault.erase(key))

    def locked_until(self, key: str) -> int | None:
        return self._repeated(lambda: self._vault.locked_until(key))

    def _repeated[T](self, call: Callable[[], T]) -> T:
        failures = 0
        while True:
            try:
                return call()
            except VaultUnavailable as error:
                failures += 1
                self._wait(failures, error)

    def _wait(self, failures: int, error: VaultUnavailable) -> None:
        if failures >= self._attempts:
            raise error
        bound = min(self._longest_delay, self._first_delay * 2 ** (failures - 1))
        self._sleep(bound * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing


class _Resuming(io.RawIOBase):
    """A stream that opens itself again where it broke off."""

    def __init__(self, vault: RetryingVault, key: str, start: int, length: int | None) -> None:
        self._retrying = vault
        self._key = key
        self._start = start
        self._length = length
        self._open: ExitStack | None = None
        self._inner: Any = None
        vault._repeated(self._reopen)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._retrying._repeated(lambda: self._read(buffer))

    def close(self) -> None:
        self._leave()
        super().close()

    def _read(self, buffer: Any) -> int:
        try:
            if self._inner is None:
                self._reopen()
            count = self._inner.readinto(buffer) or 0
        except VaultUnavailable:
            self._leave()
            raise
        self._start += count
        if self._length is not None:
            self._length -= count
        return int(count)

    def _reopen(self) -> None:
        with ExitStack() as stack:
            inner = self._retrying._vault.open(self._key, self._start, self._length)
            self._inner = stack.enter_context(inner)
            self._open = stack.pop_all()

    def _leave(self) -> None:
        self._inner = None
        if self._open is not None:
            stack, self._open = self._open, None
            stack.close()
