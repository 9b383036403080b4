"""Chooses the index that a listing walks, so that a page costs the same in a small catalog and in a large one.

Every index but the path's ends in the id, which is time: a walk along one needs no sort and stops after a page.
PostgreSQL knows its data and finds the index itself. SQLite's planner would take any index that fits, and then fetch
and sort all that matches; it is told by hiding the other columns behind a unary plus, as its documentation advises.

Several values of one column make as many walks, whose pages are merged: an index on (destination, id) is in order of
id for one destination only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from sqlalchemy import Connection, func, literal, select

from ..fields import FieldCondition, Operator
from ..filters import ExchangeFilter
from .dialect import is_sqlite
from .prefix import begins_with
from .schema import Exchange
from .where import path_template

_FEW = 2000
"""Matches of a path prefix that may be sorted for every page."""
_WALKS = 16
"""More values than this are looked for along the time instead."""


class Index(Enum):
    """What a walk goes along."""

    TRACE = "trace_id"
    PATH = "path"
    PATH_RANGE = "path range"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    DESTINATION = "destination"
    SOURCE = "source"
    TIME = "time"
    FIELD = "field"


@dataclass(slots=True, frozen=True)
class Walk:
    """One walk: a filter, with one value at most in the column of the index. A walk along the values of a field has
    that condition in `field` and no longer in `where`."""

    where: ExchangeFilter
    index: Index
    field: FieldCondition | None = None


def walks(connection: Connection, where: ExchangeFilter) -> list[Walk]:
    """Together they find what `where` finds, each exchange once."""
    exact = [condition for condition in where.fields if condition.operator is Operator.EQUAL]
    if exact and where.trace_id is None:
        rest = tuple(condition for condition in where.fields if condition is not exact[0])
        return [Walk(replace(where, fields=rest), Index.FIELD, exact[0])]
    index = _index(connection, where)
    if index is Index.DESTINATION:
        return [Walk(replace(where, destination=(value,)), index) for value in dict.fromkeys(where.destination)]
    if index is Index.SOURCE:
        return [Walk(replace(where, source=(value,)), index) for value in dict.fromkeys(where.source)]
    return [Walk(where, index)]


def _index(connection: Connection, where: ExchangeFilter) -> Index:
    """The most selective index, by what usually is: one trace, one path, failures, one product."""
    if where.trace_id is not None:
        return Index.TRACE
    if where.path is not None:
        return Index.PATH
    if is_sqlite(connection) and _few_paths(connection, where):
        return Index.PATH_RANGE
    if where.status and all(str(status)[:1] in "45" for status in where.status):
        return Index.FAILED
    if where.complete is False:
        return Index.INCOMPLETE
    if 1 <= len(where.destination) <= _WALKS:
        return Index.DESTINATION
    if 1 <= len(where.source) <= _WALKS:
        return Index.SOURCE
    return Index.TIME


def _few_paths(connection: Connection, where: ExchangeFilter) -> bool:
    for prefix in _prefixes(where):
        matching = select(literal(1)).where(begins_with(Exchange.path, prefix)).limit(_FEW + 1).subquery()
        if connection.execute(select(func.count()).select_from(matching)).scalar_one() <= _FEW:
            return True
    return False


def _prefixes(where: ExchangeFilter) -> Iterator[str]:
    if where.path_prefix:
        yield where.path_prefix
    if where.path_template is not None and len(prefix := path_template(where.path_template).literal_prefix) > 1:
        yield prefix
