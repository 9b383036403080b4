"""The Catalog port on SQL: opens the database, and runs each call in a transaction of its own.

What the calls do is in the modules beside; this one only says which of them need to write. Other stores that live in
the same database (replays) take `SqlCatalog.database` and use its `reading()` and `writing()`: errors are translated
there already. Their tables go into a migration of their own.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Self
from uuid import UUID

from ...model import Gap, LedgerEntry
from ..filters import ExchangeFilter, Order
from ..rows import ExchangeRow, GapRow, Page, PayloadRow, ProductRow, SegmentRow, Shipment, TokenRow
from . import completeness, lookup, rebuilding, shipping, tokens
from .coverage import SqlCoverage
from .documents import SqlDocumentCatalog
from .drills import SqlDrills
from .engine import Database, prepare_sqlite_file
from .migrate import check_schema
from .migrate import migrate as migrate_schema
from .retention import SqlRetention

_BATCH = 1000


class SqlCatalog:
    """A catalog in SQLite or PostgreSQL."""

    def __init__(self, url: str, *, create: bool = True, migrate: bool = True) -> None:
        """`create` and `migrate` as for `open_catalog`. Raises ConfigError for a URL of anything else, TooNew,
        CatalogUnavailable; NotFound without `create`, TooOld without `migrate`."""
        self.database = Database(url)
        self.documents = SqlDocumentCatalog(self.database)
        self.retention = SqlRetention(self.database)
        self.coverage = SqlCoverage(self.database)
        self.drills = SqlDrills(self.database)
        try:
            file = self.database.file
            if not migrate and (file is None or file.exists()):
                check_schema(self.database, empty=create)
            if create:
                if file is not None:
                    prepare_sqlite_file(file, self.database.location)
                migrate_schema(self.database)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def location(self) -> str:
        return self.database.location

    def close(self) -> None:
        self.database.close()

    # Shipping

    def commit_shipment(self, shipment: Shipment) -> bool:
        with self.database.writing() as connection:
            return shipping.commit_shipment(connection, shipment)

    def is_shipped(self, spool: str) -> bool:
        with self.database.reading() as connection:
            return shipping.is_shipped(connection, spool)

    def known_payloads(self, retention_class: str, digests: Collection[bytes]) -> Mapping[bytes, PayloadRow]:
        with self.database.reading() as connection:
            return dict(shipping.known_payloads(connection, retention_class, digests))

    def known_exchanges(self, ids: Collection[UUID]) -> set[UUID]:
        with self.database.reading() as connection:
            return shipping.known_exchanges(connection, ids)

    # Look-up

    def exchange(self, identifier: UUID) -> ExchangeRow:
        with self.database.reading() as connection:
            return lookup.exchange(connection, identifier)

    def exchanges(
        self, where: ExchangeFilter, *, limit: int = 100, cursor: str | None = None, order: Order = Order.NEWEST
    ) -> Page[ExchangeRow]:
        with self.database.reading() as connection:
            return lookup.exchanges(connection, where, limit, cursor, order)

    def iterate(self, where: ExchangeFilter, order: Order = Order.OLDEST) -> Iterator[ExchangeRow]:
        # A page at a time: a transaction held open for a whole export would keep SQLite's WAL growing.
        after = None
        while True:
            with self.database.reading() as connection:
                found = lookup.page(connection, where, _BATCH, after, order)
            yield from found
            if len(found) < _BATCH:
                return
            after = found[-1].id

    def count(self, where: ExchangeFilter) -> int:
        with self.database.reading() as connection:
            return lookup.count(connection, where)

    def payload(self, retention_class: str, digest: bytes) -> PayloadRow:
        with self.database.reading() as connection:
            return lookup.payload(connection, retention_class, digest)

    def products(self) -> list[ProductRow]:
        with self.database.reading() as connection:
            return lookup.products(connection)

    def segment(self, key: str) -> SegmentRow:
        with self.database.reading() as connection:
            return lookup.segment(connection, key)

    def segments(self, prefix: str = "") -> Iterator[SegmentRow]:
        after = ""
        while True:
            with self.database.reading() as connection:
                found = lookup.segments(connection, prefix, after, _BATCH)
            yield from found
            if len(found) < _BATCH:
                return
            after = found[-1].key

    # Completeness

    def ledger(self) -> list[LedgerEntry]:
        with self.database.reading() as connection:
            return completeness.ledger(connection)

    def gaps(self, *, acknowledged: bool | None = None) -> list[GapRow]:
        with self.database.reading() as connection:
            return completeness.gaps(connection, acknowledged)

    def acknowledge_gap(self, identifier: UUID, by: str, at: int) -> GapRow:
        with self.database.writing() as connection:
            return completeness.acknowledge_gap(connection, identifier, by, at)

    # Tokens

    def add_token(self, token: TokenRow) -> None:
        with self.database.writing() as connection:
            tokens.add_token(connection, token)

    def token_by_digest(self, digest: bytes) -> TokenRow | None:
        with self.database.reading() as connection:
            return tokens.token_by_digest(connection, digest)

    def tokens(self) -> list[TokenRow]:
        with self.database.reading() as connection:
            return tokens.tokens(connection)

    def revoke_token(self, identifier: UUID, at: int) -> None:
        with self.database.writing() as connection:
            tokens.revoke_token(connection, identifier, at)

    # Rebuilding

    def clear_index(self, *marks: Gap) -> frozenset[str]:
        with self.database.writing() as connection:
            return rebuilding.clear_index(connection, marks)

    def add_rebuilt(self, shipment: Shipment) -> None:
        with self.database.writing() as connection:
            shipping.add_contents(connection, shipment)

    def take_back(self, mark: Gap) -> None:
        with self.database.writing() as connection:
            completeness.remove_gap(connection, mark)

    def fingerprint(self) -> Mapping[str, str]:
        with self.database.reading() as connection:
            return rebuilding.fingerprint(connection)
