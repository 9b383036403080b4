"""A vault that reads ahead: wraps another, for somebody who reads the records of a segment one after the other.

A short read near an earlier one is taken from a window of the object, which is read once and held. Memory is bounded;
a window is held for seconds only, so that what is erased does not live on here.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from ..errors import BadInput
from .port import ObjectStat, Vault

WINDOW = 256 * 1024
_HELD = 64
"""Windows in memory: 16 MiB."""
_KEPT_SECONDS = 30.0


class ReadAheadVault:
    """The Vault port over another one. Safe to share between threads, as that one is."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._lock = threading.Lock()
        self._windows: OrderedDict[tuple[str, int], tuple[float, bytes | None]] = OrderedDict()
        """By key and number. None: read from once, and only held if somebody comes back."""

    @property
    def location(self) -> str:
        return self._vault.location

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if length is None or not 0 < length <= WINDOW or start < 0:
            return self._vault.get(key, start, length)
        first, last = start // WINDOW, (start + length - 1) // WINDOW
        parts = [self._window(key, number) for number in range(first, last + 1)]
        if None in parts:
            return self._vault.get(key, start, length)
        data = b"".join(part for part in parts if part is not None)
        begin = start - first * WINDOW
        found = data[begin : begin + length]
        return found or self._vault.get(key, start, length)  # which says what is wrong with a start beyond the end

    def _window(self, key: str, number: int) -> bytes | None:
        """The window, or None if this is the first that is heard of it and of its neighbour."""
        now = time.monotonic()
        with self._lock:
            found = self._windows.get((key, number))
            if found is not None and now - found[0] > _KEPT_SECONDS:
                found = None
            if found is not None and found[1] is not None:
                self._windows.move_to_end((key, number))
                return found[1]
            if found is None and (key, number - 1) not in self._windows:
                self._hold(key, number, now, None)
                return None
        try:
            data = self._vault.get(key, number * WINDOW, WINDOW)
        except BadInput:
            data = b""  # the object ends where this window begins
        with self._lock:
            self._hold(key, number, now, data)
        return data

    def _hold(self, key: str, number: int, now: float, data: bytes | None) -> None:
        self._windows[key, number] = now, data
        self._windows.move_to_end((key, number))
        while len(self._windows) > _HELD:
            self._windows.popitem(last=False)

    # As they are

    def check(self) -> None:
        self._vault.check()

    def put(self, key: str, source: Path) -> ObjectStat:
        return self._vault.put(key, source)

    def open(self, key: str, start: int = 0, length: int | None = None) -> AbstractContextManager[BinaryIO]:
        return self._vault.open(key, start, length)

    def stat(self, key: str) -> ObjectStat:
        return self._vault.stat(key)

    def list(self, prefix: str = "") -> Iterator[ObjectStat]:
        return self._vault.list(prefix)

    def delete(self, key: str) -> None:
        self._forget(key)
        self._vault.delete(key)

    def erase(self, key: str) -> None:
        self._forget(key)
        self._vault.erase(key)

    def locked_until(self, key: str) -> int | None:
        return self._vault.locked_until(key)

    def _forget(self, key: str) -> None:
        with self._lock:
            for held in [one for one in self._windows if one[0] == key]:
                del self._windows[held]
