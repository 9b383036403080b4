"""Names, states and owners of spool files.

    spool/<name>.open      being written by its worker
    spool/<name>.sealed    ended by its worker; the shipper's to ship and delete
    spool/<name>.abandoned its worker died while writing it; shipped like a sealed one, and reported as a gap
    spool/<name>.damaged   was shipped as far as it was readable and is kept for a person to look at
    spool/<worker>.lock    held (flock) by the worker for as long as it lives, removed when it ends in good order
    spool/bodies/<worker>.<exchange>.<request|response>   bodies too long for a frame

An `.open` file whose worker's lock can be taken belongs to nobody any more: its worker died. The kernel drops the
lock with the process, whatever ended it, so a lock never outlives its owner.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

OPEN, SEALED, ABANDONED, DAMAGED, LOCK = ".open", ".sealed", ".abandoned", ".damaged", ".lock"
_NAME = re.compile(r"(?P<time>\d{8}T\d{12}Z)-(?P<worker>[a-z0-9]+)-(?P<sequence>\d{6,})")
_WORKER = re.compile(r"[a-z0-9]{1,40}")


@dataclass(slots=True, frozen=True, order=True)
class SpoolName:
    """`20261122T125002123456Z-9f3c1a2b-000001`: when the file was begun, its worker, its number in the worker's run.

    Sorts by time. The names of the segments made from the file are derived from it, so shipping twice is harmless.
    """

    created: int
    worker: str
    sequence: int

    def __str__(self) -> str:
        moment = datetime.fromtimestamp(self.created // 1_000_000, UTC)
        return f"{moment:%Y%m%dT%H%M%S}{self.created % 1_000_000:06d}Z-{self.worker}-{self.sequence:06d}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for anything that `str` did not make."""
        match = _NAME.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is not the name of a spool file")
        moment = datetime.strptime(match["time"][:15] + "+0000", "%Y%m%dT%H%M%S%z")  # ValueError for a 13th month
        created = int(moment.timestamp()) * 1_000_000 + int(match["time"][15:21])
        return cls(created, match["worker"], int(match["sequence"]))

    @classmethod
    def is_one(cls, text: str) -> bool:
        try:
            return str(cls.parse(text)) == text
        except ValueError:
            return False

    def segment_key(self, retention_class: str) -> str:
        """`segments/config/2026/11/22/<name>.warc.zst`"""
        moment = datetime.fromtimestamp(self.created // 1_000_000, UTC)
        return f"segments/{retention_class}/{moment:%Y/%m/%d}/{self}.warc.zst"


class WorkerLock:
    """The lock a worker holds while it lives; also taken by the shipper to find out that it does not."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self.path = path

    def touch(self, now: int) -> None:
        """Dates the lock's file, `now` in microseconds: the last sign of life of a worker that is killed. Raises
        OSError."""
        os.utime(self._descriptor, ns=(now * 1000, now * 1000))

    def release(self, *, remove: bool = False) -> None:
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


class SpoolFolder:
    """The folder of one spool. Creating it makes the folders (0700); whoever writes files in them makes those 0600."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bodies = path / "bodies"
        self.bodies.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)

    def open_path(self, name: SpoolName) -> Path:
        return self.path / f"{name}{OPEN}"

    def sealed_path(self, name: SpoolName) -> Path:
        return self.path / f"{name}{SEALED}"

    def abandoned_path(self, name: SpoolName) -> Path:
        return self.path / f"{name}{ABANDONED}"

    def damaged_path(self, name: SpoolName) -> Path:
        return self.path / f"{name}{DAMAGED}"

    def body_path(self, file: str) -> Path:
        """Where a `Body.file` is. Raises ValueError for a name that would leave the folder."""
        if "/" in file or file in ("", ".", "..") or "\x00" in file:
            raise ValueError(f"{file!r} is not the name of a spooled body")
        return self.bodies / file

    def names(self, state: str) -> list[SpoolName]:
        """All files in one state (one of the suffixes above), oldest first. Files with other names are not ours."""
        named = (entry.name.removesuffix(state) for entry in self._entries(self.path) if entry.name.endswith(state))
        return sorted(SpoolName.parse(name) for name in named if SpoolName.is_one(name))

    def size(self) -> int:
        """Bytes of everything in the spool: what is compared with `spool.max_bytes`."""
        total = 0
        for folder in (self.path, self.bodies):
            for entry in self._entries(folder):
                try:
                    total += entry.stat().st_size
                except FileNotFoundError:
                    continue  # shipped and deleted since it was listed
        return total

    def lock(self, worker: str) -> WorkerLock | None:
        """The worker's lock, or None while another process holds it. Raises ValueError for a malformed worker name."""
        if not _WORKER.fullmatch(worker):
            raise ValueError(f"{worker!r} is not a worker name: up to 40 lower-case letters and digits")
        path = self.path / f"{worker}{LOCK}"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            # Whoever held it may have removed the file between our open and our lock: then we hold a ghost.
            try:
                if os.fstat(descriptor).st_ino == path.stat().st_ino:
                    return WorkerLock(descriptor, path)
            except FileNotFoundError:
                pass  # removed: try again with the file that is there by now, or a new one
            os.close(descriptor)

    def bodies_of(self, worker: str) -> list[Path]:
        return [Path(entry.path) for entry in self._entries(self.bodies) if entry.name.startswith(f"{worker}.")]

    @staticmethod
    def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if entry.is_file(follow_symlinks=False))


def sync_folder(path: Path) -> None:
    """Makes a creation, rename or deletion in the folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
