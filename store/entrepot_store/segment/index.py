"""What the catalog keeps of one segment: made by the writer as it writes, and by a reader out of the bytes alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import google_crc32c

from ..catalog.rows import ExchangeRow, MessageRow, PayloadRow, SegmentRow
from ..model import Body, Exchange, Headers
from .fields import END_OF_RECORD
from .head import Kind, RecordHead
from .info import SegmentInfo
from .open_record import OpenRecord
from .opening import parse_info
from .rows import exchange_row
from .shape import header_shape
from .walk import SegmentWalk


@dataclass(slots=True, frozen=True)
class SegmentIndex:
    """The rows of one segment.

    `exchanges` are in the order written. `payloads` are the bodies stored in full here that revisits may refer to.
    `content_crc` is the CRC-32C over all records, uncompressed, in order: what decoding the segment must give.
    `recipes` is what its first record says of how its documents were named and compared; see `SegmentInfo`.
    """

    segment: SegmentRow
    exchanges: tuple[ExchangeRow, ...]
    payloads: tuple[PayloadRow, ...]
    content_crc: int = 0
    recipes: str = ""


class IndexCollector:
    """Builds the index of a segment from its records, handed over in order."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._info: SegmentInfo | None = None
        self._content_crc = 0
        self._content_size = 0
        self._rows: list[ExchangeRow] = []
        self._payloads: list[PayloadRow] = []
        self._exchange: Exchange | None = None
        self._messages: list[MessageRow] = []

    def add(self, record: OpenRecord) -> None:
        """Raises ValueError for a record out of place, and what reading its payload raises."""
        head = record.head
        self._count(head.raw)
        for piece in record.payload:
            self._count(piece)
            if head.kind is Kind.INFO:
                self._info = parse_info(head, piece)
        self._count(END_OF_RECORD)
        if head.kind is Kind.PAYLOAD:
            self._payload(record)
            return
        if head.kind is Kind.REQUEST:
            self._flush()
            self._exchange = head.exchange
        elif head.kind is not Kind.INFO and (self._exchange is None or head.exchange_id != self._exchange.id):
            raise ValueError("the record belongs to another exchange than the one before it")
        if head.kind in (Kind.REQUEST, Kind.RESPONSE):
            self._message(record)

    @property
    def info(self) -> SegmentInfo:
        """What the first record says. Raises ValueError if there was none."""
        if self._info is None:
            raise ValueError("there is no record")
        return self._info

    def finish(self, walk: SegmentWalk) -> SegmentIndex:
        """The index, after the walk has reached the seal. Raises ValueError if exchanges are missing."""
        self._flush()
        info = self.info
        if info.exchanges != len(self._rows):
            raise ValueError(f"it holds {len(self._rows)} exchanges instead of {info.exchanges}")
        times = [row.started_at for row in self._rows]
        segment = SegmentRow(
            key=self._key,
            retention_class=info.retention_class,
            worker=info.worker,
            spool=info.spool,
            size=walk.size,
            content_size=self._content_size,
            digest=walk.digest,
            dictionary=walk.dictionary_size,
            exchanges=len(self._rows),
            first_at=min(times, default=info.at),
            last_at=max(times, default=info.at),
        )
        return SegmentIndex(segment, tuple(self._rows), tuple(self._payloads), self._content_crc, info.recipes)

    def _count(self, data: bytes) -> None:
        self._content_crc = google_crc32c.extend(self._content_crc, data)
        self._content_size += len(data)

    def _message(self, record: OpenRecord) -> None:
        head = record.head
        for headers, body in _sides(head):
            self._messages.append(
                MessageRow(
                    headers,
                    header_shape(headers).media_type(headers),
                    head.size,
                    record.digest,
                    record.offset,
                    record.length,
                    body.truncated,
                    body.decoded,
                )
            )
        if head.response is not None and self._exchange is not None:
            self._exchange.response = head.response
        if head.revisit is None and head.size >= self.info.revisit_min:
            self._payload(record)

    def _payload(self, record: OpenRecord) -> None:
        head = record.head
        self._payloads.append(
            PayloadRow(
                record.digest,
                self.info.retention_class,
                head.size,
                head.record_id,
                self._key,
                record.offset,
                record.length,
            )
        )

    def _flush(self) -> None:
        if self._exchange is not None:
            request, *response = self._messages
            self._rows.append(exchange_row(self._exchange, self._key, request, response[0] if response else None))
        self._exchange, self._messages = None, []


def _sides(head: RecordHead) -> Iterator[tuple[Headers, Body]]:
    if head.exchange is not None:
        yield head.exchange.request.headers, head.exchange.request.body
    if head.response is not None:
        yield head.response.headers, head.response.body
