"""What a search inside payloads read, and what it did not."""

from .base import View
from .exchange import ExchangeView


class UnreadableView(View):
    exchange: str
    reason: str


class ScanView(View):
    """`read` and `unread` count exchanges; `unread` ones were beyond the bound."""

    items: list[ExchangeView]
    read: int
    unread: int
    unreadable: list[UnreadableView]
