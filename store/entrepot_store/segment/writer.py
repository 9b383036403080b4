"""Writes one segment: the exchanges of one retention class, in their order, as compressed WARC records.

Two passes. The first undoes content codings and takes digests, so that the catalog is asked once which payloads the
class already stores; the second formats, compresses and writes. Bodies that live in files are streamed in both.
"""

import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import google_crc32c
import zstandard

from ..catalog.rows import ExchangeRow, MessageRow, PayloadRow, SegmentRow
from ..model import Exchange, Gap, LedgerEntry
from . import dictionary as dictionaries
from . import record_ids
from .fields import END_OF_RECORD
from .frames import format_seal
from .index import SegmentIndex
from .info import LATEST, REVISIT_MIN, SOFTWARE, SegmentInfo
from .payload import Payload, prepare
from .records import Record, messages_record, request_record, response_record
from .rows import exchange_row, message_row

_FLUSH_BYTES = 1024 * 1024

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
        with _FrameWriter(target, _dictionary(exchanges, prepared)) as frames:
            frames.write(Record(info.format(key).removesuffix(END_OF_RECORD), None))
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

    def __init__(
        self, key: str, retention_class: str, frames: "_FrameWriter", stored: Mapping[bytes, PayloadRow]
    ) -> None:
        self._key = key
        self._class = retention_class
        self._frames = frames
        self._stored = stored
        self.exchanges: list[ExchangeRow] = []
        self.payloads: dict[bytes, PayloadRow] = {}

    def add(self, exchange: Exchange, request: Payload, response: Payload | None) -> None:
        refers_to = self._refers_to(request)
        sent = self._row(
            request_record(exchange, request, refers_to), exchange.request.headers, request, refers_to, exchange.id
        )
        received = None
        if exchange.response is not None and response is not None:
            refers_to = self._refers_to(response)
            received = self._row(
                response_record(exchange, response, refers_to),
                exchange.response.headers,
                response,
                refers_to,
                record_ids.response_id(exchange.id),
            )
        if exchange.messages:
            self._frames.write(messages_record(exchange))
        self.exchanges.append(exchange_row(exchange, self._key, sent, received))

    def _refers_to(self, payload: Payload) -> UUID | None:
        if payload.size < REVISIT_MIN:
            return None
        place = self.payloads.get(payload.digest) or self._stored.get(payload.digest)
        return None if place is None else place.record_id

    def _row(
        self,
        record: Record,
        headers: tuple[tuple[bytes, bytes], ...],
        payload: Payload,
        refers_to: UUID | None,
        record_id: UUID,
    ) -> MessageRow:
        offset, length = self._frames.write(record)
        if refers_to is None and payload.size >= REVISIT_MIN:
            self.payloads[payload.digest] = PayloadRow(
                payload.digest, self._class, payload.size, record_id, self._key, offset, length
            )
        return message_row(headers, payload.size, payload.digest, offset, length, payload.truncated, payload.encoding)


class _FrameWriter:
    """The file: compresses records into frames, counts and digests what goes in and what comes out."""

    def __init__(self, target: Path, dictionary: zstandard.ZstdCompressionDict | None) -> None:
        self._target = target
        self._compressor = dictionaries.compressor(dictionary)
        self._descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._frames = 0
        self.digest = sha256()
        self.content_crc = 0
        self.content_size = 0
        self.offset = 0
        self.dictionary_size = 0
        if dictionary is not None:
            frame = dictionaries.format_dictionary(dictionary)
            self.dictionary_size = len(frame)
            self._append(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def write(self, record: Record) -> tuple[int, int]:
        """Offset and length of the record's frame."""
        start = self.offset
        payload = record.payload
        if payload is None:
            self._frame(record.head + END_OF_RECORD)
        elif payload.data is not None:
            self._frame(b"".join((record.head, payload.data, END_OF_RECORD)))
        else:
            self._stream(record.head, payload)
        self._frames += 1
        return start, self.offset - start

    def seal(self) -> None:
        """Ends the segment and makes it durable."""
        self._flush()
        self._append(format_seal(self._frames, self.digest.digest()))
        self._flush()
        os.fsync(self._descriptor)

    def _frame(self, content: bytes) -> None:
        self.content_crc = google_crc32c.extend(self.content_crc, content)
        self.content_size += len(content)
        self._append(self._compressor.compress(content))

    def _stream(self, head: bytes, payload: Payload) -> None:
        size = len(head) + payload.size + len(END_OF_RECORD)
        frame = self._compressor.compressobj(size=size)
        for chunk in self._chunks(head, payload):
            self.content_crc = google_crc32c.extend(self.content_crc, chunk)
            compressed = frame.compress(chunk)
            if compressed:
                self._append(compressed)
        self._append(frame.flush())
        self.content_size += size

    @staticmethod
    def _chunks(head: bytes, payload: Payload) -> Iterator[bytes]:
        yield head
        yield from payload.chunks()
        yield END_OF_RECORD

    def _append(self, data: bytes) -> None:
        self.offset += len(data)
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= _FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        data = b"".join(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        self.digest.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


def _dictionary(exchanges: Sequence[Exchange], prepared: Sequence[_Prepared]) -> zstandard.ZstdCompressionDict | None:
    """Trained on evenly spaced exchanges if there is enough to compress."""
    sizes = [request.size + (response.size if response else 0) + 1024 for request, response in prepared]
    total = sum(sizes)
    if total <= dictionaries.TRAIN_ABOVE:
        return None
    step = max(1, total // dictionaries.SAMPLE_BYTES)
    samples = []
    for position in range(0, len(exchanges), step):
        exchange, (request, response) = exchanges[position], prepared[position]
        samples.append(_sample(request_record(exchange, request, None)))
        if response is not None:
            samples.append(_sample(response_record(exchange, response, None)))
    return dictionaries.train(samples)


def _sample(record: Record) -> bytes:
    body = record.payload.data if record.payload is not None else None
    return (record.head + (body or b""))[: dictionaries.SAMPLE_LONGEST]
