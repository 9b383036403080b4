"""The RetentionCatalog port on SQL, in the catalog's database. What the calls do is in the modules beside:
`repointing`, `removing`, `keeping`, `standing`, `scrubbing`, `sole`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from uuid import UUID

from sqlalchemy import Connection, delete, exists, func, select, update

from ..documents import Side
from ..fields import FieldRow
from ..retention import (
    ErasedRow,
    ErasureRow,
    History,
    HoldRow,
    JournalEntry,
    PinRow,
    RepackingRow,
    Replacement,
    StoredExchange,
    SupersededRow,
    Weight,
)
from ..rows import PayloadRow
from . import keeping, removing, repointing, standing
from .coverage import overcounted, recount
from .dialect import insert_into, table_of, wait_for_turn
from .engine import Database
from .retention_schema import (
    Due,
    ErasedExchange,
    Erasure,
    Hold,
    Pin,
    Removal,
    RemovalSegment,
    Repacking,
    Superseded,
)
from .schema import Exchange, Segment, Shipment
from .scrubbing import scrub
from .sole import sole


class SqlRetention:
    """Retention in the database of a SqlCatalog, which owns the connections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sole(self) -> AbstractContextManager[None]:
        return sole(self._database, "upkeep")

    # Repacking

    def weights(self, retention_class: str | None = None) -> Iterator[Weight]:
        return keeping.weights(self._database, retention_class)

    def exchanges_of(self, segment: str) -> Iterator[StoredExchange]:
        return keeping.exchanges_of(self._database, segment)

    def payloads_of(self, segment: str) -> list[PayloadRow]:
        with self._database.reading() as connection:
            return keeping.payloads_of(connection, segment)

    def plan_repacking(self, row: RepackingRow) -> None:
        values = {"key": row.key, "replaces": "\n".join(row.replaces), "planned_at": row.planned_at}
        with self._database.writing() as connection:
            connection.execute(insert_into(connection, table_of(Repacking)).values(values).on_conflict_do_nothing())

    def repackings(self) -> list[RepackingRow]:
        with self._database.reading() as connection:
            found = connection.execute(select(*table_of(Repacking).c).order_by(Repacking.key)).all()
        return [RepackingRow(key, tuple(replaces.split("\n")), planned_at) for key, replaces, planned_at in found]

    def forget_repacking(self, key: str) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(Repacking).where(Repacking.key == key))

    def replace_segments(self, replacement: Replacement) -> bool:
        with self._database.writing() as connection:
            return repointing.replace_segments(connection, replacement)

    def superseded(self) -> list[SupersededRow]:
        table = table_of(Superseded)
        with self._database.reading() as connection:
            return [
                SupersededRow(*row) for row in connection.execute(select(*table.c).order_by(table.c.since, table.c.key))
            ]

    def forget_superseded(self, key: str) -> list[str]:
        with self._database.writing() as connection:
            by = select(Superseded.replaced_by).where(Superseded.key == key)
            table = table_of(Superseded)
            moved = connection.execute(by).scalar()
            if moved is not None:
                connection.execute(update(table).where(table.c.replaced_by == key).values(replaced_by=moved))
            connection.execute(delete(Superseded).where(Superseded.key == key))
            return _forget_in_removals(connection, key)

    def empty_removals(self) -> list[str]:
        some = exists().where(RemovalSegment.removal == Removal.key)
        with self._database.reading() as connection:
            return list(connection.execute(select(Removal.key).where(~some).order_by(Removal.key)).scalars())

    def restore(
        self,
        *,
        superseded: Sequence[SupersededRow],
        removals: Mapping[str, Collection[str]],
        pins: Sequence[PinRow],
        holds: Sequence[HoldRow],
        erasures: Sequence[tuple[ErasureRow, Sequence[ErasedRow]]],
        shipped: Collection[str],
        due: Collection[str],
    ) -> None:
        with self._database.writing() as connection:
            for model in (Superseded, RemovalSegment, Removal, Pin, Hold, ErasedExchange, Erasure, Due):
                connection.execute(delete(model))
            for row in superseded:
                values = {name: getattr(row, name) for name in SupersededRow.__slots__}
                connection.execute(insert_into(connection, table_of(Superseded)).values(values))
            for key, segments in removals.items():
                note_removal(connection, key, segments, done=True)
            for pin in pins:
                standing.add_pin(connection, pin)
            for hold in holds:
                standing.add_hold(connection, hold)
            for erasure, rows in erasures:
                standing.add_erasure(connection, erasure, rows)
            for spool in sorted(shipped):
                note = insert_into(connection, table_of(Shipment)).values(spool=spool)
                connection.execute(note.on_conflict_do_nothing())
            if superseded or removals or erasures or _merged(connection):
                wait_for_turn(connection, "payloads")
                swept = removing.sweep_payloads(connection)
                standing.add_due(connection, {*due, *(swept if erasures else ())})

    # Retention

    def histories(self, rules: Collection[str] | None = None) -> Iterator[History]:
        return keeping.histories(self._database, rules)

    def journal(self, rule: str, until: int) -> Iterator[JournalEntry]:
        return keeping.journal(self._database, rule, until)

    def newest(self) -> int | None:
        with self._database.reading() as connection:
            return connection.execute(
                select(Exchange.started_at).order_by(Exchange.id.desc()).limit(1)
            ).scalar_one_or_none()

    def looks_of(self, exchanges: Collection[UUID]) -> dict[UUID, set[UUID]]:
        with self._database.reading() as connection:
            return keeping.looks_of(connection, exchanges)

    def places(self, exchanges: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
        with self._database.reading() as connection:
            return keeping.places(connection, exchanges)

    def plan_removal(self, key: str, segments: Collection[str]) -> None:
        with self._database.writing() as connection:
            note_removal(connection, key, segments, done=False)

    def removals(self, *, done: bool) -> list[str]:
        with self._database.reading() as connection:
            query = select(Removal.key).where(Removal.done == done).order_by(Removal.key)
            return list(connection.execute(query).scalars())

    def withdraw_removal(self, key: str) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(RemovalSegment).where(RemovalSegment.removal == key))
            connection.execute(delete(Removal).where(Removal.key == key))

    def remove_exchanges(self, removal: str, exchanges: Collection[UUID]) -> int:
        with self._database.writing() as connection:
            removed = removing.remove_exchanges(connection, exchanges)
            connection.execute(update(Removal).where(Removal.key == removal).values(done=True))
            return removed

    def recount_flows(self) -> None:
        with self._database.reading() as connection:
            stale = overcounted(connection)
        for destination in stale:
            with self._database.writing() as connection:
                recount(connection, [destination])

    # Pins, holds, erasures

    def add_pin(self, row: PinRow) -> None:
        with self._database.writing() as connection:
            standing.add_pin(connection, row)

    def remove_pin(self, identifier: UUID) -> PinRow:
        with self._database.writing() as connection:
            return standing.remove_pin(connection, identifier)

    def pins(self) -> list[PinRow]:
        with self._database.reading() as connection:
            return standing.pins(connection)

    def add_hold(self, row: HoldRow) -> None:
        with self._database.writing() as connection:
            standing.add_hold(connection, row)

    def release_hold(self, identifier: UUID, at: int, by: str) -> None:
        with self._database.writing() as connection:
            standing.release_hold(connection, identifier, at, by)

    def holds(self, *, released: bool | None = False) -> list[HoldRow]:
        with self._database.reading() as connection:
            return standing.holds(connection, released)

    def plan_erasure(self, erasure: ErasureRow, exchanges: Sequence[ErasedRow]) -> None:
        with self._database.writing() as connection:
            standing.add_erasure(connection, erasure, exchanges)

    def said_by(self, exchanges: Collection[UUID]) -> dict[UUID, tuple[Side, str]]:
        with self._database.reading() as connection:
            return standing.said_by(connection, exchanges)

    def mark_erased(self, exchanges: Sequence[ErasedRow], fields: Sequence[FieldRow] = ()) -> None:
        with self._database.writing() as connection:
            standing.mark_erased(connection, exchanges, fields)

    def due(self) -> list[str]:
        with self._database.reading() as connection:
            return list(connection.execute(select(Due.segment).order_by(Due.segment)).scalars())

    def erased(self, exchanges: Collection[UUID]) -> Mapping[UUID, ErasedRow]:
        with self._database.reading() as connection:
            return standing.erased(connection, exchanges)

    def unfinished_erasures(self) -> list[tuple[ErasureRow, list[ErasedRow]]]:
        with self._database.reading() as connection:
            return standing.unfinished(connection)

    def pruned_segments(self) -> list[str]:
        spoken_of = exists().where(RemovalSegment.segment == Segment.key)
        with self._database.reading() as connection:
            return list(connection.execute(select(Segment.key).where(spoken_of).order_by(Segment.key)).scalars())

    def scrub(self) -> None:
        scrub(self._database)

    def finish_erasure(self, identifier: UUID) -> None:
        with self._database.writing() as connection:
            standing.finish_erasure(connection, identifier)

    def sides_with(self, digest: bytes) -> dict[UUID, tuple[bool, bool]]:
        with self._database.reading() as connection:
            return standing.sides_with(connection, digest)

    def erasures(self) -> list[ErasureRow]:
        with self._database.reading() as connection:
            return standing.erasures(connection)


def _merged(connection: Connection) -> bool:
    """Whether there are segments that may hold payloads without their exchanges."""
    return connection.execute(select(1).where(Segment.key.like("%-m%")).limit(1)).first() is not None


def note_removal(connection: Connection, key: str, segments: Collection[str], *, done: bool) -> None:
    connection.execute(insert_into(connection, table_of(Removal)).values(key=key, done=done).on_conflict_do_nothing())
    rows = [{"removal": key, "segment": segment} for segment in sorted(segments)]
    if rows:
        connection.execute(insert_into(connection, table_of(RemovalSegment)).on_conflict_do_nothing(), rows)


def _forget_in_removals(connection: Connection, segment: str) -> list[str]:
    spoke = select(RemovalSegment.removal).where(RemovalSegment.segment == segment)
    removals = list(connection.execute(spoke).scalars())
    connection.execute(delete(RemovalSegment).where(RemovalSegment.segment == segment))
    empty = []
    for key in removals:
        left = select(func.count()).select_from(RemovalSegment).where(RemovalSegment.removal == key)
        if not connection.execute(left).scalar_one():
            connection.execute(delete(Removal).where(Removal.key == key))
            empty.append(key)
    return empty
