"""What must be known of a segment before one of its records can be read: its dictionary and its warcinfo record.

Learnt with one read of its first bytes and, for segments in a vault, remembered: keys are write-once.
"""

from dataclasses import dataclass

import zstandard

from .dictionary import parse_dictionary
from .fields import parse_date
from .frames import (
    DICTIONARY_MAGIC,
    MAX_DICTIONARY,
    SKIPPABLE,
    frame_length,
    max_frame_length,
    parse_frame_header,
)
from .head import Kind, RecordHead
from .info import SegmentInfo
from .open_record import OpenRecord
from .sources import BoundedCache, RangeSource
from .walk import WHOLE, Frame, FrameDecoder

_PREFIX = 64 * 1024
"""Read first: holds dictionary and warcinfo of nearly every segment."""


@dataclass(slots=True, frozen=True)
class Opening:
    """The dictionary serves several threads; a decompressor made with it serves one."""

    dictionary: zstandard.ZstdCompressionDict | None
    info: SegmentInfo


_remembered = BoundedCache[Opening](64 * 1024 * 1024)


def open_segment(source: RangeSource) -> Opening:
    """Raises ValueError (or what else malformed bytes end in), TooNew, and what the source raises."""
    identity = source.identity
    found = _remembered.get(identity) if identity is not None else None
    if found is None:
        found, weight = _read(source)
        if identity is not None:
            _remembered.put(identity, found, weight)
    return found


def parse_info(head: RecordHead, block: bytes) -> SegmentInfo:
    """What the first record says. Raises as `open_segment`."""
    if head.kind is not Kind.INFO:
        raise ValueError("the segment does not begin with a warcinfo record")
    return SegmentInfo.parse(block, parse_date(head.fields.need(b"WARC-Date")))


def _read(source: RangeSource) -> tuple[Opening, int]:
    prefix = source.read(0, _PREFIX)
    dictionary, start, weight = None, 0, 4096
    if prefix.startswith(DICTIONARY_MAGIC):
        length = SKIPPABLE.unpack(prefix[: SKIPPABLE.size])[1]
        if length > MAX_DICTIONARY:
            raise ValueError("the dictionary frame is malformed")
        start = SKIPPABLE.size + length
        if len(prefix) < start:
            prefix += source.read(len(prefix), start - len(prefix))
        dictionary = parse_dictionary(prefix[:start])
        weight += 2 * len(dictionary)  # with the tables that zstd builds from it
    header = parse_frame_header(_extended(source, prefix, start + 32), start)
    if header.content_size > WHOLE:
        raise ValueError("the warcinfo record is too long")
    prefix = _extended(source, prefix, start + max_frame_length(header.content_size))
    length = frame_length(prefix, start, header)
    frame = Frame(start, header, prefix[start : start + length])
    record = OpenRecord(frame, FrameDecoder(dictionary).pieces(frame))
    return Opening(dictionary, parse_info(record.head, b"".join(record.payload))), weight


def _extended(source: RangeSource, prefix: bytes, length: int) -> bytes:
    missing = min(length, source.size) - len(prefix) if len(prefix) < length else 0
    return prefix + source.read(len(prefix), missing) if missing > 0 else prefix
