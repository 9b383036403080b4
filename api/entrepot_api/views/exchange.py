"""An exchange as JSON. The field names are an interface: programs of our users read them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from entrepot_store.catalog import ExchangeRow, MessageRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.model import header_text

from .base import Moment, View

type Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class MessageView(View):
    """A request or a response. `size` (bytes) and `digest` are of the body after transfer and content decoding."""

    headers: list[tuple[str, str]] = Field(description="Name and value of every header, in wire order.")
    content_type: str | None = Field(description="The Content-Type as sent, null if there was none.")
    size: int = Field(ge=0)
    digest: Digest


class ExchangeView(View):
    """One captured request with its response or its error."""

    id: UUID
    started_at: Moment
    duration_ms: float
    source: str
    destination: str
    method: str
    url: str
    path: str = Field(description="Without the query.")
    status: int | None
    http_version: str
    rule: str
    retention_class: str = Field(alias="class")
    complete: bool = Field(description="Nothing of it is known to be missing.")
    error: str | None = Field(description="Why it did not end with a whole response.")
    trace_id: str | None
    request: MessageView
    response: MessageView | None


def exchange_view(row: ExchangeRow) -> ExchangeView:
    return ExchangeView(
        id=row.id,
        started_at=to_rfc3339(row.started_at),
        duration_ms=row.duration_us / 1000,
        source=row.source,
        destination=row.destination,
        method=row.method,
        url=row.url,
        path=row.path,
        status=row.status,
        http_version=row.http_version,
        rule=row.rule,
        **{"class": row.retention_class},
        complete=row.complete,
        error=row.error,
        trace_id=row.trace_id,
        request=_message_view(row.request),
        response=_message_view(row.response) if row.response is not None else None,
    )


def digest_text(digest: bytes) -> str:
    """`sha256:<hex>`"""
    return f"sha256:{digest.hex()}"


def _message_view(row: MessageRow) -> MessageView:
    return MessageView(
        headers=[(header_text(name), header_text(value)) for name, value in row.headers],
        content_type=row.content_type or None,
        size=row.size,
        digest=digest_text(row.digest),
    )
