"""The id map of a replay on SQL: one row per recorded value, learnt while steps run, edited by people."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy.dialects import postgresql, sqlite

from ..replays import Value
from .replay_schema import ReplayValue

_COLUMNS: tuple[Any, ...] = (
    ReplayValue.key,
    ReplayValue.role,
    ReplayValue.recorded,
    ReplayValue.live,
    ReplayValue.step,
    ReplayValue.place,
    ReplayValue.edited,
)


def store_values(connection: Connection, replay: UUID, values: Sequence[Value], *, edits: bool = False) -> None:
    """Learnt values take the place of what was known, but not of what an operator set (`edits` are those), and a value
    that is only missed not of one that is known."""
    rows = {key_of(value): _columns(replay, value) for value in _known_last(values)}
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(ReplayValue)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["replay_id", "key"],
        set_={"live": new.live, "step": new.step, "place": new.place, "edited": new.edited},
        where=None if edits else (ReplayValue.edited.is_(False) & (new.live.is_not(None) | ReplayValue.live.is_(None))),
    )
    connection.execute(statement, list(rows.values()))


def select_values(replay: UUID, unmapped: bool | None) -> Select[Any]:
    query = select(*_COLUMNS).where(ReplayValue.replay_id == replay).order_by(ReplayValue.key)
    if unmapped is not None:
        query = query.where(ReplayValue.live.is_(None) if unmapped else ReplayValue.live.is_not(None))
    return query


def value_of(row: Row[Any]) -> Value:
    return Value(row.role, row.recorded, row.live, row.step, row.place, row.edited)


def key_of(value: Value) -> bytes:
    text = f"{value.role}\0{value.recorded}".encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=16).digest()


def _known_last(values: Iterable[Value]) -> list[Value]:
    """In one round a value may be missed by one step and learnt from another."""
    return sorted(values, key=lambda value: value.live is not None)


def _columns(replay: UUID, value: Value) -> dict[str, Any]:
    return {
        "replay_id": replay,
        "key": key_of(value),
        "role": value.role,
        "recorded": value.recorded,
        "live": value.live,
        "step": value.step,
        "place": value.where,
        "edited": value.edited,
    }
