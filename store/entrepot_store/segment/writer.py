"""Writes one segment: the exchanges of one retention class, in their order, as compressed WARC records.

Two passes. The first undoes content codings and takes digests, so that the catalog is asked once which payloads the
class already stores; the second formats, compresses and writes. Bodies that live in files are streamed in both.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import zstandard

from ..catalog.rows import ExchangeRow, MessageRow, PayloadRow, SegmentRow
from ..model import Exchange, Gap, Headers, LedgerEntry
from . import dictionary as dictionaries
from . import record_ids
from .frame_writer import FrameWriter
from .index import SegmentIndex
from .info import LATEST, REVISIT_MIN, SOFTWARE, SegmentInfo
from .payload import Payload, Prepared, prepare
from .records import IN_FULL, ExchangeRecords, Record, Storing
from .rows import exchange_row

type KnownPayloads = Callable[[Collection[bytes]], Mapping[bytes, PayloadRow]]


@dataclass(slots=True)
class _Side:
    """A request or a response ready to be written."""

    prepared: Prepared
    record_id: UUID
    storing: Storing = IN_FULL

    @property
    def payload(self) -> Payload:
        return self.prepared.payload


type _Sides = tuple[_Side, _Side | None]
type Observe = Callable[[ExchangeRow, Payload, Payload | None], None]


def write_segment(
    target: Path,
    *,
    key: str,
    retention_class: str,
    worker: str,
    spool: str,
    exchanges: Sequence[Exchange],
    ledger: LedgerEntry | None,
    gaps: Sequence[Gap],
    bodies: Path,
    known: KnownPayloads,
    recipes: str = "",
    observe: Observe = lambda row, request, response: None,
    software: str = SOFTWARE,
) -> SegmentIndex:
    """Writes `target` (0600, fsynced) and returns what the catalog needs of it. `bodies` is where `Body.file` names
    live; `known` tells which digests the class already stores. `recipes` goes into the first record as it is (see
    `SegmentInfo`). `observe` is called with every exchange while its bodies, decoded, are at hand.

    Deterministic: the same input, the same answers of `known` and the same zstd make the same bytes.
    Raises OSError, NotFound for a body whose file is gone or too short, and whatever `known` raises.
    """
    times = [exchange.started_at for exchange in exchanges] or [ledger.at if ledger else 0]
    at = min(max(min(times), 0), LATEST)
    info = SegmentInfo(
        retention_class, worker, spool, len(exchanges), at, ledger, tuple(gaps), recipes=recipes, software=software
    )
    sides = [_prepare(exchange, bodies) for exchange in exchanges]
    _deduplicate(sides, known)
    with FrameWriter(target, _dictionary(exchanges, sides)) as frames:
        frames.write(Record(info.format(key), None))
        index = _Index(key, retention_class, frames, observe)
        for exchange, (request, response) in zip(exchanges, sides, strict=True):
            index.add(exchange, request, response)
        frames.seal()
    segment = SegmentRow(
        key=key,
        retention_class=retention_class,
        worker=worker,
        spool=spool,
        size=frames.offset,
        content_size=frames.content_size,
        digest=frames.digest.digest(),
        dictionary=frames.dictionary_size,
        exchanges=len(exchanges),
        first_at=min(times) if exchanges else at,
        last_at=max(times) if exchanges else at,
    )
    return SegmentIndex(segment, tuple(index.exchanges), tuple(index.payloads), frames.content_crc, recipes)


def _prepare(exchange: Exchange, bodies: Path) -> _Sides:
    sent = _Side(prepare(exchange.request, bodies), exchange.id)
    if exchange.response is None:
        return sent, None
    return sent, _Side(prepare(exchange.response, bodies), record_ids.response_id(exchange.id))


def _deduplicate(exchanges: Sequence[_Sides], known: KnownPayloads) -> None:
    """Decides which payloads become revisits: those the class stores already, and those met before in this segment."""
    sides = [side for pair in exchanges for side in pair if side is not None and side.payload.size >= REVISIT_MIN]
    stored = {digest: row.record_id for digest, row in known({side.payload.digest for side in sides}).items()}
    for side in sides:
        place = stored.setdefault(side.payload.digest, side.record_id)
        if place is not side.record_id:
            side.storing = Storing(place)


class _Index:
    """Writes exchanges and keeps what the catalog must know of them."""

    def __init__(self, key: str, retention_class: str, frames: FrameWriter, observe: Observe) -> None:
        self._key = key
        self._observe = observe
        self._class = retention_class
        self._frames = frames
        self.exchanges: list[ExchangeRow] = []
        self.payloads: list[PayloadRow] = []

    def add(self, exchange: Exchange, request: _Side, response: _Side | None) -> None:
        records = ExchangeRecords(exchange)
        record = records.request(request.prepared, request.storing)
        sent = self._write(record, exchange.request.headers, request)
        received = None
        if exchange.response is not None and response is not None:
            record = records.response(response.prepared, response.storing)
            received = self._write(record, exchange.response.headers, response)
        if exchange.messages:
            self._frames.write(records.messages())
        row = exchange_row(exchange, self._key, sent, received)
        self.exchanges.append(row)
        self._observe(row, request.payload, None if response is None else response.payload)

    def _write(self, record: Record, headers: Headers, side: _Side) -> MessageRow:
        offset, length = self._frames.write(record)
        payload = side.payload
        if payload.size >= REVISIT_MIN and side.storing.refers_to is None:
            self.payloads.append(
                PayloadRow(payload.digest, self._class, payload.size, side.record_id, self._key, offset, length)
            )
        return MessageRow(
            headers,
            side.prepared.shape.media_type(headers),
            payload.size,
            payload.digest,
            offset,
            length,
            payload.truncated,
            payload.encoding,
        )


def _dictionary(exchanges: Sequence[Exchange], sides: Sequence[_Sides]) -> zstandard.ZstdCompressionDict | None:
    """Trained on evenly spaced exchanges, if there is enough that a dictionary helps with."""
    useful = sum(_useful(side) for pair in sides for side in pair if side is not None)
    if useful <= dictionaries.TRAIN_ABOVE:
        return None
    samples = []
    for position in range(0, len(exchanges), dictionaries.sample_every(useful)):
        records = ExchangeRecords(exchanges[position])
        request, response = sides[position]
        samples.append(_sample(records.request(request.prepared, request.storing)))
        if response is not None:
            samples.append(_sample(records.response(response.prepared, response.storing)))
    return dictionaries.train(samples)


def _useful(side: _Side) -> int:
    """Bytes of the record that are worth training on; its head is taken for half a KiB."""
    return min((side.payload.size if side.storing.refers_to is None else 0) + 512, dictionaries.SAMPLE_LONGEST)


def _sample(record: Record) -> bytes:
    body = record.payload.data if record.payload is not None else None
    return (record.head + (body or b""))[: dictionaries.SAMPLE_LONGEST]
