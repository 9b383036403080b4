"""Adds looks to the history of their documents, and takes them out, in the caller's transaction.

Whether a look starts a version depends on the one before it alone. One that arrives in order is compared with the copy
of the last look that the document's row holds; one that arrives late is put between its neighbours and can change the
flag of the one behind it, of no other. That is why the history does not depend on the order of arrival.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import batched, groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select, update

from ..documents import Effect, Look
from ..retention import NOTHING
from .bulk import insert_rows
from .dialect import CHUNK, is_sqlite, table_of, wait_for_turn
from .document_schema import Document, LookRow

_ROWS = 2000
"""Looks that are read at a time: a document that is polled has hundreds of thousands."""

type Content = tuple[str, bytes]
"""What two looks are compared by: effect and content."""

_TOMBSTONE = Effect.TOMBSTONE.value
_PATCH = Effect.PATCH.value


@dataclass(slots=True)
class _Known:
    """A document as the database has it, kept up to date while looks are added."""

    destination: str
    key: str
    media_type: str
    rule: str
    retention_class: str
    first_seen: int
    last_seen: int
    versions: int
    last_look: UUID
    last_effect: str
    last_content: bytes


_COLUMNS = attrgetter(*_Known.__slots__)
"""The columns of `documents` behind the id, in their order."""


@dataclass(slots=True)
class _Placed:
    """A look in its place: one that is stored (`look` is None) or a new one."""

    id: UUID
    content: Content
    starts: bool
    look: Look | None = None


def add_looks(connection: Connection, looks: Sequence[Look]) -> int:
    """Adds those that are new; returns how many were."""
    if not looks:
        return 0
    # Two shippers that meet a document for the first time at once must not both take it for new.
    wait_for_turn(connection, "documents")
    ordered = sorted(((look.document, look.id, look) for look in looks), key=lambda found: (found[0].int, found[1].int))
    known = _known(connection, {document for document, _, _ in ordered})
    rows: list[tuple[Any, ...]] = []
    on_sqlite = is_sqlite(connection)
    for document, group in groupby(ordered, key=lambda found: found[0]):
        fresh = {identifier: look for _, identifier, look in group}
        found = known.get(document)
        if found is None:
            first = next(iter(fresh.values()))
            found = known[document] = _new(first)
        if min(fresh) > found.last_look:
            placed = [_Placed(identifier, _content(look), False, look) for identifier, look in fresh.items()]
            previous = (found.last_effect, found.last_content) if found.last_effect else None
        else:
            placed, previous = _merge(connection, document, fresh)
            found.media_type = _late_type(connection, document, found, fresh)
        found.versions += _mark(connection, document, placed, previous)
        added = [place for place in placed if place.look is not None]
        for place in added:
            _note(found, place)
        rows.extend(_values(place, binary_ids=on_sqlite) for place in added)
    if not rows:
        return 0
    insert_rows(connection, table_of(LookRow), rows, lambda insert: insert.on_conflict_do_nothing())
    _store(connection, {document: known[document] for document, _, _ in ordered})
    return len(rows)


def remove_looks(connection: Connection, document: UUID, identifiers: Iterable[UUID]) -> int:
    """Takes looks out and mends what follows them; a document that has none left goes as well."""
    wait_for_turn(connection, "documents")
    removed = 0
    for chunk in batched(sorted(identifiers), CHUNK):
        done = connection.execute(delete(LookRow).where(LookRow.document_id == document, LookRow.id.in_(chunk)))
        removed += done.rowcount
    if removed:
        recount(connection, [document])
    return removed


def erase_looks(connection: Connection, exchanges: Iterable[UUID]) -> None:
    """Says of the contents and changes that these exchanges showed that they were erased, and nothing of what they
    were."""
    wait_for_turn(connection, "documents")
    documents: set[UUID] = set()
    for chunk in batched(sorted(exchanges), CHUNK):
        of_them = LookRow.exchange_id.in_(chunk), LookRow.effect.in_([Effect.CONTENT.value, _PATCH])
        documents.update(connection.execute(select(LookRow.document_id).where(*of_them).distinct()).scalars())
        connection.execute(
            update(LookRow)
            .where(*of_them)
            .values(effect=Effect.ERASED.value, digest=NOTHING, size=0, content=None, media_type="", malformed=False)
        )
    recount(connection, documents)


def recount(connection: Connection, documents: Iterable[UUID]) -> None:
    """Makes the rows of documents and their versions' flags again from their looks; a document without any goes."""
    looks, table = table_of(LookRow), table_of(Document)
    for chunk in batched(sorted(documents), CHUNK):
        gone = set(chunk)
        rows: list[dict[str, Any]] = []
        flags: list[dict[str, Any]] = []
        query = select(*looks.c).where(looks.c.document_id.in_(chunk)).order_by(looks.c.document_id, looks.c.id)
        found = connection.execute(query, execution_options={"yield_per": _ROWS})
        for document, group in groupby(found, key=attrgetter("document_id")):
            gone.remove(document)
            rows.append(_counted_again(document, group, flags))
        _set_flags(connection, flags)
        if rows:
            connection.execute(update(table).where(table.c.id == bindparam("the_document")), rows)
        if gone:
            connection.execute(delete(table).where(table.c.id.in_(gone)))


def _counted_again(document: UUID, looks: Iterable[Any], flags: list[dict[str, Any]]) -> dict[str, Any]:
    """What the looks of a document, in their order, make of its row; into `flags` go those that have to change."""
    previous: Content | None = None
    versions, media_type = 0, ""
    first_seen, last_seen = 1 << 62, -(1 << 62)
    for look in looks:
        content = _stored_content(look)
        starts = starts_version(previous, content)
        if starts != look.starts:
            flags.append({"the_document": document, "the_look": look.id, "begins": starts})
        versions += starts
        previous = content
        first_seen, last_seen = min(first_seen, look.at), max(last_seen, look.at)
        if look.effect != _PATCH:
            media_type = look.media_type
        last = look
    return {
        "the_document": document,
        "media_type": media_type,
        "rule": last.rule,
        "retention_class": last.retention_class,
        "first_seen": first_seen,
        "last_seen": last_seen,
        "versions": versions,
        "last_look": last.id,
        "last_effect": last.effect,
        "last_content": _stored_content(last)[1],
    }


def starts_version(previous: Content | None, content: Content) -> bool:
    """That something is gone is news only if it was there."""
    if previous is None:
        return content[0] != _TOMBSTONE
    return previous != content


def _mark(connection: Connection, document: UUID, placed: Sequence[_Placed], previous: Content | None) -> int:
    """Sets the flags, in the database too where they were otherwise; returns by how much the versions grew."""
    grown = 0
    changed: list[dict[str, Any]] = []
    for place in placed:
        starts = starts_version(previous, place.content)
        previous = place.content
        grown += starts - place.starts
        if place.look is None and starts != place.starts:
            changed.append({"the_document": document, "the_look": place.id, "begins": starts})
        place.starts = starts
    _set_flags(connection, changed)
    return grown


def _set_flags(connection: Connection, changed: Sequence[dict[str, Any]]) -> None:
    if changed:
        table = table_of(LookRow)
        connection.execute(
            update(table)
            .where(table.c.document_id == bindparam("the_document"), table.c.id == bindparam("the_look"))
            .values(starts=bindparam("begins")),
            changed,
        )


def _merge(connection: Connection, document: UUID, fresh: dict[UUID, Look]) -> tuple[list[_Placed], Content | None]:
    """New looks among the stored ones they fall between, up to the first behind them; and what precedes all that."""
    table = table_of(LookRow)
    columns = (table.c.id, table.c.effect, table.c.content, table.c.digest, table.c.starts)
    of_it = select(*columns).where(table.c.document_id == document)
    first, last = min(fresh), max(fresh)
    before = connection.execute(of_it.where(table.c.id < first).order_by(table.c.id.desc()).limit(1)).first()
    among = connection.execute(of_it.where(table.c.id >= first, table.c.id <= last)).all()
    behind = connection.execute(of_it.where(table.c.id > last).order_by(table.c.id).limit(1)).all()
    stored = {row.id: _Placed(row.id, _stored_content(row), row.starts) for row in (*among, *behind)}
    new = {
        identifier: _Placed(identifier, _content(look), False, look)
        for identifier, look in fresh.items()
        if identifier not in stored
    }
    placed = sorted((stored | new).values(), key=lambda place: place.id.int)
    return placed, None if before is None else _stored_content(before)


def _late_type(connection: Connection, document: UUID, found: _Known, fresh: dict[UUID, Look]) -> str:
    """The document's media type with looks that arrived late: where changes came last, one of them may be the last
    that shows a type."""
    shown = [identifier for identifier, look in fresh.items() if look.effect is not Effect.PATCH]
    if found.last_effect != _PATCH or not shown:
        return found.media_type
    newest, table = max(shown), table_of(LookRow)
    behind = (table.c.document_id == document, table.c.effect != _PATCH, table.c.id > newest)
    overtaken = connection.execute(select(table.c.id).where(*behind).limit(1)).first() is not None
    return found.media_type if overtaken else fresh[newest].media_type


def _content(look: Look) -> Content:
    return look.effect.value, look.content


def _stored_content(row: Any) -> Content:
    return row.effect, row.digest if row.content is None else row.content


def _known(connection: Connection, documents: set[UUID]) -> dict[UUID, _Known]:
    known: dict[UUID, _Known] = {}
    table = table_of(Document)
    for chunk in batched(sorted(documents, key=lambda document: document.int), CHUNK):
        for identifier, *rest in connection.execute(select(*table.c).where(table.c.id.in_(chunk))):
            known[identifier] = _Known(*rest)
    return known


def _new(look: Look) -> _Known:
    return _Known(
        destination=look.destination,
        key=look.key,
        media_type="",
        rule="",
        retention_class="",
        first_seen=look.at,
        last_seen=look.at,
        versions=0,
        last_look=UUID(int=0),
        last_effect="",
        last_content=b"",
    )


def _note(found: _Known, place: _Placed) -> None:
    look = place.look
    assert look is not None  # noqa: S101 - only new ones are noted
    found.first_seen = min(found.first_seen, look.at)
    found.last_seen = max(found.last_seen, look.at)
    if place.id.int > found.last_look.int:
        found.last_look, (found.last_effect, found.last_content) = place.id, place.content
        found.rule, found.retention_class = look.rule, look.retention_class
        if look.effect is not Effect.PATCH:  # the type of a change says nothing about the type of what it changes
            found.media_type = look.media_type


def _values(place: _Placed, *, binary_ids: bool) -> tuple[Any, ...]:
    """What the driver takes, in the order of the table's columns."""
    look = place.look
    assert look is not None  # noqa: S101 - only new ones are inserted
    ids = (look.document, place.id, look.exchange)
    document, identifier, exchange = (one.bytes for one in ids) if binary_ids else ids
    return (
        document,
        identifier,
        look.at,
        exchange,
        look.effect.value,
        look.side,
        look.digest,
        look.size,
        None if look.content == look.digest else look.content,
        look.media_type,
        look.rule,
        look.retention_class,
        look.malformed,
        place.starts,
    )


def _store(connection: Connection, known: dict[UUID, _Known]) -> None:
    table = table_of(Document)
    on_sqlite = is_sqlite(connection)
    rows = []
    for identifier, found in sorted(known.items(), key=lambda item: item[0].int):
        *rest, last_look, last_effect, last_content = _COLUMNS(found)
        ids = (identifier.bytes, last_look.bytes) if on_sqlite else (identifier, last_look)
        rows.append((ids[0], *rest, ids[1], last_effect, last_content))
    names = [name for name in _Known.__slots__ if name not in ("destination", "key")]
    insert_rows(
        connection,
        table,
        rows,
        lambda insert: insert.on_conflict_do_update(
            index_elements=[table.c.id], set_={name: insert.excluded[name] for name in names}
        ),
    )
