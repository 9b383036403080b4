"""Index rows out of an exchange and what is known of its records. Writer and reader share this, so they agree."""

from ..catalog.rows import ExchangeRow, MessageRow
from ..model import Exchange, safe_text


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
