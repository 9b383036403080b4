"""Writes index fields, and says conditions on them in SQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, select

from ..fields import FieldCondition, FieldRow, Operator
from .bulk import insert_rows
from .dialect import is_sqlite, table_of
from .field_schema import Field
from .prefix import begins_with


def add_fields(connection: Connection, rows: Sequence[FieldRow]) -> None:
    """Adds those that are new."""
    if not rows:
        return
    ids: dict[UUID, Any] = {row.exchange: row.exchange for row in rows}
    if is_sqlite(connection):
        ids = {identifier: identifier.bytes for identifier in ids}
    values = [
        (ids[row.exchange], row.name, row.value.text, row.value.kind.value, row.value.number)
        for row in sorted(rows, key=lambda row: (row.exchange.int, row.name, row.value.text))
    ]
    insert_rows(connection, table_of(Field), values, lambda insert: insert.on_conflict_do_nothing())


def exchanges_with(condition: FieldCondition) -> Select[Any]:
    """The ids of exchanges for which it holds."""
    return select(Field.exchange_id).where(*field_conditions(condition))


def field_conditions(condition: FieldCondition) -> tuple[ColumnElement[bool], ...]:
    """On the columns of `fields`."""
    named = Field.name == condition.name
    wanted = condition.wanted
    match condition.operator:
        case Operator.EQUAL:
            return named, Field.text_value == wanted.text
        case Operator.PREFIX:
            return named, begins_with(Field.text_value, condition.value)
    column: Any = Field.text_value if wanted.number is None else Field.number_value
    bound: Any = wanted.text if wanted.number is None else wanted.number
    compared: dict[Operator, ColumnElement[bool]] = {
        Operator.AT_LEAST: column >= bound,
        Operator.ABOVE: column > bound,
        Operator.AT_MOST: column <= bound,
        Operator.BELOW: column < bound,
    }
    return named, Field.kind == wanted.kind.value, compared[condition.operator]
