"""The catalog: the SQL index over the vault. It can always be rebuilt from the vault.

`rows` is what it knows, `filters` what can be asked, `port` what any catalog must do, `sql` does it on SQLite and
PostgreSQL.
"""

from .filters import ExchangeFilter, Order
from .port import Catalog
from .rows import ExchangeRow, MessageRow, Page, PayloadRow, ProductRow, SegmentRow, Shipment, TokenRow

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
]
