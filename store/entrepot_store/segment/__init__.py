"""Segments: WARC 1.1 with one zstd frame per record, as `docs/format.md` writes down byte by byte.

`write_segment` turns the exchanges of one retention class into one file; `SegmentReader` reads it back, record by
record, from any source of ranges.
"""
