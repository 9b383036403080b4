"""What the journal says about every document of a product: one pass over its exchanges, zero configuration.

A document is a path that some exchange says something about (`entrepot_store.documents.effects`). Documents of one kind
stand beside each other under paths that differ in ids only; what was sent to one tells how to write the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, ExchangeRow
from entrepot_store.catalog.documents import Effect, Side
from entrepot_store.documents.canonical import is_json, parse_json
from entrepot_store.documents.coded import codings_of, uncoded
from entrepot_store.documents.effects import statements
from entrepot_store.errors import Damaged, NotFound

from ..bodies import INLINE
from ..flow.values import Kind, is_distinctive, kind_of
from ..selection import READS, Selection, Skip, choose
from .shape import Shape

_NO_DOCUMENT = frozenset({Skip.HEALTH_CHECK, Skip.TUNNEL, Skip.WEBSOCKET, Skip.EVENT_STREAM})


@dataclass(frozen=True, slots=True)
class Event:
    """What one exchange says about a document: `effect` at `at` (microseconds). `whole` is false for a write that took
    effect and was not captured whole."""

    at: int
    row: ExchangeRow
    effect: Effect
    side: Side
    whole: bool = True

    @property
    def reads(self) -> bool:
        return self.row.method.upper() in READS


@dataclass(slots=True)
class Kin:
    """Documents of one kind: what is sent to them and how. `put`, `patch` and `delete` are exchanges that succeeded;
    `creates`: a PUT to a path where nothing was made the document."""

    shape: Shape = field(default_factory=Shape)
    creates: bool = False
    put: ExchangeRow | None = None
    patch: ExchangeRow | None = None
    delete: ExchangeRow | None = None


@dataclass(slots=True)
class Document:
    """One path and everything that was said about it, in the order of time once `History.close` is done."""

    path: str
    events: list[Event] = field(default_factory=list)

    @property
    def written(self) -> bool:
        return any(not event.reads for event in self.events)


class History:
    """The documents of one destination. Read once, by `read`."""

    def __init__(self, archive: Archive, destination: str) -> None:
        self.archive = archive
        self.destination = destination
        self.documents: dict[str, Document] = {}
        self._kin: dict[str, Kin] = {}
        self._collections: set[str] = set()

    def read(self) -> "History":
        """Reads the whole journal, whatever moment is asked for: how a service is spoken to, and what was made later,
        is in all of it. Raises what catalog and vault do."""
        where = ExchangeFilter(destination=(self.destination,))
        selection = Selection(where)
        for row in self.archive.catalog.iterate(where):
            if choose(row, selection).skip not in _NO_DOCUMENT:
                self._see(row)
        for document in self.documents.values():
            document.events.sort(key=lambda event: event.at)
        self._leave_out_lists()
        return self

    def kin(self, path: str) -> Kin:
        return self._kin.setdefault(kind(path), Kin())

    def _see(self, row: ExchangeRow) -> None:
        bodies: dict[Side, Any] = {}

        def read(side: Side) -> Any:
            if side not in bodies:
                bodies[side] = self._json(row, side)
            return bodies[side]

        if not row.complete:
            self._incomplete(row)
            return
        for said in statements(row, read):
            if said.prefix:
                self._collections.add(said.path)
                continue
            if row.method.upper() == "GET" and said.query:
                continue  # a view of the document, or of many
            if row.method.upper() == "POST":
                self._collections.add(row.path)
            self._note(said.path, Event(said.at, row, said.effect, said.side))
            if row.method.upper() not in READS and said.effect is not Effect.TOMBSTONE:
                self._learn(said.path, row, read)
            elif row.method.upper() == "DELETE" and row.status is not None and row.status < 300:
                self.kin(said.path).delete = row

    def _note(self, path: str, event: Event) -> None:
        self.documents.setdefault(path, Document(path)).events.append(event)

    def _incomplete(self, row: ExchangeRow) -> None:
        """A write of which not everything was captured took effect all the same."""
        method = row.method.upper()
        if method in ("PUT", "PATCH", "DELETE") and row.status is not None and row.status < 300:
            effect = Effect.TOMBSTONE if method == "DELETE" else Effect.PATCH
            event = Event(row.started_at + row.duration_us, row, effect, "request", whole=False)
            self._note(row.path, event)

    def _learn(self, path: str, row: ExchangeRow, read: Any) -> None:
        kin, method = self.kin(path), row.method.upper()
        if is_json(row.request.content_type) and row.request.size <= INLINE:
            kin.shape.add(read("request"), read("response"))
        if method == "PUT":
            kin.put = row
            kin.creates = kin.creates or row.status == 201
        elif method == "PATCH":
            kin.patch = row

    def _json(self, row: ExchangeRow, side: Side) -> Any:
        message = row.request if side == "request" else row.response
        if message is None or not is_json(message.content_type) or not 0 < message.size <= INLINE:
            return None
        try:
            return parse_json(uncoded(self.archive.body_bytes(row, side), codings_of(message), INLINE))
        except (ValueError, RecursionError, NotFound, Damaged):
            return None  # what cannot be read says nothing; the plan says so where it would be needed

    def _leave_out_lists(self) -> None:
        """Lists tell of other documents and are back when those are: what documents are posted to, and what was only
        ever read while documents below it were written."""
        above = {parent for path, document in self.documents.items() if document.written for parent in parents(path)}
        for path in [*self.documents]:
            document = self.documents[path]
            if not document.written and (path in self._collections or path in above):
                del self.documents[path]


def parents(path: str) -> Iterator[str]:
    """`/a/b/c` → `/a/b`, `/a`."""
    while path := path.rstrip("/").rpartition("/")[0]:
        yield path


def kind(path: str) -> str:
    """`/orders/7/items/9` → `/orders/{}/items/{}`: what documents of one kind have in common."""
    above = path.rstrip("/").split("/")[:-1]
    return "/".join("{}" if _is_id(segment) else segment for segment in above) + "/{}"


def _is_id(segment: str) -> bool:
    return is_distinctive(segment) or kind_of(segment) is Kind.NUMBER
