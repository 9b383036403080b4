"""The DocumentCatalog port on SQL, in the catalog's database. `looks` writes; here is what reads.

The primary key of `looks` is a document's history in order, and a partial index holds its versions alone: a document as
of T and its version list are walks of that index, however often the document was looked at in between.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, select, tuple_
from sqlalchemy.orm import aliased

from ...errors import BadInput, NotFound
from ...model import Gap, id_floor
from ..documents import DocumentFilter, DocumentRow, Effect, Look, VersionRow
from ..fields import FieldRow
from ..rows import Page
from . import looks
from .completeness import add_gaps
from .cursor import make_cursor, read_cursor
from .document_schema import Document, LookRow
from .engine import Database
from .field_schema import Field
from .fields import add_fields, exchanges_with
from .lookup import MAX_LIMIT
from .prefix import begins_with
from .retention_schema import ErasedExchange, Erasure
from .where import path_template

_BATCH = 1000
_DOCUMENT = (
    *(Document.id, Document.destination, Document.key, Document.media_type, Document.rule, Document.retention_class),
    *(Document.first_seen, Document.last_seen, Document.versions, Document.last_effect),
)


class SqlDocumentCatalog:
    """Documents in the database of a SqlCatalog, which owns the connections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_looks(self, looks_found: Sequence[Look], fields: Sequence[FieldRow] = ()) -> int:
        with self._database.writing() as connection:
            add_fields(connection, fields)
            return looks.add_looks(connection, looks_found)

    def remove_looks(self, document: UUID, versions: Collection[UUID]) -> int:
        with self._database.writing() as connection:
            return looks.remove_looks(connection, document, versions)

    def clear(self, mark: Gap | None = None) -> None:
        with self._database.writing() as connection:
            for model in (LookRow, Document, Field):
                connection.execute(delete(model))
            if mark is not None:
                add_gaps(connection, [mark])

    def document(self, identifier: UUID) -> DocumentRow:
        with self._database.reading() as connection:
            found = connection.execute(
                _select_documents().where(Document.id == identifier, Document.versions > 0)
            ).first()
        if found is None:
            raise NotFound(f"There is no document {identifier}.", hint="`entrepot documents` lists them.")
        return _document_row(found)

    def find(self, destination: str, key: str) -> DocumentRow:
        query = _select_documents().where(
            Document.destination == destination, Document.key == key, Document.versions > 0
        )
        with self._database.reading() as connection:
            found = connection.execute(query).first()
        if found is None:
            raise NotFound(
                f"{destination} has no document {key}.",
                hint=f"`entrepot documents --to {destination}` lists them; only what a rule protects becomes one.",
            )
        return _document_row(found)

    def documents(self, where: DocumentFilter, *, limit: int = 100, cursor: str | None = None) -> Page[DocumentRow]:
        _check_limit(limit)
        listing = f"documents {where!r}"
        after = None
        if cursor is not None:
            try:
                last = self.document(read_cursor(listing, cursor))
            except NotFound:
                raise BadInput(
                    "The document that the last page ended with is gone.", hint="Begin again at the first page."
                ) from None
            after = (last.destination, last.key)
        items = self._documents(where, limit + 1, after)
        more = len(items) > limit
        return Page(items[:limit], make_cursor(listing, items[limit - 1].id) if more else None)

    def iterate(self, where: DocumentFilter) -> Iterator[DocumentRow]:
        after = None
        while True:
            found = self._documents(where, _BATCH, after)
            yield from found
            if len(found) < _BATCH:
                return
            after = (found[-1].destination, found[-1].key)

    def versions(
        self, document: UUID, *, limit: int = 100, cursor: str | None = None, newest_first: bool = False
    ) -> Page[VersionRow]:
        _check_limit(limit)
        listing = f"versions {document} {newest_first}"
        after = None if cursor is None else read_cursor(listing, cursor)
        items = self._versions(document, limit + 1, after, newest_first=newest_first)
        more = len(items) > limit
        return Page(items[:limit], make_cursor(listing, items[limit - 1].id) if more else None)

    def iterate_versions(self, document: UUID) -> Iterator[VersionRow]:
        after = None
        while True:
            found = self._versions(document, _BATCH, after, newest_first=False)
            yield from found
            if len(found) < _BATCH:
                return
            after = found[-1].id

    def version(self, document: UUID, identifier: UUID) -> VersionRow:
        found = self._one(_select_versions().where(LookRow.document_id == document, LookRow.id == identifier))
        if found is None:
            raise NotFound(f"Document {document} has no version {identifier}.")
        return found

    def version_at(self, document: UUID, at: int) -> VersionRow | None:
        if at < 0:
            return None
        before = (LookRow.document_id == document, LookRow.starts, LookRow.id < id_floor(at + 1))
        return self._one(_select_versions().where(*before).order_by(LookRow.id.desc()).limit(1))

    def looks(self, document: UUID, *, since: int | None = None, until: int | None = None) -> Iterator[Look]:
        query = (
            select(Document.destination, Document.key, *LookRow.__table__.c)
            .join(Document, Document.id == LookRow.document_id)
            .where(LookRow.document_id == document)
            .order_by(LookRow.id)
            .limit(_BATCH)
        )
        if until is not None:
            query = query.where(LookRow.id < id_floor(until))
        after: ColumnElement[bool] | None = None if since is None else LookRow.id >= id_floor(since)
        while True:
            with self._database.reading() as connection:
                found = connection.execute(query if after is None else query.where(after)).all()
            yield from map(_look, found)
            if len(found) < _BATCH:
                return
            after = LookRow.id > found[-1].id

    def _documents(self, where: DocumentFilter, limit: int, after: tuple[str, str] | None) -> list[DocumentRow]:
        query = _select_documents().where(*_conditions(where))
        query = query.order_by(Document.destination, Document.key).limit(limit)
        template = None if where.key_template is None else path_template(where.key_template)
        items: list[DocumentRow] = []
        while len(items) < limit:
            behind = query
            if after is not None:
                behind = query.where(tuple_(Document.destination, Document.key) > after)
            with self._database.reading() as connection:
                found = [_document_row(row) for row in connection.execute(behind)]
            items.extend(row for row in found if template is None or template.matches(row.key.partition("?")[0]))
            if len(found) < limit:
                break
            after = (found[-1].destination, found[-1].key)
        return items[:limit]

    def _versions(self, document: UUID, limit: int, after: UUID | None, *, newest_first: bool) -> list[VersionRow]:
        query = _select_versions().where(LookRow.document_id == document, LookRow.starts).limit(limit)
        query = query.order_by(LookRow.id.desc() if newest_first else LookRow.id)
        if after is not None:
            query = query.where(LookRow.id < after if newest_first else LookRow.id > after)
        with self._database.reading() as connection:
            return [_version_row(row) for row in connection.execute(query)]

    def _one(self, query: Select[Any]) -> VersionRow | None:
        with self._database.reading() as connection:
            found = connection.execute(query).first()
        return None if found is None else _version_row(found)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise BadInput(f"limit is {limit}; a page holds 1 to {MAX_LIMIT} items.")


def _conditions(where: DocumentFilter) -> Iterator[ColumnElement[bool]]:
    yield Document.versions > 0  # asked for and never there: kept, because the rest may still arrive
    for column, values in (
        (Document.destination, where.destination),
        (Document.rule, where.rule),
        (Document.retention_class, where.retention_class),
        (Document.media_type, where.media_type),
    ):
        if values:
            yield column.in_(values)
    if where.key is not None:
        yield Document.key == where.key
    if where.key_prefix:
        yield begins_with(Document.key, where.key_prefix)
    if where.key_template is not None and (prefix := path_template(where.key_template).literal_prefix):
        yield begins_with(Document.key, prefix)
    if where.deleted is not None:
        gone = Document.last_effect == Effect.TOMBSTONE.value
        yield gone if where.deleted else ~gone
    if where.as_of is not None:
        yield Document.first_seen <= where.as_of
    for condition in where.fields:
        holding = select(LookRow.document_id, LookRow.id).where(LookRow.exchange_id.in_(exchanges_with(condition)))
        yield tuple_(Document.id, Document.last_look).in_(holding)


def _select_documents() -> Select[Any]:
    columns: tuple[Any, ...] = _DOCUMENT
    return select(*columns)


def _document_row(found: Any) -> DocumentRow:
    *rest, last_effect = found
    return DocumentRow(*(*rest, last_effect == Effect.TOMBSTONE.value))


def _select_versions() -> Select[Any]:
    following = aliased(LookRow)
    until = (
        select(following.at)
        .where(following.document_id == LookRow.document_id, following.starts, following.id > LookRow.id)
        .order_by(following.id)
        .limit(1)
        .scalar_subquery()
    )
    erased_at = (
        select(Erasure.at)
        .join(ErasedExchange, ErasedExchange.erasure_id == Erasure.id)
        .where(ErasedExchange.exchange_id == LookRow.exchange_id, LookRow.effect == Effect.ERASED.value)
        .scalar_subquery()
    )
    return select(
        *(LookRow.id, LookRow.document_id, LookRow.at, until, LookRow.exchange_id, LookRow.effect, LookRow.side),
        *(LookRow.digest, LookRow.size, LookRow.media_type, LookRow.retention_class, LookRow.malformed),
        erased_at,
    )


def _version_row(found: Any) -> VersionRow:
    identifier, document, at, until, exchange, effect, *rest = found
    return VersionRow(identifier, document, at, until, exchange, Effect(effect), *rest)


def _look(found: Any) -> Look:
    return Look(
        document=found.document_id,
        destination=found.destination,
        key=found.key,
        at=found.at,
        exchange=found.exchange_id,
        effect=Effect(found.effect),
        side=found.side,
        digest=found.digest,
        size=found.size,
        content=found.digest if found.content is None else found.content,
        media_type=found.media_type,
        rule=found.rule,
        retention_class=found.retention_class,
        malformed=found.malformed,
    )
