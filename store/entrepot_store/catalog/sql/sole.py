"""A lock for chores that only one process may do at a time. It ends with the process that holds it, whatever ends that,
and so needs no clock: a lock on a file beside a SQLite catalog, a session's advisory lock on PostgreSQL.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from sqlalchemy import func, select

from ...errors import Busy
from .engine import Database


@contextmanager
def sole(database: Database, what: str) -> Iterator[None]:
    """Raises Busy while another process (or another thread of this one) is at `what`."""
    with _file_lock(database.file, what) if database.file is not None else _session_lock(database, what):
        yield


@contextmanager
def _file_lock(file: Path, what: str) -> Iterator[None]:
    descriptor = os.open(file.with_name(f"{file.name}.{what}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(what) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _session_lock(database: Database, what: str) -> Iterator[None]:
    key = int.from_bytes(sha256(f"entrepot sole {what}".encode()).digest()[:8], signed=True)
    # Without a transaction: one that stays open for hours would keep PostgreSQL from tidying up.
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(select(func.pg_try_advisory_lock(key))).scalar_one():
            raise _busy(what)
        try:
            yield
        finally:
            connection.execute(select(func.pg_advisory_unlock(key)))


def _busy(what: str) -> Busy:
    return Busy(f"Another process is at {what}.", hint="Only one may compact, prune or expunge at a time; wait for it.")
