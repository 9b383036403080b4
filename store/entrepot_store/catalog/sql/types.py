"""Column types that order and compare alike on SQLite and PostgreSQL: byte by byte."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine


class Identifier(TypeDecorator[UUID]):
    """A UUID: native on PostgreSQL, 16 bytes on SQLite. Both sort as the bytes do, and so as time does for our ids."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=True))
        return dialect.type_descriptor(LargeBinary(16))

    # Whole processors instead of process_bind_param: this runs for every row of a shipment.
    def bind_processor(self, dialect: Dialect) -> Callable[[UUID | None], Any] | None:
        if dialect.name == "postgresql":
            return None
        return lambda value: None if value is None else value.bytes

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], UUID | None] | None:
        if dialect.name == "postgresql":
            return None
        return lambda value: None if value is None else UUID(bytes=value)


Bytewise = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its UTF-8 bytes, which SQLite has by default and PostgreSQL under the C collation."""

Whole = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit integer; on SQLite spelled INTEGER, which alone makes a primary key its rowid."""
