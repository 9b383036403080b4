"""Emptying what can be rebuilt, and comparing what came of it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any

import msgpack
from sqlalchemy import Connection, Select, delete, select

from ...model import Gap
from . import schema
from .completeness import add_gaps
from .coverage_schema import Flow, FlowPath, FlowSample, FlowSchema
from .dialect import keep_writers_out
from .document_schema import Document, LookRow
from .field_schema import Field
from .records import exchange_row, payload_row, segment_row, select_exchanges, select_payloads, select_segments

_BATCH = 2000
_REBUILT = (
    # Referring tables first.
    *(schema.Exchange, schema.Payload, schema.Segment, schema.Shipment),
    *(schema.Product, schema.Ledger, schema.Gap),
    *(LookRow, Document, Field),
    *(Flow, FlowPath, FlowSample, FlowSchema),
)
_SAMPLED: tuple[Any, ...] = (
    FlowSample.id,
    FlowSample.path_id,
    FlowSample.method,
    FlowSample.hour,
    FlowSample.exchange_id,
)
"""What of a sample the exchanges alone say; its shape is there once somebody has looked."""


def clear_index(connection: Connection, marks: Collection[Gap]) -> frozenset[str]:
    # In the order in which a shipment writes; it is committed before or after all of this, and not in between.
    keep_writers_out(connection, schema.Shipment, schema.Segment)
    known = frozenset(connection.execute(select(schema.Segment.key)).scalars())
    for model in _REBUILT:
        connection.execute(delete(model))
    add_gaps(connection, marks)
    return known


def fingerprint(connection: Connection) -> Mapping[str, str]:
    """Hashes rows as callers see them, and not columns: ids of segments and packed headers may differ between two
    catalogs that say the same."""
    exchange, payload = schema.Exchange, schema.Payload
    ledger, gap, product = schema.Ledger, schema.Gap, schema.Product

    def plain(model: type[schema.Base], *order: Any) -> Iterator[Any]:
        return (tuple(row) for row in _rows(connection, select(*model.__table__.c).order_by(*order)))

    content: dict[str, Iterator[Any]] = {
        "segments": map(segment_row, _rows(connection, select_segments().order_by(schema.Segment.key))),
        "exchanges": map(exchange_row, _rows(connection, select_exchanges().order_by(exchange.id))),
        "payloads": map(
            payload_row, _rows(connection, select_payloads().order_by(payload.retention_class, payload.digest))
        ),
        "products": plain(product, product.name),
        "ledger": plain(ledger, ledger.worker),
        "gaps": plain(gap, gap.id),
        "documents": plain(Document, Document.id),
        "fields": plain(Field, Field.exchange_id, Field.name, Field.text_value),
        "looks": plain(LookRow, LookRow.document_id, LookRow.id),
        "flows": (tuple(row)[:-1] for row in _rows(connection, select(*Flow.__table__.c).order_by(Flow.id))),
        "flow_paths": plain(FlowPath, FlowPath.id),
        "flow_samples": map(tuple, _rows(connection, select(*_SAMPLED).order_by(FlowSample.id))),
    }
    return {name: _digest(rows) for name, rows in content.items()}


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    yield from connection.execution_options(yield_per=_BATCH).execute(query)


def _digest(rows: Iterator[Any]) -> str:
    digest = sha256()
    pack: Callable[[Any], bytes] = msgpack.Packer(default=_plain).pack
    for row in rows:
        digest.update(pack(row))
    return f"sha256:{digest.hexdigest()}"


def _plain(value: Any) -> Any:
    """Rows and ids as what msgpack knows; a field's place in its row is part of what is compared."""
    if hasattr(value, "__dataclass_fields__"):
        return [getattr(value, name) for name in value.__dataclass_fields__]
    return value.bytes
