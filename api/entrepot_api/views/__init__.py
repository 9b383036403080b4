"""Where rows become what people and programs read: one module per thing, used by the command line and HTTP alike.

Views are pydantic models so that the OpenAPI description is made from the very code that writes the JSON.
"""

from .base import PageView, View, to_json
from .completeness import GapView, LedgerView, gap_view, ledger_view
from .exchange import ExchangeView, MessageView, exchange_view
from .product import ProductView, product_view
from .token import TokenView, token_view

__all__ = [
    "ExchangeView",
    "GapView",
    "LedgerView",
    "MessageView",
    "PageView",
    "ProductView",
    "TokenView",
    "View",
    "exchange_view",
    "gap_view",
    "ledger_view",
    "product_view",
    "to_json",
    "token_view",
]
