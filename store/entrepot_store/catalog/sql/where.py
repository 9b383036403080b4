"""An ExchangeFilter as SQL conditions."""

import re
from collections.abc import Iterator

from sqlalchemy import ColumnElement, and_, false, func, or_
from sqlalchemy.orm import InstrumentedAttribute

from ...errors import BadInput
from ...model import id_floor
from ...rules.template import ACROSS, PathTemplate
from ..filters import ExchangeFilter
from .schema import Exchange

type Column = InstrumentedAttribute[str]

_LAST_MICROS = ((1 << 48) - 1) * 1000
"""The last moment an id can name, in the year 10889."""
_MEDIA_RANGE = re.compile(r"[a-z0-9!#$&^_.+*-]+/[a-z0-9!#$&^_.+*-]+")
_STATUS_CLASS = re.compile(r"[1-9]xx")


def conditions(where: ExchangeFilter) -> list[ColumnElement[bool]]:
    """All of them must hold. Raises BadInput for a malformed status, content type or template."""
    return list(_conditions(where))


def _conditions(where: ExchangeFilter) -> Iterator[ColumnElement[bool]]:
    columns = Exchange
    for column, values in (
        (columns.source, where.source),
        (columns.destination, where.destination),
        (columns.method, where.method),
        (columns.rule, where.rule),
        (columns.retention_class, where.retention_class),
    ):
        if values:
            yield column == values[0] if len(values) == 1 else column.in_(values)
    if where.path is not None:
        yield columns.path == where.path
    if where.path_prefix is not None:
        yield begins_with(columns.path, where.path_prefix)
    if where.path_template is not None:
        yield from _template(path_template(where.path_template))
    if where.status:
        yield or_(*map(_status, where.status))
    if where.content_type:
        yield or_(*map(_media_type, where.content_type))
    yield from _time(where)
    yield from _size(where)
    if where.complete is not None:
        yield columns.complete.is_(where.complete)
    if where.trace_id is not None:
        yield columns.trace_id == where.trace_id


def path_template(text: str) -> PathTemplate:
    """Raises BadInput where compiling raises ValueError."""
    try:
        return PathTemplate.compile(text)
    except ValueError as error:
        raise BadInput(f"path template: {error}.") from None


def begins_with(column: Column, prefix: str) -> ColumnElement[bool]:
    """A range, and not LIKE, because an index serves a range whatever the collation and the case."""
    last = prefix.rstrip(chr(0x10FFFF))
    if not last:
        return column >= prefix
    follower = ord(last[-1]) + 1
    if 0xD800 <= follower <= 0xDFFF:  # surrogates are no characters
        follower = 0xE000
    return and_(column >= prefix, column < last[:-1] + chr(follower))


def _template(template: PathTemplate) -> Iterator[ColumnElement[bool]]:
    """What every matching path satisfies. A few others may too (`lookup` asks the template itself), but with the
    number of segments fixed there are hardly any."""
    yield begins_with(Exchange.path, template.literal_prefix)
    yield Exchange.path.like(template.sql_like, escape="\\")
    if (ACROSS,) not in template.segments:
        slashes = func.length(Exchange.path) - func.length(func.replace(Exchange.path, "/", ""))
        yield slashes == len(template.segments)


def _status(status: int | str) -> ColumnElement[bool]:
    text = str(status).lower()
    if _STATUS_CLASS.fullmatch(text):
        first = int(text[0]) * 100
        return Exchange.status.between(first, first + 99)
    if text.isascii() and text.isdigit() and len(text) == 3:
        return Exchange.status == int(text)
    raise BadInput(f"{status!r} is neither a status such as 404 nor a class such as 5xx.")


def _media_type(pattern: str) -> ColumnElement[bool]:
    wanted = pattern.strip().lower()
    if not _MEDIA_RANGE.fullmatch(wanted):
        raise BadInput(f"{pattern!r} is neither a media type such as application/json nor a range such as text/*.")
    if "*" not in wanted:
        return Exchange.media_type == wanted
    escaped = wanted.replace("_", "\\_").replace("*", "%")
    return Exchange.media_type.like(escaped, escape="\\")


def _time(where: ExchangeFilter) -> Iterator[ColumnElement[bool]]:
    if where.since is not None and where.since > 0:
        # Behind the last moment that an id can name there is nothing.
        yield Exchange.id >= id_floor(where.since) if where.since <= _LAST_MICROS else false()
    if where.until is not None and where.until <= _LAST_MICROS:
        yield Exchange.id < id_floor(where.until)


def _size(where: ExchangeFilter) -> Iterator[ColumnElement[bool]]:
    size = Exchange.request_size + func.coalesce(Exchange.response_size, 0)
    if where.min_size is not None:
        yield size >= where.min_size
    if where.max_size is not None:
        yield size <= where.max_size
