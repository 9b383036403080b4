"""What a document was at a moment, and by which writes it came to be that.

The last word counts: of reads that follow the last write the newest shows the content, else the write itself does.
Where a rule protects the document, its version knows more (patches applied) and counts unless the journal saw later.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import jsonpatch

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.documents import Effect, Side, VersionRow
from entrepot_store.documents.canonical import parse_json
from entrepot_store.documents.coded import codings_of, uncoded
from entrepot_store.documents.content import content_bytes, patched
from entrepot_store.documents.identity import document_key
from entrepot_store.errors import Damaged, NotFound

from ..answer import HELD
from ..bodies import INLINE
from ..selection import READS
from .history import Document, Event
from .shape import WRAPPERS


class State(StrEnum):
    """Where a document was at the moment. `NEWER`: made later. `UNSEEN`: first seen later, but maybe older."""

    PRESENT = "present"
    GONE = "gone"
    NEWER = "newer"
    UNSEEN = "unseen"


class NoContent(Exception):
    """Nothing that was captured shows what it was; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a document's content is: the body of `side` of an exchange with the PATCHes `changes` on top, or a version
    that the catalog knows."""

    exchange: UUID
    side: Side
    document: UUID | None = None
    version: UUID | None = None
    changes: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes as they were shown or sent, and when (microseconds). `sent`: they are those of a request whose answer did
    not show the document, so what the server put beside them is not known. `long`: there are too many to be held, and
    `data` is their SHA-256 instead."""

    data: bytes
    media_type: str
    at: int
    sent: bool = False
    long: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document at the moment. `event` is the last word on it, `version` the version that knows it better.

    `writes` are those that made it what it was, from the last that said everything (PUT, or the POST that made it) on;
    `made` the POST that made it and what followed, if there was one. `shown` is the last event that showed the content,
    `changes` the PATCHes after it that did not. `since` is when it was first spoken of. `unseen`:
    the last word is a read of something that no recorded write had left."""

    path: str
    state: State
    event: Event | None = None
    version: VersionRow | None = None
    writes: tuple[Event, ...] = ()
    made: tuple[Event, ...] = ()
    shown: Event | None = None
    changes: tuple[Event, ...] = ()
    since: int = 0
    unseen: bool = False


def state_at(archive: Archive, destination: str, document: Document, at: int) -> Wanted:
    """The document as of `at` (microseconds, inclusive). Raises CatalogUnavailable."""
    events = [event for event in document.events if event.at <= at]
    if not events:
        first = document.events[0]
        newer = not first.reads and (first.row.method.upper() == "POST" or first.row.status == 201)
        return Wanted(document.path, State.NEWER if newer else State.UNSEEN, first)
    written = max((place for place, event in enumerate(events) if not event.reads), default=-1)
    last = events[-1]
    version = _version(archive, destination, document.path, at)
    if version is not None and version.at <= last.at and last.effect is not Effect.PATCH:
        version = None
    effect = last.effect if version is None else version.effect
    if effect is Effect.TOMBSTONE:
        return Wanted(document.path, State.GONE, last, version)
    writes = _writes(events[: written + 1])
    place = max((place for place, event in enumerate(events) if event.effect is not Effect.PATCH), default=-1)
    shown = events[place] if place >= 0 and events[place].effect is Effect.CONTENT else None
    return Wanted(
        document.path,
        State.PRESENT,
        last,
        version,
        writes,
        _made(events[: written + 1]),
        shown=shown,
        changes=tuple(events[place + 1 :]),
        since=events[0].at,
    )


def _writes(events: list[Event]) -> tuple[Event, ...]:
    """From the last write that said everything on; empty if there is none since it was last gone."""
    found: list[Event] = []
    for event in reversed(events):
        if event.effect is Effect.TOMBSTONE:
            return ()
        if event.reads:
            continue
        found.append(event)
        if event.row.method.upper() in ("PUT", "POST") and event.whole:
            return tuple(reversed(found))
    return ()


def _made(events: list[Event]) -> tuple[Event, ...]:
    """The POST that made it, the last PUT after it, and the changes since; empty if no POST made it."""
    for place in reversed(range(len(events))):
        event = events[place]
        if event.effect is Effect.TOMBSTONE:
            return ()
        if event.row.method.upper() == "POST":
            since = _writes(events)
            return since if since and since[0] is event else (event, *since)
    return ()


def _version(archive: Archive, destination: str, path: str, at: int) -> VersionRow | None:
    documents = archive.catalog.documents
    try:
        document = documents.find(destination, document_key(path, ""))
    except NotFound:
        return None
    return documents.version_at(document.id, at)


def evidence_of(wanted: Wanted) -> Evidence:
    """Where its content is. Raises NoContent where nothing that was captured shows it."""
    version, event = wanted.version, wanted.event
    if version is not None:
        return Evidence(version.exchange, version.side, version.document, version.id)
    if event is None:
        raise NoContent("nothing was captured of it")
    if any(not change.whole for change in wanted.changes) or not event.whole:
        raise NoContent("a write that changed it was not captured whole")
    shown = wanted.shown if wanted.changes else event
    if shown is None:
        raise NoContent("only changes of it were captured, and nothing shows what they changed")
    message = shown.row.request if shown.side == "request" else shown.row.response
    if message is None or message.truncated:
        raise NoContent(f"its content in the {shown.row.method} was not captured whole")
    return Evidence(shown.row.id, shown.side, changes=tuple(change.row.id for change in wanted.changes))


def content_of(archive: Archive, evidence: Evidence) -> Content:
    """The content. Raises NotFound and Damaged with the reason why there is none, and what the vault raises."""
    catalog = archive.catalog
    row = catalog.exchange(evidence.exchange)
    reads = row.method.upper() in READS
    if evidence.document is not None and evidence.version is not None:
        version = catalog.documents.version(evidence.document, evidence.version)
        data = content_bytes(archive, catalog.documents, version)
        own = version.effect is Effect.CONTENT and version.side == "request"
        return Content(data, version.media_type or "application/json", version.at, sent=own and not reads)
    message = row.request if evidence.side == "request" else row.response
    if message is None or message.truncated:
        raise Damaged(f"its content in the {row.method} was not captured whole.")
    at = row.started_at + (0 if reads else row.duration_us)
    if message.size > HELD:
        if evidence.changes:
            raise Damaged("it is too long for the changes to be applied to it.")
        return Content(message.digest, message.content_type, at, sent=evidence.side == "request", long=True)
    data = uncoded(archive.body_bytes(row, evidence.side), codings_of(message), HELD)
    for change in evidence.changes:
        patch = catalog.exchange(change)
        data, at = _patched(archive, data, patch), patch.started_at + patch.duration_us
    return Content(data, message.content_type, at, sent=evidence.side == "request")


def _patched(archive: Archive, content: bytes, row: ExchangeRow) -> bytes:
    """The content with a change on top, which is within what the answer wraps, if it wraps it. Raises Damaged."""
    change = uncoded(archive.body_bytes(row, "request"), codings_of(row.request), INLINE)
    try:
        shown, asked = parse_json(content), parse_json(change)
        if isinstance(shown, dict) and isinstance(asked, dict):
            wrapper = next((name for name in WRAPPERS if isinstance(shown.get(name), dict)), None)
            if wrapper is not None and wrapper not in asked:
                change = json.dumps({wrapper: asked}).encode()
        return patched(content, change, row.request.content_type.partition(";")[0].strip())
    except (ValueError, RecursionError, jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise Damaged(f"the PATCH that changed it does not apply to what was seen before: {error}.") from error
