"""An ExchangeFilter as SQL conditions."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, UnaryExpression, false, func, literal_column, or_, true
from sqlalchemy.sql.operators import custom_op

from ...errors import BadInput
from ...model import id_floor
from ...rules.template import ACROSS, PathTemplate
from ..filters import ExchangeFilter
from .fields import exchanges_with
from .prefix import begins_with
from .schema import INDEXED_PATH, Exchange

type Condition = ColumnElement[bool]
type Columns = Callable[[str], ColumnElement[Any]]
"""Gives a column of `exchanges` by name; `hiding` gives some of them in a form no index serves."""

_LAST_MICROS = ((1 << 48) - 1) * 1000
"""The last moment an id can name, in the year 10889."""
_MEDIA_RANGE = re.compile(r"[a-z0-9!#$&^_.+*-]+/[a-z0-9!#$&^_.+*-]+")
_STATUS_CLASS = re.compile(r"[1-9]xx")


def plain(name: str) -> ColumnElement[Any]:
    return Exchange.__table__.c[name]


def hiding(*names: str) -> Columns:
    """Columns with these hidden from SQLite's planner."""

    def column(name: str) -> ColumnElement[Any]:
        found = plain(name)
        return UnaryExpression(found, operator=custom_op("+"), type_=found.type) if name in names else found

    return column


def conditions(where: ExchangeFilter, column: Columns = plain) -> list[Condition]:
    """All of them must hold. Raises BadInput for a malformed status, content type or template."""
    return [
        *_values(where, column),
        *_path(where, column("path")),
        *_status(where, column("status")),
        *_media_type(where, column("media_type")),
        *_time(where, column("id")),
        *_size(where, column),
        *(column("id").in_(exchanges_with(condition)) for condition in where.fields),
    ]


def path_template(text: str) -> PathTemplate:
    """Raises BadInput where compiling raises ValueError."""
    try:
        return PathTemplate.compile(text)
    except ValueError as error:
        raise BadInput(f"path template: {error}.") from None


def _values(where: ExchangeFilter, column: Columns) -> Iterator[Condition]:
    for name in ("source", "destination", "method", "rule", "retention_class"):
        values = getattr(where, name)
        if values:
            yield column(name) == values[0] if len(values) == 1 else column(name).in_(values)
    if where.trace_id is not None:
        yield column("trace_id") == where.trace_id
    if where.complete is not None:
        # Spelled like the condition of the partial index: SQLite uses one only for what is written in the query.
        yield column("complete") == (true() if where.complete else false())


def _path(where: ExchangeFilter, column: ColumnElement[str]) -> Iterator[Condition]:
    # What PostgreSQL's index holds; spelled like the index, which is used for nothing else.
    start = func.substr(column, literal_column("1"), literal_column(str(INDEXED_PATH)))
    if where.path is not None:
        yield column == where.path
        yield start == where.path[:INDEXED_PATH]
    if where.path_prefix is not None:
        yield begins_with(column, where.path_prefix)
        yield begins_with(start, where.path_prefix[:INDEXED_PATH])
    if where.path_template is None:
        return
    # What every matching path satisfies. A few others may too (`lookup` asks the template itself), but hardly any
    # once the number of segments is right.
    template = path_template(where.path_template)
    yield begins_with(column, template.literal_prefix)
    yield begins_with(start, template.literal_prefix[:INDEXED_PATH])
    yield column.like(template.sql_like, escape="\\")
    if (ACROSS,) not in template.segments:
        yield func.length(column) - func.length(func.replace(column, "/", "")) == len(template.segments)


def _status(where: ExchangeFilter, column: ColumnElement[int]) -> Iterator[Condition]:
    if not where.status:
        return
    if all(str(status)[:1] in "45" for status in where.status):
        yield column >= literal_column("400")  # the condition of the partial index, see `_values`
    yield or_(*(_one_status(status, column) for status in where.status))


def _one_status(status: int | str, column: ColumnElement[int]) -> Condition:
    text = str(status).lower()
    if _STATUS_CLASS.fullmatch(text):
        first = int(text[0]) * 100
        return column.between(first, first + 99)
    if text.isascii() and text.isdigit() and len(text) == 3:
        return column == int(text)
    raise BadInput(f"{status!r} is neither a status such as 404 nor a class such as 5xx.")


def _media_type(where: ExchangeFilter, column: ColumnElement[str]) -> Iterator[Condition]:
    if where.content_type:
        yield or_(*(_one_media_type(pattern, column) for pattern in where.content_type))


def _one_media_type(pattern: str, column: ColumnElement[str]) -> Condition:
    wanted = pattern.strip().lower()
    if not _MEDIA_RANGE.fullmatch(wanted):
        raise BadInput(f"{pattern!r} is neither a media type such as application/json nor a range such as text/*.")
    if "*" not in wanted:
        return column == wanted
    return column.like(wanted.replace("_", "\\_").replace("*", "%"), escape="\\")


def _time(where: ExchangeFilter, column: ColumnElement[Any]) -> Iterator[Condition]:
    if where.since is not None and where.since > 0:
        # Behind the last moment that an id can name there is nothing.
        yield column >= id_floor(where.since) if where.since <= _LAST_MICROS else false()
    if where.until is not None and where.until <= _LAST_MICROS:
        yield column < id_floor(where.until)


def _size(where: ExchangeFilter, column: Columns) -> Iterator[Condition]:
    size = column("request_size") + func.coalesce(column("response_size"), 0)
    if where.min_size is not None:
        yield size >= where.min_size
    if where.max_size is not None:
        yield size <= where.max_size
