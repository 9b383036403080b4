"""Documents and their versions: the rows, and the DocumentCatalog port, which `sql.documents` implements.

A *look* is what one exchange says about one document at one moment: its content, a change to it, or that it is gone.
All looks are kept, in the order of time; a *version* is a look that differs from the one before it. Whether a look
starts a version therefore depends on its neighbour alone, and looks that arrive late, in any order, from any proxy, end
in the history that in-order ones would have made. `entrepot_store.documents` makes looks out of exchanges.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from ..model import Gap, derived_tail, exchange_id
from .fields import FieldCondition, FieldRow
from .rows import Page

type Side = Literal["request", "response"]


class Effect(StrEnum):
    """What a look says. `PATCH` is a change whose outcome was not shown: its payload is the patch, and the content is
    what comes of applying it to the version before. `ERASED`: there was a content or a change, and it was expunged."""

    CONTENT = "content"
    PATCH = "patch"
    TOMBSTONE = "tombstone"
    ERASED = "erased"


@dataclass(slots=True, frozen=True)
class Look:
    """One document at one moment, as one exchange shows it.

    `at` is when it was so, microseconds since the epoch: the start of a read (what it shows was true no earlier), the
    end of a write (it took effect no later). `digest` and `size` are of the payload, which is the body of `side`;
    `content` is what looks are compared by, SHA-256 over the canonical content without ignored fields, and equals
    `digest` where bytes are compared. `malformed` marks what says that it is JSON and is none.
    """

    document: UUID
    destination: str
    key: str
    at: int
    exchange: UUID
    effect: Effect
    side: Side
    digest: bytes
    size: int
    content: bytes
    media_type: str
    rule: str
    retention_class: str
    malformed: bool = False

    @property
    def id(self) -> UUID:
        """The same for the same exchange and document, and in the order of time: what a version is named by."""
        return version_id(self.document, self.at, self.exchange)


@dataclass(slots=True, frozen=True)
class DocumentRow:
    """One document. `rule` and `retention_class` are of its last look, `media_type` is of the last one that is no PATCH
    (empty: only changes were seen); `deleted` says that the last version is a tombstone. `first_seen` and `last_seen`
    are microseconds since the epoch."""

    id: UUID
    destination: str
    key: str
    media_type: str
    rule: str
    retention_class: str
    first_seen: int
    last_seen: int
    versions: int
    deleted: bool


@dataclass(slots=True, frozen=True)
class VersionRow:
    """One distinct content of a document, from `at` until the next version begins (`until`, None for the last).

    Where it is: the body of `side` of `exchange`. A tombstone has no payload (`size` 0), and neither has what was
    erased; `erased_at` says when that was.
    """

    id: UUID
    document: UUID
    at: int
    until: int | None
    exchange: UUID
    effect: Effect
    side: Side
    digest: bytes
    size: int
    media_type: str
    retention_class: str
    malformed: bool = False
    erased_at: int | None = None

    @property
    def erased(self) -> bool:
        return self.effect is Effect.ERASED

    @property
    def tombstone(self) -> bool:
        return self.effect is Effect.TOMBSTONE


@dataclass(slots=True, frozen=True, kw_only=True)
class DocumentFilter:
    """Every given condition must hold; several values of one condition are alternatives.

    `key` is exact, `key_prefix` a prefix, `key_template` an OpenAPI-style path template that the key's path matches.
    `fields` are conditions on what rules index, of the exchange that the last look came from. `as_of` keeps documents
    that had been seen by then. `deleted` speaks of the present.
    """

    destination: tuple[str, ...] = ()
    key: str | None = None
    key_prefix: str | None = None
    key_template: str | None = None
    rule: tuple[str, ...] = ()
    retention_class: tuple[str, ...] = ()
    media_type: tuple[str, ...] = ()
    deleted: bool | None = None
    as_of: int | None = None
    fields: tuple[FieldCondition, ...] = ()


def version_id(document: UUID, at: int, exchange: UUID) -> UUID:
    return exchange_id(max(at, 0), derived_tail(document.bytes, exchange.bytes))


class DocumentCatalog(Protocol):
    """What is known of documents. Raises as Catalog does; safe to use from several threads."""

    def add_looks(self, looks: Sequence[Look], fields: Sequence[FieldRow] = ()) -> int:
        """Adds those that are new, in one transaction, index fields too; returns how many looks were. Shipping adds
        them with their exchanges in `Shipment`; this is for those who read exchanges again."""
        ...

    def remove_looks(self, document: UUID, versions: Collection[UUID]) -> int:
        """Removes looks by id and mends what follows them; a document without looks goes as well. Returns how many."""
        ...

    def clear(self, mark: Gap | None = None) -> None:
        """Forgets all documents and index fields; they are made again from the exchanges. `mark` is stated as a gap in
        the same transaction, until `Catalog.take_back` is called."""
        ...

    def document(self, identifier: UUID) -> DocumentRow:
        """Raises NotFound."""
        ...

    def find(self, destination: str, key: str) -> DocumentRow:
        """Raises NotFound."""
        ...

    def documents(self, where: DocumentFilter, *, limit: int = 100, cursor: str | None = None) -> Page[DocumentRow]:
        """A keyset page, by destination and key. Raises BadInput for a cursor of another listing."""
        ...

    def iterate(self, where: DocumentFilter) -> Iterator[DocumentRow]: ...

    def versions(
        self, document: UUID, *, limit: int = 100, cursor: str | None = None, newest_first: bool = False
    ) -> Page[VersionRow]:
        """A keyset page, oldest first unless asked otherwise."""
        ...

    def iterate_versions(self, document: UUID) -> Iterator[VersionRow]:
        """All, oldest first."""
        ...

    def version(self, document: UUID, identifier: UUID) -> VersionRow:
        """Any look, also one that has become part of a longer version: what was named once stays readable.
        Raises NotFound."""
        ...

    def version_at(self, document: UUID, at: int) -> VersionRow | None:
        """The version that held at that moment (inclusive), tombstone included; None before the first."""
        ...

    def looks(self, document: UUID, *, since: int | None = None, until: int | None = None) -> Iterator[Look]:
        """All looks of a document in the order of time, `until` exclusive."""
        ...
