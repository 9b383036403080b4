"""Takes over what dead workers left behind.

A worker holds its lock for as long as it lives. Where the lock can be taken, its `.open` files will not grow any more:
they are renamed to `.abandoned` and shipped as far as they are whole, and the shipper reports the gap. Bodies of
exchanges that were in flight belong to no record; once all of a dead worker's files are shipped they go too.
"""

from ..spool.files import ABANDONED, LOCK, OPEN, SEALED, SpoolFolder, SpoolName, sync_folder

SHIPPER = "shipper"
"""Name of the lock that keeps a second shipper off the same spool."""


def take_abandoned(spool: SpoolFolder) -> list[SpoolName]:
    """Renames the open files of workers that are gone; returns their names, oldest first."""
    taken = []
    for name in spool.names(OPEN):
        lock = spool.lock(name.worker)
        if lock is None:
            continue
        try:
            if spool.open_path(name).exists():  # the worker may have sealed it and ended since the listing
                spool.open_path(name).rename(spool.abandoned_path(name))
                taken.append(name)
        finally:
            lock.release()
    if taken:
        sync_folder(spool.path)
    return taken


def sweep_dead_workers(spool: SpoolFolder) -> int:
    """Removes locks and left-over bodies of workers that are gone and fully shipped; returns how many bodies went."""
    removed = 0
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
        for body in spool.bodies_of(worker):
            body.unlink(missing_ok=True)
            removed += 1
        lock.release(remove=True)
    return removed


def _has_files(spool: SpoolFolder, worker: str) -> bool:
    return any(name.worker == worker for state in (OPEN, SEALED, ABANDONED) for name in spool.names(state))
