"""Brings the database to this version's schema when a catalog is opened.

Several processes may open one at the same moment: whoever gets the lock migrates, in one transaction, and the others
find the work done. The revision is the beginning of a migration's file name, so the usual case, nothing to do, costs
one query and does not even load Alembic, a fifth of the time a command line takes to start.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ...errors import TooNew
from .dialect import wait_for_turn
from .engine import Database

SCRIPTS = Path(__file__).parent.parent / "migrations"


def known_revisions() -> list[str]:
    """Of this version, oldest first."""
    return sorted(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*_*.py"))


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
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    known = known_revisions()
    if not found <= set(known):
        raise TooNew(
            f"{location}: the catalog has schema {', '.join(sorted(found))}; this version knows up to {known[-1]}.",
            hint="Use the newer Entrepot, or rebuild the catalog in another database with `entrepot rebuild-catalog`.",
        )
    return any(revision >= target for revision in found)
