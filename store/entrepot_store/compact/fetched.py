"""A segment of the vault, brought to the local disk because all of it will be read, parts of it twice."""

import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from ..segment.sources import FileSource
from ..vault import Vault

_CHUNK = 1024 * 1024


class FetchedSource:
    """The RangeSource port on a local copy, which is made at once and belongs to the caller."""

    def __init__(self, vault: Vault, key: str, path: Path) -> None:
        """Raises what the vault raises, and OSError."""
        self._identity = (vault.location, key)
        self._file = FileSource(path)
        with vault.open(key) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, _CHUNK)

    @property
    def name(self) -> str:
        return self._identity[1]

    @property
    def identity(self) -> tuple[str, str]:
        return self._identity

    @property
    def size(self) -> int:
        return self._file.size

    def read(self, start: int, length: int) -> bytes:
        return self._file.read(start, length)

    def open(self, start: int, length: int | None = None) -> AbstractContextManager[BinaryIO]:
        return self._file.open(start, length)
