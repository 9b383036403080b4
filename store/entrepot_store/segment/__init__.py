"""Segments: WARC 1.1 with one zstd frame per record, as `docs/format.md` writes down byte by byte.

`write_segment` turns the exchanges of one retention class into one file; `SegmentReader` reads it back, record by
record, from any source of ranges; `verify_segment` proves that what was stored is what was meant.
"""

from .index import SegmentIndex
from .reader import BodyStream, FileSource, RangeSource, RecordHead, Revisit, SegmentReader, VaultSource
from .verify import verify_segment
from .writer import write_segment

__all__ = [
    "BodyStream",
    "FileSource",
    "RangeSource",
    "RecordHead",
    "Revisit",
    "SegmentIndex",
    "SegmentReader",
    "VaultSource",
    "verify_segment",
    "write_segment",
]
