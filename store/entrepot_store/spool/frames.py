"""The byte format of a spool file, version 1: a file magic, then frames. Written down in `docs/format.md`.

    file  = "ENTSPL01" frame*
    frame = marker(4: E7 53 50 4C) length(4, LE) crc(4, LE) payload(length)

The CRC-32C covers length and payload. The marker is there so that a reader can find the next whole frame behind a
damaged one: one flipped bit costs one record, not the rest of the file.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import google_crc32c

FILE_MAGIC = b"ENTSPL01"
MARKER = b"\xe7SPL"
HEADER = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")
MAX_PAYLOAD = 256 * 1024 * 1024
"""A frame never holds more: long bodies live in files of their own. Bounds what a damaged length can make us read."""


@dataclass(slots=True, frozen=True)
class Bad:
    """Bytes from `start` to `end` (offsets in the file) that are no frame; `torn` if they reach the end of the file."""

    start: int
    end: int
    torn: bool


def encode_frame(payload: bytes) -> bytes:
    """One frame. Raises ValueError if the payload is longer than MAX_PAYLOAD."""
    size = len(payload)
    if size > MAX_PAYLOAD:
        raise ValueError(f"a spool record of {size} bytes is over the bound of {MAX_PAYLOAD}")
    length = _LENGTH.pack(size)
    crc = google_crc32c.extend(google_crc32c.value(length), payload)
    return HEADER.pack(MARKER, size, crc) + payload


def decode_frames(content: bytes | memoryview, start: int = 0) -> Iterator[memoryview | Bad]:
    """The payloads from `start` on, in file order, and a Bad for every stretch between them that is damaged.

    A tail that cannot hold a whole frame is a Bad with `torn` set; nothing raises.
    """
    view = memoryview(content)
    raw = bytes(content) if not isinstance(content, bytes) else content
    position, end = start, len(view)
    while position < end:
        payload = _frame_at(view, position, end)
        if payload is not None:
            yield payload
            position += HEADER.size + len(payload)
            continue
        found = _next_frame(raw, view, position + 1, end)
        yield Bad(position, found, torn=found == end)
        position = found


def _frame_at(view: memoryview, position: int, end: int) -> memoryview | None:
    if position + HEADER.size > end:
        return None
    marker, size, crc = HEADER.unpack_from(view, position)
    stop = position + HEADER.size + size
    if marker != MARKER or size > MAX_PAYLOAD or stop > end:
        return None
    payload = view[position + HEADER.size : stop]
    found = google_crc32c.extend(google_crc32c.value(bytes(view[position + 4 : position + 8])), bytes(payload))
    return payload if found == crc else None


def _next_frame(raw: bytes, view: memoryview, position: int, end: int) -> int:
    while (position := raw.find(MARKER, position, end)) != -1:
        if _frame_at(view, position, end) is not None:
            return position
        position += 1
    return end
