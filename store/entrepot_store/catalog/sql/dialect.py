"""What has to be said differently to SQLite and to PostgreSQL in statements."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from .schema import Base

CHUNK = 500
"""Values in one IN (…); SQLite was built with limits as low as 999 variables a statement."""


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT. Both dialects have the same methods and no common type for them."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what every mapped class has
    return table
