"""The one place where the databases' errors become ours: a listener on the engine, so nothing can go around it."""

import sqlite3

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from ...errors import BadInput, CatalogUnavailable, Damaged, EntrepotError


def translate_errors(engine: Engine, location: str) -> None:
    """Makes every error of this engine's connections one of `entrepot_store.errors`; `location` names the catalog."""

    def listener(context: ExceptionContext) -> None:
        # A pool's ping is SQLAlchemy's to judge: a dead connection is replaced, and nobody need know.
        if not context.is_pre_ping and not isinstance(context.original_exception, EntrepotError):
            raise translated(context.original_exception, location) from context.original_exception

    event.listen(engine, "handle_error", listener)


def translated(error: BaseException, location: str) -> EntrepotError:
    """What a driver's error means to the user."""
    reason = _sentence(error)
    if isinstance(error, psycopg.Error):
        return _postgres(error, reason, location)
    if isinstance(error, sqlite3.Error):
        return _sqlite(error, reason, location)
    if isinstance(error, (UnicodeError, OverflowError)):  # the driver could not even write the statement
        return BadInput(f"The catalog cannot hold or compare a value: {reason}.")
    return CatalogUnavailable(f"{location}: {type(error).__name__}: {reason}.")


def _sqlite(error: sqlite3.Error, reason: str, location: str) -> EntrepotError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Damaged(
            f"{location}: {reason}.",
            hint="Move the file away and run `entrepot rebuild-catalog`: the vault has it all.",
        )
    if isinstance(error, (sqlite3.DataError, sqlite3.InterfaceError)) or code == sqlite3.SQLITE_TOOBIG:
        return BadInput(f"The catalog cannot hold or compare a value: {reason}.")
    hints = {
        sqlite3.SQLITE_FULL: "Free space on the catalog's disk; captures wait in the spool until then.",
        sqlite3.SQLITE_BUSY: "Another process has held the catalog for long; try again.",
        sqlite3.SQLITE_READONLY: "The user that runs Entrepot must own the catalog's file and folder.",
        sqlite3.SQLITE_CANTOPEN: "The catalog's folder must exist and belong to the user that runs Entrepot.",
    }
    return CatalogUnavailable(
        f"{location}: {reason}.", hint=hints.get(code, "Look at the disk that holds the catalog.")
    )


def _postgres(error: psycopg.Error, reason: str, location: str) -> EntrepotError:
    # A program limit is met by one value, such as a text too long for its index; other shipments fare better.
    if isinstance(error, psycopg.DataError | psycopg.errors.ProgramLimitExceeded):
        return BadInput(f"The catalog cannot hold or compare a value: {reason}.")
    state = error.sqlstate or ""
    hint = "Is PostgreSQL running there? `catalog` in entrepot.toml or ENTREPOT_CATALOG says where it is."
    if "authentication failed" in reason or "no password supplied" in reason:
        hint = "User and password are part of `catalog` in entrepot.toml or ENTREPOT_CATALOG."
    elif state == "3D000" or ("database" in reason and "does not exist" in reason):
        hint = "Make it with CREATE DATABASE; Entrepot makes its tables in it."
    elif state == "42501":
        hint = "The catalog's user needs the right to create tables in its database and to write to them."
    elif state:
        hint = "PostgreSQL's own log says more."
    return CatalogUnavailable(f"{location}: {reason}.", hint=hint)


def _sentence(error: BaseException) -> str:
    """The first line of what the driver says, without the full stop that the message adds."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(". ") if lines else type(error).__name__
