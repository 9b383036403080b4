"""Writes one segment: the exchanges of one retention class, in their order, as compressed WARC records.

Two passes. The first undoes content codings and takes digests, so that the catalog is asked once which payloads the
class already stores; the second formats, compresses and writes. Bodies that live in files are streamed in both.
"""

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
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
from .payload import Payload, prepare
from .records import IN_FULL, Record, Storing, messages_record, request_record, response_record
from .rows import exchange_row, media_type

type KnownPayloads = Callable[[Collection[bytes]], Mapping[bytes, PayloadRow]]
type _Prepared = tuple[Payload, Payload | None]


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
    software: str = SOFTWARE,
) -> SegmentIndex:
    """Writes `target` (0600, fsynced) and returns what the catalog needs of it. `bodies` is where `Body.file` names
    live; `known` tells which digests the class already stores.

    Deterministic: the same input, the same answers of `known` and the same zstd make the same bytes.
    Raises OSError, NotFound for a body whose file is gone or too short, and whatever `known` raises.
    """
    times = [exchange.started_at for exchange in exchanges] or [ledger.at if ledger else 0]
    at = min(max(min(times), 0), LATEST)
    info = SegmentInfo(retention_class, worker, spool, len(exchanges), at, ledger, tuple(gaps), software=software)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="decoded-") as workspace:
        prepared = [_prepare(exchange, bodies, Path(workspace)) for exchange in exchanges]
        stored = known({p.digest for pair in prepared for p in pair if p is not None and p.size >= REVISIT_MIN})
        with FrameWriter(target, _dictionary(exchanges, prepared)) as frames:
            frames.write(Record(info.format(key), None))
            index = _Index(key, retention_class, frames, stored)
            for exchange, (request, response) in zip(exchanges, prepared, strict=True):
                index.add(exchange, request, response)
            frames.seal()
        return SegmentIndex(
            SegmentRow(
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
            ),
            tuple(index.exchanges),
            tuple(index.payloads.values()),
            frames.content_crc,
        )


def _prepare(exchange: Exchange, bodies: Path, workspace: Path) -> _Prepared:
    request, response = exchange.request, exchange.response
    return (
        prepare(request.body, request.headers, bodies, workspace),
        None if response is None else prepare(response.body, response.headers, bodies, workspace),
    )


class _Index:
    """Writes exchanges and keeps what the catalog must know of them."""

    def __init__(self, key: str, retention_class: str, frames: FrameWriter, stored: Mapping[bytes, PayloadRow]) -> None:
        self._key = key
        self._class = retention_class
        self._frames = frames
        self._stored = stored
        self.exchanges: list[ExchangeRow] = []
        self.payloads: dict[bytes, PayloadRow] = {}

    def add(self, exchange: Exchange, request: Payload, response: Payload | None) -> None:
        storing = self._storing(request)
        place = self._frames.write(request_record(exchange, request, storing))
        sent = _row(exchange.request.headers, request, place)
        if storing.refers_to is None:
            self._offer(request, exchange.id, place)
        received = None
        if exchange.response is not None and response is not None:
            storing = self._storing(response)
            place = self._frames.write(response_record(exchange, response, storing))
            received = _row(exchange.response.headers, response, place)
            if storing.refers_to is None:
                self._offer(response, record_ids.response_id(exchange.id), place)
        if exchange.messages:
            self._frames.write(messages_record(exchange))
        self.exchanges.append(exchange_row(exchange, self._key, sent, received))

    def _storing(self, payload: Payload) -> Storing:
        if payload.size < REVISIT_MIN:
            return IN_FULL
        place = self.payloads.get(payload.digest) or self._stored.get(payload.digest)
        return IN_FULL if place is None else Storing(place.record_id)

    def _offer(self, payload: Payload, record_id: UUID, place: tuple[int, int]) -> None:
        """Lets later bodies that are equal refer to this one."""
        if payload.size >= REVISIT_MIN:
            self.payloads[payload.digest] = PayloadRow(
                payload.digest, self._class, payload.size, record_id, self._key, *place
            )


def _row(headers: Headers, payload: Payload, place: tuple[int, int]) -> MessageRow:
    return MessageRow(
        headers, media_type(headers), payload.size, payload.digest, *place, payload.truncated, payload.encoding
    )


def _dictionary(exchanges: Sequence[Exchange], prepared: Sequence[_Prepared]) -> zstandard.ZstdCompressionDict | None:
    """Trained on evenly spaced exchanges, if there is enough that a dictionary helps with."""
    useful = sum(_useful(request) + (_useful(response) if response else 0) for request, response in prepared)
    if useful <= dictionaries.TRAIN_ABOVE:
        return None
    step = max(1, useful // dictionaries.SAMPLE_BYTES)
    samples = []
    for position in range(0, len(exchanges), step):
        exchange, (request, response) = exchanges[position], prepared[position]
        samples.append(_sample(request_record(exchange, request)))
        if response is not None:
            samples.append(_sample(response_record(exchange, response)))
    return dictionaries.train(samples)


def _useful(payload: Payload) -> int:
    """Bytes of the payload's record that are worth training on; its head is taken for half a KiB."""
    return min(payload.size + 512, dictionaries.SAMPLE_LONGEST)


def _sample(record: Record) -> bytes:
    body = record.payload.data if record.payload is not None else None
    return (record.head + (body or b""))[: dictionaries.SAMPLE_LONGEST]
