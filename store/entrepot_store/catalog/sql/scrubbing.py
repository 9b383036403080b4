"""What was erased leaves the database's own files too: SQLite keeps deleted rows in free pages, in the gaps of others,
and in its write-ahead log, until something else is written there.

PostgreSQL keeps them likewise, in dead tuples and in its log, which are its operator's to rewrite: a `VACUUM FULL`
locks whole tables, and archived logs are out of our reach.
"""

import sqlite3
from contextlib import closing

from ...errors import Busy
from .engine import BUSY_SECONDS, Database
from .errors import translated


def scrub(database: Database) -> None:
    """Writes a SQLite database anew and empties its write-ahead log; takes room for a second copy of it meanwhile.

    `secure_delete` is no substitute: it leaves copies of rows that had moved from one page to another before.
    """
    if database.file is None:
        return
    try:
        with closing(sqlite3.connect(database.file, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            blocked, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise translated(error, database.location) from error
    if blocked:
        raise Busy(
            f"{database.location}: a long reading keeps old pages of the database, which hold what was erased.",
            hint="Run `entrepot expunge --yes` again when it has ended; the rest is done.",
        )
