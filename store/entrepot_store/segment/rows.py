"""Index rows out of an exchange and what is known of its records. Writer and reader share this, so they agree.

Whatever a peer sent becomes a row that every database takes: one that a database refused would keep all the exchanges
of its spool file out of the catalog. The segment has what was captured, exactly.
"""

from dataclasses import replace

from ..catalog.rows import ExchangeRow, MessageRow
from ..model import Exchange, plain_text, safe_text

LONGEST_NAME = 255
"""Characters of a name that is indexed; PostgreSQL takes no more than 2,700 bytes into an index."""
HIGHEST_STATUS = 2**31 - 1
"""Servers send any number for a status; the catalog's column holds 32 bits."""


def exchange_row(exchange: Exchange, key: str, request: MessageRow, response: MessageRow | None) -> ExchangeRow:
    sent = exchange.request
    return ExchangeRow(
        exchange.id,
        exchange.started_at,
        exchange.duration_us,
        _name(exchange.source),
        _name(exchange.destination),
        safe_text(sent.method),
        safe_text(sent.url),
        safe_text(sent.path.partition(b"?")[0]),
        None if exchange.response is None else _status(exchange.response.status),
        plain_text(sent.version),
        exchange.rule,
        exchange.action,
        exchange.retention_class,
        exchange.complete,
        None if exchange.error is None else plain_text(exchange.error),
        None if exchange.trace_id is None else _name(exchange.trace_id),
        key,
        _message(request),
        None if response is None else _message(response),
    )


def _message(row: MessageRow) -> MessageRow:
    encoding = plain_text(row.encoding)
    return row if encoding == row.encoding else replace(row, encoding=encoding)


def _name(text: str) -> str:
    name = plain_text(text)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _status(status: int) -> int:
    return min(max(status, -HIGHEST_STATUS), HIGHEST_STATUS)
