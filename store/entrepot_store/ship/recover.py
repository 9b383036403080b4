"""Takes over what dead workers left behind.

A worker holds its lock for as long as it lives, and removes the lock's file when it ends in good order. Where a lock
can be taken, its worker's `.open` files will not grow any more: they are renamed to `.abandoned` and shipped as far as
they are whole, and the shipper reports the gap. A worker that was killed while no file of its was open leaves nothing
but its lock; an `.abandoned` file is made for it, so that this gap takes the same way. Bodies of exchanges that were in
flight belong to no record; once all of a dead worker's files are shipped they go too.
"""

import os
from pathlib import Path

from ..spool.files import ABANDONED, LOCK, OPEN, SEALED, SpoolFolder, SpoolName, sync_folder
from ..spool.frames import FILE_MAGIC, encode_frame
from ..spool.records import Head, pack_head

SHIPPER = "shipper"
"""Name of the lock that keeps a second shipper off the same spool."""

LAST_WORD = 0
"""Number of the file that is made for a worker that left none; its own files are numbered from 1."""

_REPORTED = b"gap reported"
"""Content of the lock of a dead worker whose gap is on its way."""


def take_abandoned(spool: SpoolFolder) -> list[SpoolName]:
    """Renames the open files of workers that are gone; returns their names, oldest first."""
    taken = []
    for name in spool.names(OPEN):
        lock = spool.lock(name.worker)
        if lock is None:
            continue
        try:
            if spool.open_path(name).exists():  # the worker may have sealed it and ended since the listing
                lock.path.write_bytes(_REPORTED)
                spool.open_path(name).rename(spool.abandoned_path(name))
                taken.append(name)
        finally:
            lock.release()
    if taken:
        sync_folder(spool.path)
    return taken


def sweep_dead_workers(spool: SpoolFolder) -> int:
    """Removes locks and left-over bodies of workers that are gone, fully shipped and reported; has a gap reported for
    those that were killed with no file open. Returns how many files of the latter kind there are to ship now."""
    made = 0
    for path in spool.path.glob(f"*{LOCK}"):
        worker = path.name.removesuffix(LOCK)
        if worker == SHIPPER or _has_files(spool, worker):
            continue
        lock = spool.lock(worker)
        if lock is None:
            continue
        if _has_files(spool, worker):  # it may have written, sealed and ended between our look and our lock
            lock.release()
            continue
        if path.read_bytes() != _REPORTED:
            _make_last_word(spool, path, worker)
            made += 1
            lock.release()
            continue
        for body in spool.bodies_of(worker):
            body.unlink(missing_ok=True)
        lock.release(remove=True)
    return made


def _make_last_word(spool: SpoolFolder, lock: Path, worker: str) -> None:
    """An `.abandoned` file that holds nothing, begun when the worker last touched its lock. Its name is the same
    however often it is made, so a crash in here has the gap reported once."""
    name = SpoolName(lock.stat().st_mtime_ns // 1000, worker, LAST_WORD)
    content = FILE_MAGIC + encode_frame(pack_head(Head(worker, LAST_WORD, name.created)))
    aside = spool.path / f".{name}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    aside.rename(spool.abandoned_path(name))
    sync_folder(spool.path)
    lock.write_bytes(_REPORTED)


def _has_files(spool: SpoolFolder, worker: str) -> bool:
    return any(name.worker == worker for state in (OPEN, SEALED, ABANDONED) for name in spool.names(state))
