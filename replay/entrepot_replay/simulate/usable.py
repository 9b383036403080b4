"""Whether a recorded answer can be given at all, and if not, why not."""

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.errors import EntrepotError

PASSING = frozenset({401, 407, 408, 425, 429, *range(500, 600)})
"""Answers that tell of the moment and not of the resource: a token that had run out, a limit, a fault. They are given
only where nothing else was ever recorded."""


def unusable(row: ExchangeRow, archive: Archive) -> str:
    """Why the recorded answer must not be given; empty if it may be."""
    response = row.response
    if response is None or row.status is None:
        return f"no answer was recorded: {row.error or 'the connection ended'}"
    if response.truncated or not row.complete:
        return _incomplete(row, archive)
    if row.status == 101:
        return "it is a WebSocket, of which only messages were recorded"
    if row.method.upper() == "CONNECT":
        return "it is a tunnel"
    if response.content_type.lower().startswith("application/grpc"):
        return "it is gRPC, whose status is in trailers"
    if not 200 <= row.status <= 999:
        return f"its status, {row.status}, cannot be sent"
    return ""


def _incomplete(row: ExchangeRow, archive: Archive) -> str:
    """An answer is whole if nothing of its own is missing, also if something of its request is."""
    response = row.response
    if row.error is not None:
        return f"its answer is incomplete: {row.error}"
    if response is None or not response.truncated:
        return ""
    erased = archive.catalog.retention.erased([row.id]).get(row.id)
    if erased is not None and erased.response:
        return "its answer was erased"
    try:
        head = archive.head(row, "response").response
    except EntrepotError:
        return "its answer is incomplete"  # and the record that says why cannot be read
    if head is not None and head.body.withheld:
        return f"its answer was withheld by redaction: {head.body.withheld}"
    return "its answer was cut off by a bound of the capture"
