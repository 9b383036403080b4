"""What has to be said differently to SQLite and to PostgreSQL in statements."""

from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from .schema import Base

CHUNK = 500
"""Values in one IN (…); SQLite was built with limits as low as 999 variables a statement."""


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT. Both dialects have the same methods and no common type for them."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)


def wait_for_turn(connection: Connection, what: str) -> None:
    """From here to the end of the transaction no other one passes the same point. SQLite has one writer anyway."""
    if not is_sqlite(connection):
        key = int.from_bytes(sha256(f"entrepot {what}".encode()).digest()[:8], signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(key)))


def keep_writers_out(connection: Connection, *models: type[Base]) -> None:
    """Waits for transactions that write to these tables, and lets no other one do so before this one has ended."""
    if not is_sqlite(connection):
        names = ", ".join(model.__tablename__ for model in models)
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what every mapped class has
    return table
