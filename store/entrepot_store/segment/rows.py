"""Index rows out of an exchange and what is known of its records. Writer and reader share this, so they agree."""

from functools import lru_cache

from ..catalog.rows import ExchangeRow, MessageRow
from ..model import Exchange, Headers, header_text, safe_text
from .shape import header_shape


def media_type(headers: Headers) -> str:
    """The first `Content-Type` as sent; empty if there is none."""
    place = header_shape(headers).type_at
    return _media_text(headers[place][1]) if place >= 0 else ""


@lru_cache(maxsize=1024)
def _media_text(value: bytes) -> str:
    return header_text(value).strip()


def exchange_row(exchange: Exchange, key: str, request: MessageRow, response: MessageRow | None) -> ExchangeRow:
    sent = exchange.request
    return ExchangeRow(
        exchange.id,
        exchange.started_at,
        exchange.duration_us,
        exchange.source,
        exchange.destination,
        safe_text(sent.method),
        safe_text(sent.url),
        safe_text(sent.path.partition(b"?")[0]),
        None if exchange.response is None else exchange.response.status,
        sent.version,
        exchange.rule,
        exchange.action,
        exchange.retention_class,
        exchange.complete,
        exchange.error,
        exchange.trace_id,
        key,
        request,
        response,
    )
