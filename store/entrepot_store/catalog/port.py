"""The Catalog port. `sql.SqlCatalog` is the implementation, on SQLite and on PostgreSQL, under one conformance suite.

Foreign errors never leave it. Any call may raise CatalogUnavailable; opening one may raise TooNew (newer schema).
Methods are synchronous and may be called from several threads.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol
from uuid import UUID

from ..model import Gap, LedgerEntry
from .coverage import CoverageCatalog
from .documents import DocumentCatalog
from .drills import DrillCatalog
from .filters import ExchangeFilter, Order
from .retention import RetentionCatalog
from .rows import (
    ExchangeRow,
    GapRow,
    Page,
    PayloadRow,
    ProductRow,
    SegmentRow,
    Shipment,
    TokenRow,
)


class Catalog(Protocol):
    """The index of everything in the vault, and the few facts that live in SQL only (tokens, replays)."""

    @property
    def location(self) -> str:
        """Its database URL without the password, for people."""
        ...

    @property
    def documents(self) -> DocumentCatalog:
        """What is known of documents and their versions."""
        ...

    @property
    def coverage(self) -> CoverageCatalog:
        """What traffic there is, and what of it is new."""
        ...

    @property
    def retention(self) -> RetentionCatalog:
        """What is known of pins, holds and erasures, and of segments that take the place of others."""
        ...

    @property
    def drills(self) -> DrillCatalog:
        """What came of rehearsals of restorations."""
        ...

    def close(self) -> None: ...

    # Shipping

    def commit_shipment(self, shipment: Shipment) -> bool:
        """Everything of one spool file in one transaction; False, and nothing done, if that spool file was committed
        before. An exchange whose id is already known keeps its first row. A payload stored in several places is known
        by the one whose segment comes first by key, whoever committed first. Looks count with their exchanges only.

        Raises PayloadGone, and does nothing, if a payload that it refers to is not known any more."""
        ...

    def is_shipped(self, spool: str) -> bool: ...

    def known_payloads(self, retention_class: str, digests: Collection[bytes]) -> Mapping[bytes, PayloadRow]:
        """Those of the digests that the class already stores."""
        ...

    def known_exchanges(self, ids: Collection[UUID]) -> set[UUID]: ...

    # Look-up

    def exchange(self, identifier: UUID) -> ExchangeRow:
        """Raises NotFound."""
        ...

    def exchanges(
        self, where: ExchangeFilter, *, limit: int = 100, cursor: str | None = None, order: Order = Order.NEWEST
    ) -> Page[ExchangeRow]:
        """A keyset page; cost does not grow with the depth. Raises BadInput for a cursor that another listing (or
        nobody) made, and for a malformed template, status or content type."""
        ...

    def iterate(self, where: ExchangeFilter, order: Order = Order.OLDEST) -> Iterator[ExchangeRow]:
        """All matching exchanges, read page by page."""
        ...

    def count(self, where: ExchangeFilter) -> int: ...

    def payload(self, retention_class: str, digest: bytes) -> PayloadRow:
        """Raises NotFound."""
        ...

    def products(self) -> list[ProductRow]:
        """By name."""
        ...

    def segment(self, key: str) -> SegmentRow:
        """Raises NotFound."""
        ...

    def segments(self, prefix: str = "") -> Iterator[SegmentRow]:
        """By key."""
        ...

    # Completeness

    def ledger(self) -> list[LedgerEntry]:
        """The last entry of every worker run, by worker."""
        ...

    def gaps(self, *, acknowledged: bool | None = None) -> list[GapRow]:
        """By time."""
        ...

    def acknowledge_gap(self, identifier: UUID, by: str, at: int) -> GapRow:
        """Raises NotFound. Acknowledging again changes nothing."""
        ...

    # Tokens

    def add_token(self, token: TokenRow) -> None: ...

    def token_by_digest(self, digest: bytes) -> TokenRow | None: ...

    def tokens(self) -> list[TokenRow]: ...

    def revoke_token(self, identifier: UUID, at: int) -> None:
        """Raises NotFound."""
        ...

    # Rebuilding

    def clear_index(self, *marks: Gap) -> frozenset[str]:
        """Empties everything that can be rebuilt from the vault, and nothing else; in the same transaction states
        `marks`, each of which stays until `take_back` is called. Returns the keys of the segments that it knew."""
        ...

    def add_rebuilt(self, shipment: Shipment) -> None:
        """As `commit_shipment`, of segments found in the vault. It does not say that their spool file was shipped: its
        other segments may not be there yet, and then only the shipper can make the rest of them."""
        ...

    def take_back(self, mark: Gap) -> None:
        """The rebuild that `mark` stands for has ended well."""
        ...

    def fingerprint(self) -> Mapping[str, str]:
        """Per table that can be rebuilt, a digest over its ordered content: two catalogs of the same vault are equal
        exactly when their fingerprints are. Acknowledgements of gaps, which no vault holds, are left out."""
        ...
