"""Reads a segment: all of it, in one pass and fully checked, or one record at a place that the catalog knows."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgpack

from ..errors import Damaged
from ..model import Exchange, Gap, LedgerEntry
from .body_stream import BodyStream
from .fields import END_OF_RECORD
from .frames import MAX_FRAME_HEADER, frame_length, max_frame_length, parse_frame_header
from .head import Kind, RecordHead, Revisit
from .index import IndexCollector, SegmentIndex
from .info import SegmentInfo
from .load import BodyLoader, Resolve
from .open_record import OpenRecord, once
from .opening import open_segment, parse_info
from .records import unpack_messages
from .sources import FileSource, RangeSource, VaultSource
from .walk import WHOLE, Frame, FrameDecoder, FrameInput, SegmentWalk, exactly

__all__ = [
    "BodyStream",
    "FileSource",
    "OpenRecord",
    "RangeSource",
    "RecordHead",
    "Revisit",
    "SegmentReader",
    "VaultSource",
]

_MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, msgpack.UnpackException)
"""What parsing bytes that are not ours can end in; translated into Damaged once, in this module."""


class SegmentReader:
    """One segment. Not for several threads at once; opening another on the same source costs next to nothing."""

    def __init__(self, source: RangeSource) -> None:
        self._source = source

    def index(self, key: str) -> tuple[SegmentIndex, LedgerEntry | None, tuple[Gap, ...]]:
        """Everything the catalog holds of this segment, from its bytes alone; equal to what `write_segment` returned.

        Raises Damaged with the offset if any byte is not what was written, TooNew for a newer format.
        """
        with self._source.open(0) as stream:
            walk = SegmentWalk(stream)
            collector = IndexCollector(key)
            for record in self._records(walk):
                with self._checking(record.offset):
                    collector.add(record)
            with self._checking(walk.size):
                info = collector.info
                return collector.finish(walk), info.ledger, tuple(info.gaps)

    def info(self) -> SegmentInfo:
        """What its first record says. Raises as `open_body`."""
        with self._checking(0):
            return open_segment(self._source).info

    def exchanges(self, resolve: Resolve, spill: Path | None = None) -> Iterator[Exchange]:
        """Whole exchanges in the order written. Headers are as captured; bodies are as stored, and say in `decoded`
        which content coding was undone. `resolve` opens the payload of a digest that is stored in another segment.

        With `spill`, bodies over 1 MiB are put into files of that folder, named in `Body.file`; without, all are in
        memory. Raises Damaged, TooNew, and what `resolve` raises.
        """
        bodies = BodyLoader(self.open_body, resolve, spill)
        current: Exchange | None = None
        for record in self.records():
            head = record.head
            if head.kind is Kind.PAYLOAD:
                continue  # its exchange is gone; revisits of it are resolved
            if head.kind is Kind.MESSAGES:
                packed = b"".join(record.payload)
                if current is not None:
                    with self._checking(record.offset):
                        current.messages = unpack_messages(packed)
            elif head.exchange is not None:
                if current is not None:
                    yield current
                current = head.exchange
                current.request.body = bodies.load(record, current.request.body)
            elif current is not None and head.response is not None:
                current.response = head.response
                current.response.body = bodies.load(record, current.response.body)
        if current is not None:
            yield current

    def records(self, *, http: bool = True) -> Generator[OpenRecord]:
        """Every record in order, for those who copy records; they need no HTTP message parsed (`http`). Raises Damaged
        and TooNew.

        What was not read of a payload is read, and checked, when the next record is asked for.
        """
        with self._source.open(0) as stream:
            yield from self._records(SegmentWalk(stream), http=http)

    def open_body(self, offset: int, length: int, digest: bytes | None = None) -> BodyStream | Revisit:
        """The payload of the record at that place, as a stream, or where else it is. Long ones take constant memory.

        `digest` is what the catalog says of the payload; one that differs counts as damage.
        Raises Damaged, TooNew, and what the source raises; also while the stream is read.
        """
        record = self._record_at(offset, length, digest)
        if record.head.revisit is not None:
            record.payload.close()
            return record.head.revisit
        return BodyStream(record.payload, record.head.size)

    def short_body(self, offset: int, length: int, size: int, digest: bytes) -> bytes | None:
        """The payload of `size` bytes at the end of the record at that place, if it has that digest: this proves what
        it is, at a tenth of the price of understanding the record. None: it is long, or stored elsewhere, or another;
        `open_body` tells. Raises as that."""
        if length > max_frame_length(WHOLE):
            return None
        with self._checking(offset):
            decoder = FrameDecoder(open_segment(self._source).dictionary)
            data = self._source.read(offset, length)
            header = parse_frame_header(data)
            if header.content_size > WHOLE or frame_length(data, 0, header) != length:
                return None
            content = decoder.whole(Frame(offset, header, data))
            end = len(content) - len(END_OF_RECORD)
            payload = content[end - size : end] if size <= end else b""
            proven = content.endswith(END_OF_RECORD) and sha256(payload).digest() == digest
            return payload if proven else None

    def record(self, offset: int, length: int, *, http: bool = True) -> OpenRecord:
        """The record at that place, its payload not read yet; `http` as in `records`. Raises as `open_body`."""
        return self._record_at(offset, length, None, http=http)

    def head(self, offset: int, length: int) -> RecordHead:
        """The record at that place without its payload. Raises as `open_body`."""
        record = self._record_at(offset, length, None)
        record.payload.close()
        return record.head

    def _record_at(self, offset: int, length: int, digest: bytes | None, *, http: bool = True) -> OpenRecord:
        with self._checking(offset):
            decoder = FrameDecoder(open_segment(self._source).dictionary)
            whole = length <= max_frame_length(WHOLE)
            data = self._source.read(offset, length if whole else MAX_FRAME_HEADER)
            header = parse_frame_header(data)
            if whole and frame_length(data, 0, header) != length:
                raise ValueError("the frame is not of the length that the catalog says")
            if header.content_size <= WHOLE:
                frame = Frame(offset, header, data)
                return self._open(frame, decoder.pieces(frame), digest, http=http)
            frame = Frame(offset, header, None)
            return self._open(frame, self._long(frame, length, decoder), digest, http=http)

    def _long(self, frame: Frame, length: int, decoder: FrameDecoder) -> Generator[bytes]:
        with self._source.open(frame.offset, length) as stream:
            frame.source = FrameInput(frame.header, exactly(stream))
            yield from decoder.pieces(frame)

    def _records(self, walk: SegmentWalk, *, http: bool = True) -> Generator[OpenRecord]:
        frames = walk.frames()
        while True:
            with self._checking(walk.size):
                frame, decoder = next(frames, (None, None))
                if frame is None or decoder is None:
                    return
                record = self._open(frame, decoder.pieces(frame), http=http)
                if frame.offset == walk.dictionary_size:  # the first record says whether we can read the others
                    block = b"".join(record.payload)
                    parse_info(record.head, block)
                    record.payload = once(block)
            yield record
            for _ in record.payload:
                pass

    def _open(
        self, frame: Frame, pieces: Generator[bytes], digest: bytes | None = None, *, http: bool = True
    ) -> OpenRecord:
        record = OpenRecord(frame, pieces, digest, http=http)
        record.payload = self._translated(frame.offset, record.payload, pieces)
        return record

    def _translated(self, offset: int, payload: Generator[bytes], pieces: Generator[bytes]) -> Generator[bytes]:
        try:
            with self._checking(offset):
                yield from payload
        finally:
            pieces.close()

    @contextmanager
    def _checking(self, offset: int) -> Iterator[None]:
        try:
            yield
        except _MALFORMED as error:
            raise self._damaged(offset, error) from error

    def _damaged(self, offset: int, reason: object) -> Damaged:
        return Damaged(
            f"{self._source.name}: the record at offset {offset} is damaged: {reason}.",
            hint="Nothing was changed. Fetch this object from a replica or from an older version of the bucket.",
        )
