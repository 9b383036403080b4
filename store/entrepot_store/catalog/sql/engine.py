"""Connections to the catalog's database: one engine per process, tuned so that a commit survives a power cut.

The two databases differ here, in `errors.py` and in two statements of `shipping.py`; nowhere else.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ...errors import CatalogUnavailable, ConfigError
from .errors import translate_errors, translated

BUSY_SECONDS = 30.0
"""How long a writer waits for another one's transaction (SQLite has one writer at a time)."""
_WRITE = "entrepot_write"


class Database:
    """An engine with its two ways in: `reading()` and `writing()`. Safe to share between threads, not across a fork."""

    def __init__(self, url: str) -> None:
        """`url` is `sqlite:///FILE`, `postgresql://…` or `postgresql+psycopg://…`. Connects to nothing yet.

        Raises ConfigError."""
        parsed = _parse(url)
        self.location = parsed.render_as_string(hide_password=True)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.file = Path(parsed.database or "") if self.is_sqlite else None
        self.engine = _sqlite_engine(parsed) if self.is_sqlite else _postgres_engine(parsed)
        translate_errors(self.engine, self.location)
        self._writer = self.engine.execution_options(**{_WRITE: True})
        # SQLite's readers see one state anyway.
        snapshot: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = self.engine if self.is_sqlite else self.engine.execution_options(**snapshot)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements all see one state of the database."""
        with self._pooled(self._reader) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: durable when the block ends, undone when it raises."""
        with self._pooled(self._writer) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _pooled(self, engine: Engine) -> Iterator[Connection]:
        try:
            connection = engine.connect()
        except PoolTimeoutError:
            raise CatalogUnavailable(f"{self.location}: too many requests at once; all connections are busy.") from None
        with connection:
            yield connection


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    backend = parsed.get_backend_name() if parsed else ""
    if parsed and backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed.set(drivername="sqlite+pysqlite")
    if parsed and backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    shown = parsed.render_as_string(hide_password=True) if parsed else url.rpartition("@")[2]
    raise ConfigError(
        f"catalog: {shown!r} is not the URL of a database that keeps a catalog.",
        hint="Use sqlite:////absolute/FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE.",
    )


def _postgres_engine(url: URL) -> Engine:
    # pre-ping: after a restart of PostgreSQL the pool's connections are dead, and the next caller should not notice.
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=16,
        connect_args={"connect_timeout": 10, "application_name": "entrepot"},
    )


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=8, max_overflow=16)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        # Transactions are begun below: the driver's own habit begins none before a SELECT and a deferred one before
        # a write, which then fails instead of waiting when another writer was quicker.
        connection.isolation_level = None
        for pragma in (
            "synchronous = FULL",  # the spool file is deleted after a commit: it must survive a power cut, in WAL too
            "foreign_keys = ON",
            "cache_size = -16384",  # KiB
            "temp_store = MEMORY",
            "journal_size_limit = 67108864",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def prepare_sqlite_file(file: Path, location: str) -> None:
    """Makes the file, readable by its owner alone, in WAL mode: readers and the one writer do not wait for each other.

    The WAL and its index take their permissions from the file.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: a file that is there must not be opened and closed, since closing any descriptor of it drops the locks
        # that this process's other connections hold, and another process would then take their WAL away.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass  # checked by connecting to it, below
    except OSError as error:
        raise CatalogUnavailable(
            f"{location}: the file cannot be made or written: {error.strerror}.",
            hint="The catalog's folder must belong to the user that runs Entrepot.",
        ) from error
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
        except sqlite3.Error as error:
            # The change to WAL does not wait for another process that is making it, whatever the timeout says.
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise translated(error, location) from error
            time.sleep(0.01)
        else:
            return
