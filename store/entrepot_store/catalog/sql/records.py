"""Between the catalog's rows (`catalog.rows`) and the columns of the tables."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from ...model import Action
from ..rows import ExchangeRow, MessageRow, PayloadRow, SegmentRow
from .headers import pack_headers, unpack_headers
from .schema import Exchange, Payload, Segment

type Columns = dict[str, Any]


def media_type(content_type: str) -> str:
    """`Application/JSON; charset=utf-8` as `application/json`."""
    return content_type.partition(";")[0].strip().lower()


def exchange_columns(row: ExchangeRow, segment_ids: Mapping[str, int]) -> Columns:
    request, response = row.request, row.response
    return {
        "id": row.id,
        "started_at": row.started_at,
        "duration_us": row.duration_us,
        "source": row.source,
        "destination": row.destination,
        "method": row.method,
        "url": row.url,
        "path": row.path,
        "status": row.status,
        "http_version": row.http_version,
        "rule": row.rule,
        "action": row.action.value,
        "retention_class": row.retention_class,
        "complete": row.complete,
        "error": row.error,
        "trace_id": row.trace_id,
        "media_type": media_type(response.content_type) if response else "",
        "segment_id": segment_ids[row.segment],
        "headers": pack_headers(request.headers, response.headers if response else None),
        "request_content_type": request.content_type,
        "request_size": request.size,
        "request_digest": request.digest,
        "request_offset": request.offset,
        "request_length": request.length,
        "request_truncated": request.truncated,
        "request_encoding": request.encoding,
        "response_content_type": response.content_type if response else None,
        "response_size": response.size if response else None,
        "response_digest": response.digest if response else None,
        "response_offset": response.offset if response else None,
        "response_length": response.length if response else None,
        "response_truncated": response.truncated if response else None,
        "response_encoding": response.encoding if response else None,
    }


def select_exchanges() -> Select[Any]:
    """All columns an ExchangeRow needs, in the order `exchange_row` takes them."""
    table = Exchange.__table__.c
    names = [name for name in table.keys() if name not in ("media_type", "segment_id")]  # noqa: SIM118 - not a mapping
    return select(*(table[name] for name in names), Segment.key.label("segment")).join(
        Segment, Segment.id == Exchange.segment_id
    )


def exchange_row(found: Any) -> ExchangeRow:
    columns = found._mapping
    request_headers, response_headers = unpack_headers(columns["headers"])

    def message(side: str, headers: Any) -> MessageRow:
        return MessageRow(
            headers=headers,
            content_type=columns[f"{side}_content_type"],
            size=columns[f"{side}_size"],
            digest=bytes(columns[f"{side}_digest"]),
            offset=columns[f"{side}_offset"],
            length=columns[f"{side}_length"],
            truncated=columns[f"{side}_truncated"],
            encoding=columns[f"{side}_encoding"],
        )

    return ExchangeRow(
        id=columns["id"],
        started_at=columns["started_at"],
        duration_us=columns["duration_us"],
        source=columns["source"],
        destination=columns["destination"],
        method=columns["method"],
        url=columns["url"],
        path=columns["path"],
        status=columns["status"],
        http_version=columns["http_version"],
        rule=columns["rule"],
        action=Action(columns["action"]),
        retention_class=columns["retention_class"],
        complete=columns["complete"],
        error=columns["error"],
        trace_id=columns["trace_id"],
        segment=columns["segment"],
        request=message("request", request_headers),
        response=None if response_headers is None else message("response", response_headers),
    )


def segment_columns(row: SegmentRow) -> Columns:
    return {name: getattr(row, name) for name in _SEGMENT}


def select_segments() -> Select[Any]:
    return select(*(Segment.__table__.c[name] for name in _SEGMENT))


def segment_row(found: Any) -> SegmentRow:
    return SegmentRow(**found._mapping)


def payload_columns(row: PayloadRow, segment_ids: Mapping[str, int]) -> Columns:
    columns = {name: getattr(row, name) for name in _PAYLOAD}
    columns["segment_id"] = segment_ids[row.segment]
    return columns


def select_payloads() -> Select[Any]:
    table = Payload.__table__.c
    return select(*(table[name] for name in _PAYLOAD), Segment.key.label("segment")).join(
        Segment, Segment.id == Payload.segment_id
    )


def payload_row(found: Any) -> PayloadRow:
    return PayloadRow(**found._mapping)


_SEGMENT = (
    *("key", "retention_class", "worker", "spool", "size", "content_size"),
    *("digest", "dictionary", "exchanges", "first_at", "last_at"),
)
_PAYLOAD = ("digest", "retention_class", "size", "record_id", "offset", "length")
