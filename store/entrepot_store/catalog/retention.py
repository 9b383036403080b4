"""What the catalog knows of retention: the rows, and the RetentionCatalog port. `sql.retention.SqlRetention` implements
it, on the database of a SqlCatalog. `entrepot_store.compact`, `.retention` and `.expunge` decide; here it is written.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from .documents import Effect, Side
from .fields import FieldRow
from .rows import PayloadRow, SegmentRow

NOTHING = sha256(b"").digest()
"""What an erased body is known by."""


@dataclass(slots=True, frozen=True)
class Stored:
    """One side of an exchange in its segment: the body's size and digest, and where its record is."""

    size: int
    digest: bytes
    offset: int
    length: int


@dataclass(slots=True, frozen=True)
class StoredExchange:
    """An exchange as far as repacking has to know it; a segment has tens of thousands."""

    id: UUID
    started_at: int
    rule: str
    request: Stored
    response: Stored | None

    @property
    def sides(self) -> tuple[Stored, ...]:
        return (self.request,) if self.response is None else (self.request, self.response)


@dataclass(slots=True, frozen=True)
class Replacement:
    """A segment that takes the place of others: its row, and where in it exchanges and payloads are. `since` is when
    the vault stored it."""

    segment: SegmentRow
    exchanges: tuple[StoredExchange, ...]
    payloads: tuple[PayloadRow, ...]
    replaces: tuple[str, ...]
    since: int


@dataclass(slots=True, frozen=True)
class SupersededRow:
    """A segment that counts no more and is still in the vault. `since` is microseconds by the vault's clock."""

    key: str
    retention_class: str
    size: int
    replaced_by: str
    since: int


@dataclass(slots=True, frozen=True)
class RepackingRow:
    """A segment under way to the vault, and those it is to replace."""

    key: str
    replaces: tuple[str, ...]
    planned_at: int


@dataclass(slots=True, frozen=True)
class Weight:
    """What of a segment is still referred to: exchanges, and the bytes of their records and of payloads kept there."""

    segment: SegmentRow
    exchanges: int
    live_bytes: int

    @property
    def dead_bytes(self) -> int:
        return max(self.segment.size - self.segment.dictionary - self.live_bytes, 0)


@dataclass(slots=True, frozen=True)
class HistoryLook:
    """A look as retention sees it: `stored` are the bytes that its exchange takes in its segment."""

    id: UUID
    at: int
    exchange: UUID
    effect: Effect
    starts: bool
    method: str
    stored: int


@dataclass(slots=True, frozen=True)
class History:
    """All looks of one document, oldest first."""

    document: UUID
    destination: str
    key: str
    rule: str
    looks: tuple[HistoryLook, ...]


@dataclass(slots=True, frozen=True)
class JournalEntry:
    """An exchange that says nothing about a document."""

    id: UUID
    started_at: int
    rule: str
    retention_class: str
    segment: str
    stored: int


@dataclass(slots=True, frozen=True)
class PinRow:
    """Exactly one of `version` and `at` is set."""

    id: UUID
    document: UUID
    version: UUID | None
    at: int | None
    created_at: int
    created_by: str
    note: str = ""


@dataclass(slots=True, frozen=True)
class HoldRow:
    """A legal hold; `released_at` None: it holds."""

    id: UUID
    retention_class: str
    since: int
    placed_by: str
    reason: str
    released_at: int | None = None
    released_by: str | None = None


@dataclass(slots=True, frozen=True)
class ErasedRow:
    """Which sides of an exchange were erased; WebSocket messages go with both. `content` is the side that the content
    of its document is or was on, None if it says nothing of one: without the payloads nobody can tell any more."""

    exchange: UUID
    erasure: UUID
    request: bool
    response: bool
    content: Side | None = None

    @property
    def sides(self) -> tuple[Side, ...]:
        return (*(("request",) if self.request else ()), *(("response",) if self.response else ()))


@dataclass(slots=True, frozen=True)
class ErasureRow:
    """An entry of the erasure ledger, without what it names."""

    id: UUID
    at: int
    erased_by: str
    reason: str


class RetentionCatalog(Protocol):
    """Raises as Catalog does; safe to use from several threads."""

    def sole(self) -> AbstractContextManager[None]:
        """Only one process at a time moves or removes what the vault holds. Ends with the process, whatever ends it.
        Raises Busy while another one is at it."""
        ...

    # Repacking

    def weights(self, retention_class: str | None = None) -> Iterator[Weight]:
        """By key of the segment."""
        ...

    def exchanges_of(self, segment: str) -> Iterator[StoredExchange]:
        """In the order in which the segment holds them."""
        ...

    def payloads_of(self, segment: str) -> list[PayloadRow]: ...

    def plan_repacking(self, row: RepackingRow) -> None: ...

    def repackings(self) -> list[RepackingRow]: ...

    def forget_repacking(self, key: str) -> None: ...

    def replace_segments(self, replacement: Replacement) -> bool:
        """In one transaction: the new segment's row, every exchange and payload of the old ones moved to it, the old
        rows gone and remembered as superseded. False, and nothing done, if the catalog has that segment already.

        Raises Damaged, and changes nothing, if an exchange or a payload that is known in an old segment is not in the
        new one; Busy if one of the old segments is not known (any more)."""
        ...

    def superseded(self) -> list[SupersededRow]:
        """Oldest first."""
        ...

    def forget_superseded(self, key: str) -> list[str]:
        """The object is gone. Returns the keys of removals that say nothing any more; they are forgotten too."""
        ...

    def empty_removals(self) -> list[str]:
        """Removals that speak of no segment that is still there."""
        ...

    # Rebuilding

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
        """Replaces all that is known of retention by what the vault says, in one transaction, when the exchanges are
        there; `removals` have the segments of theirs that are in the vault, `shipped` are names of spool files that
        had been shipped whole; `due` are segments that hold what was erased. Forgets payloads that nobody refers
        to. What is under way stays for `settle`."""
        ...

    # Retention

    def histories(self, rules: Collection[str] | None = None) -> Iterator[History]:
        """Of documents whose last look is of one of the rules (None: of all), by document."""
        ...

    def journal(self, rule: str, until: int) -> Iterator[JournalEntry]:
        """Exchanges of the rule that started before `until` and make no look, oldest first."""
        ...

    def newest(self) -> int | None:
        """When the last exchange started."""
        ...

    def looks_of(self, exchanges: Collection[UUID]) -> dict[UUID, set[UUID]]:
        """The ids of all looks of each of the exchanges."""
        ...

    def places(self, exchanges: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
        """Class and segment of those that are there."""
        ...

    def plan_removal(self, key: str, segments: Collection[str]) -> None: ...

    def removals(self, *, done: bool) -> list[str]: ...

    def withdraw_removal(self, key: str) -> None: ...

    def remove_exchanges(self, removal: str, exchanges: Collection[UUID]) -> int:
        """In one transaction: the exchanges, their looks, what they counted for products, and payloads that no other
        exchange refers to. Returns how many exchanges there were."""
        ...

    # Pins, holds, erasures

    def recount_flows(self) -> None:
        """Counts the flows (`CoverageCatalog`) anew where they say more exchanges than there are, as after
        `remove_exchanges`: once for a whole prune, because it reads every exchange of a destination."""
        ...

    def add_pin(self, row: PinRow) -> None: ...

    def remove_pin(self, identifier: UUID) -> PinRow:
        """Raises NotFound."""
        ...

    def pins(self) -> list[PinRow]: ...

    def add_hold(self, row: HoldRow) -> None: ...

    def release_hold(self, identifier: UUID, at: int, by: str) -> None: ...

    def holds(self, *, released: bool | None = False) -> list[HoldRow]:
        """Those that hold; True: those released; None: all."""
        ...

    def plan_erasure(self, erasure: ErasureRow, exchanges: Sequence[ErasedRow]) -> None:
        """The entry of the ledger; nothing is erased yet."""
        ...

    def said_by(self, exchanges: Collection[UUID]) -> Mapping[UUID, tuple[Side, str]]:
        """Those of the exchanges that say something of a document: the side that the content is on, and its key."""
        ...

    def mark_erased(self, exchanges: Sequence[ErasedRow], fields: Sequence[FieldRow] = ()) -> None:
        """In one transaction: the rows of those exchanges that are there marked as erased, and their looks where the
        content was erased; their index fields replaced by `fields`, what replays learnt of them gone, payloads
        that nobody refers to any more forgotten, and segments due that hold what they held."""
        ...

    def erased(self, exchanges: Collection[UUID]) -> Mapping[UUID, ErasedRow]: ...

    def unfinished_erasures(self) -> Sequence[tuple[ErasureRow, Sequence[ErasedRow]]]:
        """Those of which the vault may still hold what was erased, oldest first."""
        ...

    def due(self) -> list[str]:
        """Segments that hold what was erased."""
        ...

    def pruned_segments(self) -> list[str]:
        """Segments in force that hold exchanges which were removed."""
        ...

    def scrub(self) -> None:
        """Takes what was erased out of the database's own files, where it is ours to do so (SQLite: free pages and the
        write-ahead log). Raises Busy while a reader keeps old pages."""
        ...

    def finish_erasure(self, identifier: UUID) -> None: ...

    def sides_with(self, digest: bytes) -> Mapping[UUID, tuple[bool, bool]]:
        """Exchanges whose request or response body (first, second) is of that digest. Reads all of them."""
        ...

    def erasures(self) -> list[ErasureRow]: ...
