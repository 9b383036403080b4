"""Between the catalog's rows (`catalog.rows`) and the columns of the tables.

By position and not by name: a shipment has thousands of rows with 34 columns each, and names would double its cost.
The order of the columns is that of the tables in `schema.py`, which a test holds against these functions.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, select

from ...model import Action
from ..rows import ExchangeRow, MessageRow, PayloadRow, SegmentRow
from .headers import pack_headers, unpack_headers
from .schema import Exchange, Payload, Segment

type Values = tuple[Any, ...]

_MESSAGE = attrgetter("content_type", "size", "digest", "offset", "length", "truncated", "encoding")
_EXCHANGE = attrgetter(
    *("started_at", "duration_us", "source", "destination", "method", "url", "path", "status", "http_version"),
    *("rule", "action.value", "retention_class", "complete", "error", "trace_id"),
)
_NO_MESSAGE = (None,) * 7
_SEGMENT = tuple(SegmentRow.__slots__)
_PAYLOAD = ("digest", "retention_class", "size", "record_id", "offset", "length")


def media_type(content_type: str) -> str:
    """`Application/JSON; charset=utf-8` as `application/json`."""
    return content_type.partition(";")[0].strip().lower()


def exchange_values(row: ExchangeRow, segment_ids: Mapping[str, int], *, binary_ids: bool) -> Values:
    """What the driver takes, in the order of the table's columns; `binary_ids` where it takes a UUID as its bytes."""
    request, response = row.request, row.response
    return (
        row.id.bytes if binary_ids else row.id,
        *_EXCHANGE(row),
        media_type(response.content_type) if response else "",
        segment_ids[row.segment],
        pack_headers(request.headers, response.headers if response else None),
        *_MESSAGE(request),
        *(_MESSAGE(response) if response else _NO_MESSAGE),
    )


def select_exchanges() -> Select[Any]:
    """The columns that `exchange_row` takes."""
    names = [name for name in Exchange.__table__.c.keys() if name not in ("media_type", "segment_id")]  # noqa: SIM118 - not a dict
    columns = [Exchange.__table__.c[name] for name in names]
    return select(*columns, Segment.key).join(Segment, Segment.id == Exchange.segment_id)


def exchange_row(found: Any) -> ExchangeRow:
    """Raises Damaged and TooNew, as `unpack_headers` does."""
    request_headers, response_headers = unpack_headers(found[16])
    request = MessageRow(request_headers, *found[17:24])
    response = None if response_headers is None else MessageRow(response_headers, *found[24:31])
    fields: list[Any] = [*found[:11], Action(found[11]), *found[12:16], found[31], request, response]
    return ExchangeRow(*fields)


def segment_columns(row: SegmentRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _SEGMENT}


def select_segments() -> Select[Any]:
    return select(*(Segment.__table__.c[name] for name in _SEGMENT))


def segment_row(found: Any) -> SegmentRow:
    return SegmentRow(*found)


def payload_values(row: PayloadRow, segment_ids: Mapping[str, int], *, binary_ids: bool) -> Values:
    """As `exchange_values`."""
    return (
        row.retention_class,
        row.digest,
        row.size,
        row.record_id.bytes if binary_ids else row.record_id,
        segment_ids[row.segment],
        row.offset,
        row.length,
    )


def select_payloads() -> Select[Any]:
    table = Payload.__table__.c
    return select(*(table[name] for name in _PAYLOAD), Segment.key).join(Segment, Segment.id == Payload.segment_id)


def payload_row(found: Any) -> PayloadRow:
    digest, retention_class, size, record_id, offset, length, segment = found
    return PayloadRow(digest, retention_class, size, record_id, segment, offset, length)
