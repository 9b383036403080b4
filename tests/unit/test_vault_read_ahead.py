"""Reading ahead: fewer reads of what is underneath, the same bytes, and memory that stays bounded."""

import os
import time
from pathlib import Path

import pytest

from entrepot_store.errors import NotFound
from entrepot_store.vault import read_ahead
from entrepot_store.vault.memory import MemoryVault
from entrepot_store.vault.read_ahead import WINDOW, ReadAheadVault

KEY = "segments/one"


class Counting(MemoryVault):
    """Notes every read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[int, int | None]] = []

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        self.reads.append((start, length))
        return super().get(key, start, length)


@pytest.fixture
def content() -> bytes:
    return os.urandom(3 * WINDOW + 1000)


@pytest.fixture
def counting(tmp_path: Path, content: bytes) -> Counting:
    (tmp_path / "object").write_bytes(content)
    vault = Counting()
    vault.put(KEY, tmp_path / "object")
    return vault


def test_neighbours_are_read_together(counting: Counting, content: bytes) -> None:
    vault = ReadAheadVault(counting)
    for start in range(0, len(content), 700):
        assert vault.get(KEY, start, 700) == content[start : start + 700]
    assert len(counting.reads) <= 6  # the first record by itself, then the windows


def test_a_single_read_reads_no_more_than_it_wants(counting: Counting) -> None:
    vault = ReadAheadVault(counting)
    for start in (0, 2 * WINDOW):
        vault.get(KEY, start, 100)
    assert counting.reads == [(0, 100), (2 * WINDOW, 100)]


def test_long_reads_and_ends_are_those_of_the_vault_underneath(counting: Counting, content: bytes) -> None:
    vault = ReadAheadVault(counting)
    end = len(content)
    for start, length in ((0, None), (5, WINDOW + 1), (end - 10, 100), (end - 10, 100), (end - 5, None), (0, WINDOW)):
        assert vault.get(KEY, start, length) == counting.get(KEY, start, length)


def test_memory_is_bounded(counting: Counting, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(read_ahead, "_HELD", 2)
    vault = ReadAheadVault(counting)
    for _ in range(2):
        for start in range(0, len(content), 5000):
            assert vault.get(KEY, start, 5000) == content[start : start + 5000]
            held = [data for _, data in vault._windows.values()]
            assert len(held) <= 2


def test_what_is_erased_does_not_live_on(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = ReadAheadVault(counting)
    for _ in range(3):
        vault.get(KEY, 0, 10)
    counting.erase(KEY)  # by another process
    now = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with pytest.raises(NotFound):
        vault.get(KEY, 0, 10)


def test_what_it_erases_itself_is_gone_at_once(counting: Counting) -> None:
    vault = ReadAheadVault(counting)
    for _ in range(3):
        vault.get(KEY, 0, 10)
    vault.erase(KEY)
    with pytest.raises(NotFound):
        vault.get(KEY, 0, 10)
