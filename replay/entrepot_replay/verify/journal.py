"""Reads the journal for what the lost service held: which paths were readable at the moment T, and what tells best what
was there.

What single exchanges say is the knowledge of `entrepot_store.documents.effects`, by which versions of protected
documents are made; here it is asked of all of a product's traffic, so nothing needs to be configured. The freshest word
on a path wins, and a read after T counts too while nothing was written in between. What a write somewhere else may have
changed unseen (a list by what is written below it, anything by a batch that names it) is noted as a doubt.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.documents import Effect, Side
from entrepot_store.documents.effects import Said, statements

from ..flow import request_parts
from ..flow.values import is_distinctive
from ..jsondiff import parse_json
from ..mapping.explain import micros_of
from ..outgoing import recorded_path
from ..selection import READS, is_health_check
from .expected import Basis, Expected

MOST_SENT = 500_000
"""Values that clients sent which are remembered, so that a change of one is never taken for a value made anew."""
MOST_NAMED = 1000
"""Paths named in one body that are looked at."""

type ReadBody = Callable[[ExchangeRow, Side], bytes | None]
"""The stored body; None if it is gone, damaged or too long."""


@dataclass(slots=True)
class _Document:
    """The latest that is known of one path and query."""

    basis: Basis | None = None
    exchange: UUID | None = None
    side: Side = "response"
    at: int = 0
    read: UUID | None = None
    written: UUID | None = None
    gone: tuple[int, UUID] | None = None
    changes: list[UUID] = field(default_factory=list)
    sure: bool = False
    guessed: bool = False
    varies: UUID | None = None
    is_page: bool = False
    digest: bytes = b""
    writes: int = -1
    """How many writes there had been at all when it was last read."""


class Journal:
    """`watch` every exchange with the destination, oldest first; then `expected`."""

    def __init__(self, as_of: int, read_body: ReadBody) -> None:
        """`as_of` is exclusive, in microseconds: what began earlier belongs to the state looked for."""
        self._as_of = as_of
        self._read_body = read_body
        self._documents: dict[str, _Document] = {}
        self._written: dict[str, int] = {}
        self._below: dict[str, int] = {}
        self._removed: dict[str, int] = {}
        self._named: dict[str, int] = {}
        self._late: set[str] = set()
        self._late_below: set[str] = set()
        self._readable_places: set[str] = set()
        self._posted: set[str] = set()
        self._writes = 0
        self.sent: set[str] = set()
        """Distinctive values and times that clients sent."""

    def watch(self, row: ExchangeRow) -> None:
        """The next exchange. Lets pass what `read_body` raises."""
        if is_health_check(row.path) or _is_stream(row):
            return
        bodies = _Bodies(row, self._read_body)
        late = row.started_at >= self._as_of
        method = row.method.upper()
        if method not in READS and method != "CONNECT" and (row.status is None or row.status < 400):
            self._note_write(row, bodies, late=late)
        if method == "GET" and not row.complete and row.status in (200, 203):
            # Half an answer is no content, but it was there to be read.
            query = row.url.partition("#")[0].partition("?")[2]
            self._take(row, Said(row.path, query, Effect.CONTENT, "response", row.started_at), late=late)
        for said in statements(row, bodies.json):
            if not said.prefix:
                self._take(row, said, late=late)

    def expected(self) -> Iterator[Expected]:
        """Every document that was readable at the moment, and those that were written or had been there; in the order
        of their paths, so that what holds others comes before them."""
        for key in sorted(self._documents):
            found = self._documents[key]
            path = key.partition("?")[0]
            if found.exchange is None or found.basis is None:
                continue
            if found.is_page and path in self._posted:
                continue  # a form, made anew with its token each time it is shown
            asks = found.read or found.written or found.exchange
            if found.gone is not None and found.gone[0] >= found.at:
                at, exchange = found.gone
                yield Expected(key, Basis.GONE, exchange, at, asks, was_read=found.read is not None)
                continue
            guessed = found.guessed and _parent(path) not in self._readable_places
            removed = self._removed.get(path, 0) > found.at
            yield Expected(
                key,
                Basis.CHANGED if found.changes else found.basis,
                found.exchange,
                found.at,
                asks,
                found.side,
                tuple(found.changes),
                was_read=found.read is not None,
                sure=found.sure and not guessed,
                doubt=self._doubt(path, found.at),
                perhaps_gone=removed or any(self._removed.get(above, 0) > found.at for above in _above(path)),
                guessed=guessed,
                varies=found.varies,
            )

    def _take(self, row: ExchangeRow, said: Said, *, late: bool) -> None:
        reads = row.method.upper() in READS
        if late and (not reads or self._touched_late(said.path)):
            return
        key = f"{said.path}?{said.query}" if said.query else said.path
        found = self._documents.setdefault(key, _Document())
        if said.effect is Effect.TOMBSTONE:
            found.gone = said.at, row.id
            if row.method.upper() == "DELETE":
                self._removed[said.path] = said.at
            return
        if said.effect is Effect.PATCH:
            found.written = row.id
            if found.exchange is None:  # what it changed was never seen: the change is all that is known
                found.basis, found.exchange, found.side = Basis.CHANGED, row.id, "request"
            found.changes.append(row.id)
            found.at, found.gone = said.at, None
            return
        if reads:
            self._compare_reads(found, row)
        found.exchange, found.side, found.at = row.id, said.side, said.at
        found.changes.clear()
        found.gone = None
        if reads:
            found.basis, found.read, found.sure, found.guessed = Basis.READ, row.id, True, False
            self._readable_places.add(_parent(said.path))
            return
        found.basis = Basis.SHOWN if said.side == "response" else Basis.WRITTEN
        found.written = row.id
        headers = {name.lower() for name, _ in row.response.headers} if row.response is not None else set()
        found.guessed = said.path != row.path and b"location" not in headers and found.read is None
        found.sure = found.sure or said.side == "response" or row.status == 201 or b"etag" in headers
        self._written_at(said.path, said.at, late=False)

    def _compare_reads(self, found: _Document, row: ExchangeRow) -> None:
        digest = b"" if row.response is None else row.response.digest
        found.is_page = row.response is not None and row.response.content_type.lower().startswith("text/html")
        if found.basis is Basis.READ and found.writes == self._writes and found.digest != digest:
            found.varies = found.exchange
        found.digest, found.writes = digest, self._writes

    def _note_write(self, row: ExchangeRow, bodies: "_Bodies", *, late: bool) -> None:
        self._writes += 1
        ended = row.started_at + row.duration_us
        self._written_at(row.path, ended, late=late)
        path = recorded_path(row) or row.path.encode("utf-8", "surrogatepass")
        posts = row.method.upper() == "POST"
        if posts:
            self._posted.add(row.path)
        named = 0
        for part in request_parts(path, row.request.headers, row.request.content_type, bodies.read("request")):
            text = part.text
            if len(self.sent) < MOST_SENT and (is_distinctive(text) or micros_of(text) is not None):
                self.sent.add(text)
            if posts and named < MOST_NAMED and text.startswith("/") and part.where.startswith("json:"):
                named += 1
                self._batched(row.path, text.partition("?")[0].partition("#")[0], ended, late=late)

    def _batched(self, batch: str, path: str, at: int, *, late: bool) -> None:
        """A path named in the body of a POST: that of a part of a batch, perhaps. It may be meant from any level of
        the batch's own path on."""
        for prefix in ("", *(above.rstrip("/") for above in _above(batch))):
            place = prefix + path
            if late:
                self._written_at(place, at, late=True)
            else:
                for one in (place, *_above(place)):
                    self._named[one] = at

    def _written_at(self, path: str, at: int, *, late: bool) -> None:
        if late:
            self._late.add(path)
            self._late_below.update(_above(path))
            return
        self._written[path] = max(at, self._written.get(path, 0))
        for above in _above(path):
            self._below[above] = max(at, self._below.get(above, 0))

    def _touched_late(self, path: str) -> bool:
        return path in self._late or path in self._late_below or any(above in self._late for above in _above(path))

    def _doubt(self, path: str, at: int) -> str:
        if self._written.get(path, 0) > at:
            return "it was written to since"
        if self._below.get(path, 0) > at:
            return "something below it was written since"
        return "a batch named it since" if self._named.get(path, 0) > at else ""


class _Bodies:
    """The bodies of one exchange, each read once."""

    def __init__(self, row: ExchangeRow, read_body: ReadBody) -> None:
        self._row = row
        self._read_body = read_body
        self._held: dict[Side, bytes | None] = {}

    def read(self, side: Side) -> bytes | None:
        if side not in self._held:
            message = self._row.request if side == "request" else self._row.response
            empty = message is None or message.size == 0
            self._held[side] = None if empty else self._read_body(self._row, side)
        return self._held[side]

    def json(self, side: Side) -> Any:
        message = self._row.request if side == "request" else self._row.response
        if message is None:
            return None
        parsed = parse_json(message.content_type, self.read(side) or b"")
        return None if parsed is None else parsed.value


def _is_stream(row: ExchangeRow) -> bool:
    kind = "" if row.response is None else row.response.content_type.lower()
    return kind.startswith(("text/event-stream", "application/grpc"))


def _parent(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0]


def _above(path: str) -> Iterator[str]:
    """Every path above this one, the nearest first, both as written without and with a slash at its end."""
    while "/" in path.strip("/"):
        path = path.rstrip("/").rpartition("/")[0]
        yield path
        yield f"{path}/"
    if path != "/":
        yield "/"
