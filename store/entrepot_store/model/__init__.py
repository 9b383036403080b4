"""The words of the design as types: exchange, request, response, body, and how exchanges are identified."""

from .bounds import cut_heads
from .exchange import Action, Body, Exchange, Headers, Request, Response, WebSocketMessage
from .facts import Gap, LedgerEntry
from .ids import derived_tail, exchange_id, id_floor, id_micros, uuid7
from .text import header_text, plain_text, safe_text

__all__ = [
    "Action",
    "Body",
    "Exchange",
    "Gap",
    "Headers",
    "LedgerEntry",
    "Request",
    "Response",
    "WebSocketMessage",
    "cut_heads",
    "derived_tail",
    "exchange_id",
    "header_text",
    "id_floor",
    "id_micros",
    "plain_text",
    "safe_text",
    "uuid7",
]
