"""Documents, their versions and what differs between them, as JSON."""

from typing import Any
from uuid import UUID

from pydantic import Field

from entrepot_store.catalog.documents import DocumentRow, Effect, VersionRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.diff import Diff, Hunk, Kind, Op, PathChange, TableChange

from .base import Moment, View
from .exchange import Digest, digest_text


class DocumentView(View):
    """What successive payloads are copies of. `rule` and `class` are of the last look at it, `media_type` of the
    last one that is no change (PATCH); it is empty if only changes were seen."""

    id: UUID
    destination: str
    key: str = Field(description="Its path, and the fields of the query that tell documents apart.")
    media_type: str
    rule: str
    retention_class: str = Field(alias="class")
    first_seen: Moment
    last_seen: Moment
    versions: int = Field(ge=0, description="How many, tombstones included.")
    deleted: bool = Field(description="The last version is a tombstone.")


class VersionView(View):
    """One distinct content of a document, from a moment on. `digest` and `size` are of the payload that says so: for a
    `patch` they are of the patch, and the content is what comes of applying it to the version before."""

    id: UUID
    since: Moment = Field(serialization_alias="from")
    until: Moment | None = Field(description="When the next version began; null for the latest.")
    effect: Effect
    digest: Digest | None = Field(description="Null for a tombstone, and for what was erased.")
    size: int = Field(ge=0)
    media_type: str
    malformed: bool = Field(description="It says that it is JSON, and is none.")
    tombstone: bool = Field(description="From here on the document is deleted.")
    erased: Moment | None = Field(description="When the payload was expunged; null unless the effect is `erased`.")
    exchange: UUID = Field(description="The exchange whose payload it is.")


class TreeEntryView(View):
    """A document, and what it was at the moment asked for."""

    document: DocumentView
    version: VersionView


class PathChangeView(View):
    """A change in JSON. `path` is a JSONPath (RFC 9535) into the later content, or for `removed`, into the earlier."""

    op: Op
    path: str
    before: Any = Field(serialization_alias="from", description="Null for `added` and `moved`.")
    after: Any = Field(serialization_alias="to", description="Null for `removed` and `moved`.")


class HunkView(View):
    """Changed lines and those around them, as in a unified diff."""

    from_line: int
    from_count: int
    to_line: int
    to_count: int
    lines: list[str]


class TableChangeView(View):
    """A change of a cell (`row` and `column`), a row (`values`), a column or a sheet. Rows count from 1."""

    op: Op
    sheet: str | None
    row: int | None
    key: str | None = Field(description="The value that rows were matched by, null if by their order.")
    column: str | None
    before: str | None = Field(serialization_alias="from")
    after: str | None = Field(serialization_alias="to")
    values: dict[str, str] | None


class DiffView(View):
    """What differs between two versions of a document."""

    document: UUID
    start: VersionView = Field(serialization_alias="from")
    end: VersionView = Field(serialization_alias="to")
    kind: Kind = Field(description="How they were compared.")
    identical: bool = Field(description="The bytes are the same.")
    changes: list[PathChangeView | HunkView | TableChangeView]
    more: int = Field(ge=0, description="Changes beyond those that are listed.")
    note: str | None = Field(description="A sentence where the changes do not say it all.")


def document_view(row: DocumentRow) -> DocumentView:
    return DocumentView(
        id=row.id,
        destination=row.destination,
        key=row.key,
        media_type=row.media_type,
        rule=row.rule,
        **{"class": row.retention_class},
        first_seen=to_rfc3339(row.first_seen),
        last_seen=to_rfc3339(row.last_seen),
        versions=row.versions,
        deleted=row.deleted,
    )


def version_view(row: VersionRow) -> VersionView:
    return VersionView(
        id=row.id,
        since=to_rfc3339(row.at),
        until=to_rfc3339(row.until) if row.until is not None else None,
        effect=row.effect,
        digest=None if row.tombstone or row.erased else digest_text(row.digest),
        size=row.size,
        media_type=row.media_type,
        malformed=row.malformed,
        tombstone=row.tombstone,
        erased=None if row.erased_at is None else to_rfc3339(row.erased_at),
        exchange=row.exchange,
    )


def diff_view(document: UUID, start: VersionRow, end: VersionRow, found: Diff) -> DiffView:
    return DiffView(
        document=document,
        start=version_view(start),
        end=version_view(end),
        kind=found.kind,
        identical=found.identical,
        changes=[_change_view(change) for change in found.changes],
        more=found.more,
        note=found.note or None,
    )


def _change_view(change: PathChange | Hunk | TableChange) -> PathChangeView | HunkView | TableChangeView:
    match change:
        case PathChange():
            return PathChangeView(op=change.op, path=change.path, before=change.before, after=change.after)
        case Hunk():
            return HunkView(
                from_line=change.from_line,
                from_count=change.from_count,
                to_line=change.to_line,
                to_count=change.to_count,
                lines=list(change.lines),
            )
        case TableChange():
            return TableChangeView(
                op=change.op,
                sheet=change.sheet,
                row=change.row,
                key=change.key,
                column=change.column,
                before=change.before,
                after=change.after,
                values=change.values,
            )
