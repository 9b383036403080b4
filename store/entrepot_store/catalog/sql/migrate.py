"""Brings the database to this version's schema when those open the catalog who write to it all the time; everybody else
only looks whether it is there already.

Several processes may open one at the same moment: whoever gets the lock migrates, in one transaction, and the others
find the work done. The revision is the beginning of a migration's file name, so the usual case, nothing to do, costs
one query and does not even load Alembic, a fifth of the time a command line takes to start.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ...errors import NotFound, TooNew, TooOld
from .dialect import wait_for_turn
from .engine import Database

SCRIPTS = Path(__file__).parent.parent / "migrations"


def known_revisions() -> list[str]:
    """Of this version, oldest first."""
    return sorted(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*_*.py"))


def check_schema(database: Database, *, empty: bool = False) -> None:
    """Changes nothing. `empty` allows a database without our tables.

    Raises NotFound where there are no tables, TooOld for those of an older Entrepot, and as `migrate`."""
    newest = known_revisions()[-1]
    with database.reading() as connection:
        if _has(connection, newest, database.location):
            return
        found = _revisions(connection)
    if found:
        raise TooOld(
            f"{database.location}: the catalog has schema {', '.join(sorted(found))} of an older Entrepot; "
            f"this version needs {newest}.",
            hint="`entrepot up` and `entrepot ship` change it when they start; `entrepot ship --drain` does and ends.",
        )
    if not empty:
        raise NotFound(
            f"There is no catalog in {database.location}.",
            hint="`entrepot up` and `entrepot ship` make one; one that was lost is made again by "
            "`entrepot rebuild-catalog`.",
        )


def migrate(database: Database, target: str = "") -> None:
    """Up to the newest revision, or to `target`.

    Raises TooNew if a newer Entrepot migrated it, CatalogUnavailable as every call."""
    target = target or known_revisions()[-1]
    with database.reading() as connection:
        if _has(connection, target, database.location):
            return
    with database.writing() as connection:
        wait_for_turn(connection, "migration")
        if not _has(connection, target, database.location):
            from alembic import command
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, target)


def _has(connection: Connection, target: str, location: str) -> bool:
    found = _revisions(connection)
    known = known_revisions()
    if not found <= set(known):
        raise TooNew(
            f"{location}: the catalog has schema {', '.join(sorted(found))}; this version knows up to {known[-1]}.",
            hint="Use the newer Entrepot, or rebuild the catalog in another database with `entrepot rebuild-catalog`.",
        )
    return any(revision >= target for revision in found)


def _revisions(connection: Connection) -> set[str]:
    if not inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
