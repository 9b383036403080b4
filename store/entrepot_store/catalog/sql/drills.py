"""The DrillCatalog port on SQL, in the catalog's database."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from ...errors import BadInput
from ..drills import DrillRow, DrillStanding, DrillState
from ..rows import Page
from .cursor import make_cursor, read_cursor
from .drill_schema import Drill
from .engine import Database
from .lookup import MAX_LIMIT


class SqlDrills:
    """Drills in the database of a SqlCatalog, which owns the connections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, drill: DrillRow) -> None:
        values = {**asdict(drill), "state": drill.state.value}
        values |= {name: json.dumps(dict(values[name]), sort_keys=True) for name in ("steps", "documents")}
        with self._database.writing() as connection:
            connection.execute(delete(Drill).where(Drill.id == drill.id))
            connection.execute(insert(Drill).values(values))

    def drills(self, destination: str | None = None, *, limit: int = 100, cursor: str | None = None) -> Page[DrillRow]:
        if not 1 <= limit <= MAX_LIMIT:
            raise BadInput(f"limit is {limit}; a page holds 1 to {MAX_LIMIT} items.")
        listing = f"drills {destination!r}"
        query = _select(destination).order_by(Drill.id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(Drill.id < read_cursor(listing, cursor))
        with self._database.reading() as connection:
            items = [_row(found) for found in connection.execute(query)]
        more = len(items) > limit
        return Page(items[:limit], make_cursor(listing, items[limit - 1].id) if more else None)

    def running(self, destination: str) -> list[DrillRow]:
        query = _select(destination).where(Drill.state == DrillState.RUNNING.value).order_by(Drill.id)
        with self._database.reading() as connection:
            return [_row(found) for found in connection.execute(query)]

    def standings(self) -> list[DrillStanding]:
        firsts = select(Drill.destination, func.min(Drill.started_at)).group_by(Drill.destination)
        with self._database.reading() as connection:
            found = connection.execute(firsts.order_by(Drill.destination)).all()
            return [_standing(connection, destination, int(first)) for destination, first in found]


def _standing(connection: Connection, destination: str, first_at: int) -> DrillStanding:
    def newest(query: Select[Any], after: UUID | None = None) -> DrillRow | None:
        if after is not None:
            query = query.where(Drill.id > after)
        row = connection.execute(query.order_by(Drill.id.desc()).limit(1)).first()
        return None if row is None else _row(row)

    every = _select(destination)
    last = newest(every.where(Drill.state != DrillState.RUNNING.value))
    return DrillStanding(
        destination,
        first_at,
        last=last,
        last_good=newest(every.where(Drill.state == DrillState.PASSED.value)),
        running=newest(every.where(Drill.state == DrillState.RUNNING.value), None if last is None else last.id),
    )


def _select(destination: str | None) -> Select[Any]:
    query: Select[Any] = select(*Drill.__table__.c)
    return query if destination is None else query.where(Drill.destination == destination)


def _row(found: Row[Any]) -> DrillRow:
    values = dict(found._mapping)
    values |= {name: json.loads(values[name]) for name in ("steps", "documents")}
    return DrillRow(**{**values, "state": DrillState(values["state"])})
