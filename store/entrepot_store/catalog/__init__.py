"""The catalog: the SQL index over the vault. It can always be rebuilt from the vault.

`rows` is what it knows, `filters` what can be asked, `port` what any catalog must do, `sql` does it on SQLite and
PostgreSQL.
"""

from typing import TYPE_CHECKING

from .filters import ExchangeFilter, Order
from .port import Catalog
from .rows import ExchangeRow, MessageRow, Page, PayloadRow, ProductRow, SegmentRow, Shipment, TokenRow

if TYPE_CHECKING:
    from ..config import Settings
    from .sql import SqlCatalog


def open_catalog(where: "Settings | str", *, create: bool = True, migrate: bool | None = None) -> "SqlCatalog":
    """As `sql.open_catalog`, which is loaded here only: the proxy needs the row types and no database."""
    from .sql import open_catalog as open_sql

    return open_sql(where, create=create, migrate=migrate)


__all__ = [
    "Catalog",
    "ExchangeFilter",
    "ExchangeRow",
    "MessageRow",
    "Order",
    "Page",
    "PayloadRow",
    "ProductRow",
    "SegmentRow",
    "Shipment",
    "TokenRow",
    "open_catalog",
]
