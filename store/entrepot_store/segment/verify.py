"""Reads back what was just stored and compares it with what was meant: every frame decoded, every byte digested.

Backup tools have stored what their codec had corrupted, and acknowledged archives that were cut short. A segment counts
as stored only after this.
"""

import google_crc32c

from ..errors import Damaged
from .index import SegmentIndex
from .sources import RangeSource
from .walk import SegmentWalk


def verify_segment(source: RangeSource, index: SegmentIndex) -> None:
    """Raises Damaged if the segment's bytes are not those that were written, if they do not decode to the records that
    were formatted, or if a place in the index is not a record's; and what the source raises."""
    expected = _places(index)
    crc = 0
    with source.open(0) as stream:
        walk = SegmentWalk(stream)
        try:
            for frame, decoder in walk.frames():
                for piece in decoder.pieces(frame):
                    crc = google_crc32c.extend(crc, piece)
                expected.discard((frame.offset, frame.length))
        except ValueError as error:
            raise _damaged(source, f"at offset {walk.offset}: {error}") from error
    if walk.digest != index.segment.digest or walk.size != index.segment.size:
        raise _damaged(source, "its bytes are not those that were written")
    if crc != index.content_crc:
        raise _damaged(source, "its records are not those that were written")
    if expected:
        raise _damaged(source, f"the index names a place where no record is: {min(expected)[0]}")


def _places(index: SegmentIndex) -> set[tuple[int, int]]:
    places = {(payload.offset, payload.length) for payload in index.payloads}
    for row in index.exchanges:
        places.add((row.request.offset, row.request.length))
        if row.response is not None:
            places.add((row.response.offset, row.response.length))
    return places


def _damaged(source: RangeSource, reason: str) -> Damaged:
    return Damaged(
        f"{source.name} does not read back as it was written: {reason}.",
        hint="The spool file is kept; the segment will be written again under another name.",
    )
