"""Reads a segment: all of it, in one pass and fully checked, or one record at a place that the catalog knows."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import msgpack

from ..errors import Damaged
from ..model import Exchange, Gap, LedgerEntry
from .body_stream import BodyStream
from .frames import MAX_FRAME_HEADER, frame_length, parse_frame_header
from .head import Kind, RecordHead, Revisit
from .index import IndexCollector, SegmentIndex
from .load import BodyLoader, Resolve
from .open_record import OpenRecord, checked_payload, once, read_head
from .opening import open_segment, parse_info
from .records import unpack_messages
from .sources import FileSource, RangeSource, VaultSource
from .walk import WHOLE, Frame, FrameDecoder, FrameInput, SegmentWalk

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
            records = self._records(walk)
            info = next(records)
            with self._checking(info.offset):
                block = b"".join(info.payload)
                known = parse_info(info.head, block)
                collector = IndexCollector(key, known)
                collector.add(replace(info, payload=once(block)))
            for record in records:
                with self._checking(record.offset):
                    collector.add(record)
            with self._checking(walk.size):
                return collector.finish(walk), known.ledger, tuple(known.gaps)

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

    def records(self) -> Generator[OpenRecord]:
        """Every record in order, for those who copy records. Raises Damaged and TooNew.

        What was not read of a payload is read, and checked, when the next record is asked for.
        """
        with self._source.open(0) as stream:
            yield from self._records(SegmentWalk(stream))

    def open_body(self, offset: int, length: int) -> BodyStream | Revisit:
        """The payload of the record at that place, as a stream, or where else it is. Long ones take constant memory.

        Raises Damaged, TooNew, and what the source raises; also while the stream is read.
        """
        record = self._record_at(offset, length)
        if record.head.revisit is not None:
            record.payload.close()
            return record.head.revisit
        return BodyStream(record.payload, record.head.size)

    def head(self, offset: int, length: int) -> RecordHead:
        """The record at that place without its payload. Raises as `open_body`."""
        record = self._record_at(offset, length)
        record.payload.close()
        return record.head

    def _record_at(self, offset: int, length: int) -> OpenRecord:
        with self._checking(offset):
            opening = open_segment(self._source)
            decoder = FrameDecoder(opening.dictionary)
            if length <= WHOLE:
                data = self._source.read(offset, length)
                header = parse_frame_header(data)
                if frame_length(data, 0, header) != length:
                    raise ValueError("the frame is not of the length the catalog says")
                if header.content_size <= WHOLE:
                    pieces = decoder.pieces(Frame(offset, header, data))
                    return self._open(Frame(offset, header, data), pieces)
            return self._long_record_at(offset, length, decoder)

    def _long_record_at(self, offset: int, length: int, decoder: FrameDecoder) -> OpenRecord:
        header = parse_frame_header(self._source.read(offset, MAX_FRAME_HEADER))

        def pieces() -> Generator[bytes]:
            with self._source.open(offset, length) as stream:
                yield from decoder.pieces(Frame(offset, header, None, FrameInput(header, _exactly(stream))))

        return self._open(Frame(offset, header, None), pieces())

    def _open(self, frame: Frame, pieces: Generator[bytes]) -> OpenRecord:
        head, begun = read_head(pieces)
        return OpenRecord(head, frame, self._payload(frame.offset, head, begun, pieces))

    def _records(self, walk: SegmentWalk) -> Generator[OpenRecord]:
        first = True
        frames = walk.frames()
        while True:
            with self._checking(walk.size):
                found = next(frames, None)
                if found is None:
                    break
                frame, decoder = found
                pieces = decoder.pieces(frame)
                record = self._open(frame, pieces)
                if first:
                    block = b"".join(record.payload)
                    parse_info(record.head, block)
                    record.payload = once(block)
                    first = False
            yield record
            with self._checking(frame.offset):
                for _ in record.payload:
                    pass
        if first:
            raise self._damaged(0, "there is no record")

    def _payload(self, offset: int, head: RecordHead, begun: bytes, pieces: Generator[bytes]) -> Generator[bytes]:
        try:
            with self._checking(offset):
                yield from checked_payload(head, begun, pieces)
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


def _exactly(stream: BinaryIO) -> Callable[[int], bytes]:
    def take(count: int) -> bytes:
        parts = []
        while count:
            data = stream.read(count)
            if not data:
                raise ValueError("the segment is cut short")
            parts.append(data)
            count -= len(data)
        return b"".join(parts)

    return take
