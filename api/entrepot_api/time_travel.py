"""Documents as of a moment: which version is meant, and a sentence where there is none."""

import re
from collections.abc import Iterator
from uuid import UUID

from entrepot_store.archive import Archive
from entrepot_store.catalog.documents import DocumentCatalog, DocumentFilter, DocumentRow, VersionRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.diff import MAX_COMPARED, Content
from entrepot_store.documents.content import erased_when
from entrepot_store.documents.representation import represent
from entrepot_store.errors import BadInput, Erased, Gone, NotFound

from .query import past_moment, stored_text

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def latest(documents: DocumentCatalog, document: DocumentRow) -> VersionRow:
    return _end(documents, document, newest=True)


def first(documents: DocumentCatalog, document: DocumentRow) -> VersionRow:
    return _end(documents, document, newest=False)


def _end(documents: DocumentCatalog, document: DocumentRow, *, newest: bool) -> VersionRow:
    found = documents.versions(document.id, limit=1, newest_first=newest).items
    if not found:
        raise NotFound(f"There is no document {document.id}.")  # removed since it was looked up
    return found[0]


def version_as_of(
    documents: DocumentCatalog, document: DocumentRow, text: str | None, now: int, name: str = "at"
) -> VersionRow:
    """The version that held at the moment that `text` says, None for now; it may be a tombstone.

    `name` is the option or parameter that a refusal names. Raises BadInput for what is no time, lies in the future, or
    before the first capture, and then says when that was.
    """
    if text is None:
        return latest(documents, document)
    at = past_moment(text, now, name)
    found = documents.version_at(document.id, at)
    if found is None:
        begun = to_rfc3339(first(documents, document).at)
        raise BadInput(
            f"{name}: at {to_rfc3339(at)} nothing was known of {document.destination} {document.key} yet; its first "
            f"capture was at {begun}.",
            hint=f"Ask for {begun} or later.",
        )
    return found


def not_deleted(version: VersionRow, document: DocumentRow) -> VersionRow:
    """The version itself. Raises Gone for a tombstone, and says since when it holds; Erased for what was expunged."""
    if version.erased:
        span = "on" if version.until is None else f"until {to_rfc3339(version.until)}"
        raise Erased(
            f"What {document.destination} {document.key} was from {to_rfc3339(version.at)} {span} was erased"
            f" {erased_when(version)}.",
            hint="Ask for another moment; `entrepot versions` lists them all.",
        )
    if version.tombstone:
        since = to_rfc3339(version.at)
        span = f"is deleted since {since}" if version.until is None else f"was deleted from {since} until "
        back = "" if version.until is None else to_rfc3339(version.until)
        raise Gone(
            f"{document.destination} {document.key} {span}{back}.",
            hint="Ask for an earlier moment to see what it was.",
        )
    return version


def both_ends(
    documents: DocumentCatalog, document: DocumentRow, start: str | None, end: str | None, now: int, *, dashes: str = ""
) -> tuple[VersionRow, VersionRow]:
    """The two versions that a diff is between, each given by a time or the id of a version. Without `end` it is the
    latest, without `start` the version before the end. `dashes` is what stands in front of `from` and `to` where they
    are options. Raises as `version_as_of`, and NotFound."""
    later = _version(documents, document, end, now, f"{dashes}to")
    if start is not None:
        return _version(documents, document, start, now, f"{dashes}from"), later
    before = documents.version_at(document.id, later.at - 1)
    if before is None:
        raise BadInput(
            f"The version of {to_rfc3339(later.at)} is the first of {document.destination} {document.key}; there is "
            "nothing before it to compare it with.",
            hint=f"Name a later one with {dashes}to." if later.until is not None else "It has not changed since.",
        )
    return before, later


def _version(documents: DocumentCatalog, document: DocumentRow, text: str | None, now: int, name: str) -> VersionRow:
    if text is not None and _UUID.fullmatch(text):
        return documents.version(document.id, UUID(text))
    return version_as_of(documents, document, text, now, name)


def content_of(archive: Archive, version: VersionRow) -> Content | None:
    """What a diff compares of a version; None for a tombstone. Raises as `represent`."""
    if version.tombstone:
        return None
    shown = represent(archive, version)
    return Content(shown.media_type, shown.size, shown.digest, lambda: shown.plain(MAX_COMPARED))


def tree(documents: DocumentCatalog, destination: str, at: int) -> Iterator[tuple[DocumentRow, VersionRow]]:
    """All documents of a product as of `at` (microseconds), by key, tombstones included."""
    for document in documents.iterate(DocumentFilter(destination=(stored_text(destination),), as_of=at)):
        version = documents.version_at(document.id, at)
        if version is not None:
            yield document, version


def check_begun(documents: DocumentCatalog, destination: str, at: int, name: str = "at") -> None:
    """Raises NotFound for a product without documents, BadInput if none was known of `at` yet, and says when that
    began. Looks at all documents of the product only to say so."""
    where = DocumentFilter(destination=(stored_text(destination),), as_of=at)
    if documents.documents(where, limit=1).items:
        return
    everything = documents.iterate(DocumentFilter(destination=where.destination))
    begun = min((row.first_seen for row in everything), default=None)
    if begun is None:
        raise NotFound(
            f"{destination} has no documents.",
            hint="`entrepot products` lists who there is; only what a rule protects becomes a document.",
        )
    raise BadInput(
        f"{name}: at {to_rfc3339(at)} nothing was known of {destination} yet; its first document was captured at "
        f"{to_rfc3339(begun)}.",
        hint=f"Ask for {to_rfc3339(begun)} or later.",
    )
