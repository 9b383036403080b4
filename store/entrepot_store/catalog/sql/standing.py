"""What stands against forgetting, and what was forgotten for good: pins, legal holds, the erasure ledger."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from itertools import batched
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, case, delete, func, select, tuple_, update

from ...errors import NotFound
from ..documents import Side
from ..fields import FieldRow
from ..retention import NOTHING, ErasedRow, ErasureRow, HoldRow, PinRow
from . import schema
from .check_schema import ReplayCheck
from .dialect import CHUNK, insert_into, table_of, wait_for_turn
from .document_schema import Document, LookRow
from .field_schema import Field
from .fields import add_fields
from .looks import erase_looks
from .removing import forget_looks, sweep_payloads
from .replay_schema import ReplayStep, ReplayValue
from .retention_schema import Due, ErasedExchange, Erasure, Hold, Pin


def add_pin(connection: Connection, row: PinRow) -> None:
    values = asdict(row)
    values["document_id"], values["version_id"] = values.pop("document"), values.pop("version")
    connection.execute(insert_into(connection, table_of(Pin)).values(values).on_conflict_do_nothing())


def remove_pin(connection: Connection, identifier: UUID) -> PinRow:
    found = next((row for row in pins(connection) if row.id == identifier), None)
    if found is None:
        raise NotFound(f"There is no pin {identifier}.", hint="`entrepot pins` lists them.")
    connection.execute(delete(Pin).where(Pin.id == identifier))
    return found


def pins(connection: Connection) -> list[PinRow]:
    table = table_of(Pin)
    return [PinRow(*row) for row in connection.execute(select(*table.c).order_by(table.c.id))]


def add_hold(connection: Connection, row: HoldRow) -> None:
    connection.execute(insert_into(connection, table_of(Hold)).values(asdict(row)).on_conflict_do_nothing())


def release_hold(connection: Connection, identifier: UUID, at: int, by: str) -> None:
    done = connection.execute(
        update(Hold).where(Hold.id == identifier, Hold.released_at.is_(None)).values(released_at=at, released_by=by)
    )
    if not done.rowcount:
        raise NotFound(f"There is no hold {identifier}.", hint="`entrepot hold` lists them.")


def holds(connection: Connection, released: bool | None) -> list[HoldRow]:
    table = table_of(Hold)
    query = select(*table.c).order_by(table.c.id)
    if released is not None:
        query = query.where(table.c.released_at.is_not(None) if released else table.c.released_at.is_(None))
    return [HoldRow(*row) for row in connection.execute(query)]


def add_erasure(connection: Connection, erasure: ErasureRow, exchanges: Sequence[ErasedRow]) -> None:
    """The entry of the ledger. An exchange of which the other side was erased before has both sides erased."""
    connection.execute(
        insert_into(connection, table_of(Erasure)).values(done=False, **asdict(erasure)).on_conflict_do_nothing()
    )
    table = table_of(ErasedExchange)
    insert = insert_into(connection, table)
    new, old = insert.excluded, table.c
    statement = insert.on_conflict_do_update(
        index_elements=[old.exchange_id],
        set_={
            "erasure_id": new.erasure_id,
            "request": old.request | new.request,
            "response": old.response | new.response,
            "content": func.coalesce(old.content, new.content),
        },
    )
    rows = [
        {
            "exchange_id": row.exchange,
            "erasure_id": row.erasure,
            "request": row.request,
            "response": row.response,
            "content": row.content,
        }
        for row in sorted(exchanges, key=lambda row: row.exchange.int)
    ]
    if rows:
        connection.execute(statement, rows)


def said_by(connection: Connection, exchanges: Collection[UUID]) -> dict[UUID, tuple[Side, str]]:
    found: dict[UUID, tuple[Any, str]] = {}
    for chunk in batched(sorted(exchanges), CHUNK):
        query = select(LookRow.exchange_id, LookRow.side, Document.key).join(
            Document, Document.id == LookRow.document_id
        )
        for exchange, side, key in connection.execute(query.where(LookRow.exchange_id.in_(chunk))):
            found[exchange] = (side, key)
    return found


def mark_erased(connection: Connection, exchanges: Sequence[ErasedRow], fields: Sequence[FieldRow]) -> None:
    """Erases the rows of those exchanges that are there, and has the segments written again that hold what they held.
    Doing it again changes nothing more."""
    table = table_of(schema.Exchange)
    segments: set[str] = set()
    digests: set[tuple[str, bytes]] = set()
    for chunk in batched(exchanges, CHUNK):
        by_id = {row.exchange: row for row in chunk}
        columns = (table.c.id, table.c.retention_class, table.c.request_digest, table.c.response_digest)
        query = select(*columns, schema.Segment.key).join(schema.Segment, schema.Segment.id == table.c.segment_id)
        found = connection.execute(query.where(table.c.id.in_(list(by_id)))).all()
        ids = [row.id for row in found]
        connection.execute(delete(Field).where(Field.exchange_id.in_(ids)))
        _forget_replayed(connection, ids)
        for row in found:
            segments.add(row.key)
            digests.update(
                (row.retention_class, digest) for digest in (row.request_digest, row.response_digest) if digest
            )
        for side in ("request", "response"):
            gone = [row.id for row in found if getattr(by_id[row.id], side)]
            there = case((table.c[f"{side}_size"].is_(None), None), else_=0)
            connection.execute(
                update(table)
                .where(table.c.id.in_(gone), table.c[f"{side}_size"].is_not(None))
                .values({f"{side}_size": there, f"{side}_digest": NOTHING, f"{side}_truncated": True})
            )
        connection.execute(update(table).where(table.c.id.in_(ids)).values(complete=False))
    add_fields(connection, fields)
    wait_for_turn(connection, "payloads")
    segments |= sweep_payloads(connection, digests)
    _erase_looks(connection, exchanges)
    add_due(connection, segments)


def _forget_replayed(connection: Connection, exchanges: Sequence[UUID]) -> None:
    """What replays learnt from these exchanges: where answers differed, and values that were in them."""
    of_them = ReplayStep.exchange_id.in_(exchanges)
    steps = select(ReplayStep.replay_id, ReplayStep.seq).where(of_them)
    learnt = tuple_(ReplayValue.replay_id, ReplayValue.step).in_(steps)
    # Nobody knows from which step a value is that was never found; it is listed again if a step still misses it.
    missed = ReplayValue.step.is_(None) & ReplayValue.replay_id.in_(select(ReplayStep.replay_id).where(of_them))
    connection.execute(delete(ReplayValue).where(learnt | missed))
    connection.execute(update(ReplayStep).where(of_them).values(differences="", flow=""))
    connection.execute(update(ReplayCheck).where(ReplayCheck.exchange_id.in_(exchanges)).values(differences=""))


def _erase_looks(connection: Connection, exchanges: Sequence[ErasedRow]) -> None:
    """Where the content of a document was erased its history says so; the looks of those that say nothing of one any
    more go."""
    forget_looks(connection, [row.exchange for row in exchanges if row.content is None])
    erase_looks(connection, [row.exchange for row in exchanges if row.content in row.sides])


def add_due(connection: Connection, segments: Collection[str]) -> None:
    rows = [{"segment": segment} for segment in sorted(segments)]
    if rows:
        connection.execute(insert_into(connection, table_of(Due)).on_conflict_do_nothing(), rows)


def erased(connection: Connection, exchanges: Collection[UUID]) -> dict[UUID, ErasedRow]:
    table = table_of(ErasedExchange)
    found: dict[UUID, ErasedRow] = {}
    if connection.execute(select(1).select_from(table).limit(1)).first() is None:
        return found  # as it nearly always is, and every shipment asks
    for chunk in batched(sorted(exchanges), CHUNK):
        for row in connection.execute(select(*table.c).where(table.c.exchange_id.in_(chunk))):
            found[row.exchange_id] = ErasedRow(*row)
    return found


def erasures(connection: Connection) -> list[ErasureRow]:
    table = table_of(Erasure)
    return [ErasureRow(*row[:-1]) for row in connection.execute(select(*table.c).order_by(table.c.id))]


def unfinished(connection: Connection) -> list[tuple[ErasureRow, list[ErasedRow]]]:
    """Erasures of which the vault may still hold what was erased."""
    table, erasure = table_of(ErasedExchange), table_of(Erasure)
    found = []
    for row in connection.execute(select(*erasure.c).where(~erasure.c.done).order_by(erasure.c.id)).all():
        rows = connection.execute(select(*table.c).where(table.c.erasure_id == row.id))
        found.append((ErasureRow(*row[:-1]), [ErasedRow(*values) for values in rows]))
    return found


def finish_erasure(connection: Connection, identifier: UUID) -> None:
    connection.execute(update(Erasure).where(Erasure.id == identifier).values(done=True))


def sides_with(connection: Connection, digest: bytes) -> dict[UUID, tuple[bool, bool]]:
    """Exchanges whose request or response body is of that digest. Reads them all: no index leads there."""
    table = table_of(schema.Exchange).c
    query = select(table.id, table.request_digest == digest, table.response_digest == digest).where(
        (table.request_digest == digest) | (table.response_digest == digest)
    )
    return {row[0]: (bool(row[1]), bool(row[2])) for row in connection.execute(query)}
