"""The byte format of a spool file, version 1: a file magic, then frames. Written down in `docs/format.md`.

    file  = "ENTSPL01" frame*
    frame = marker(4: E7 53 50 4C) length(4, LE) check(4, LE) crc(4, LE) payload(length)

`check` is the CRC-32C of marker and length, `crc` that of the payload.

A reader finds its way past damage. Where the header holds, the frame's extent is known and a damaged or unfinished
payload costs that frame alone; the payload is never searched for frames, because it holds what clients sent, and a
client could send frames. Only behind a damaged header, which no client can bring about, the next whole frame is found
by its marker. One flipped bit costs one record either way, not the rest of the file.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import google_crc32c

FILE_MAGIC = b"ENTSPL01"
MARKER = b"\xe7SPL"
_PREFIX = struct.Struct("<4sI")
_CHECKS = struct.Struct("<II")
HEADER_SIZE = _PREFIX.size + _CHECKS.size
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
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a spool record of {len(payload)} bytes is over the bound of {MAX_PAYLOAD}")
    prefix = _PREFIX.pack(MARKER, len(payload))
    return prefix + _CHECKS.pack(google_crc32c.value(prefix), google_crc32c.value(payload)) + payload


def decode_frames(content: bytes | memoryview, start: int = 0) -> Iterator[memoryview | Bad]:
    """The payloads from `start` on, in file order, and a Bad for every stretch between them that is damaged.

    A tail that cannot hold a whole frame is a Bad with `torn` set; nothing raises.
    """
    raw = content if isinstance(content, bytes) else bytes(content)
    view = memoryview(raw)
    position, end = start, len(raw)
    while position < end:
        stop = _extent(view, position)
        if stop is None:
            stop = _next_frame(raw, view, position + 1)
            yield Bad(position, stop, torn=stop == end)
        elif (payload := _payload(view, position, stop)) is not None:
            yield payload
        else:
            yield Bad(position, min(stop, end), torn=stop >= end)
        position = stop


def _extent(view: memoryview, position: int) -> int | None:
    """Where the frame at `position` ends, be it beyond the end of the file; None if there is no sound header."""
    if position + HEADER_SIZE > len(view):
        return None
    marker, size = _PREFIX.unpack_from(view, position)
    check, _ = _CHECKS.unpack_from(view, position + _PREFIX.size)
    if marker != MARKER or size > MAX_PAYLOAD:
        return None
    if google_crc32c.value(bytes(view[position : position + _PREFIX.size])) != check:
        return None
    return position + HEADER_SIZE + int(size)


def _payload(view: memoryview, position: int, stop: int) -> memoryview | None:
    if stop > len(view):
        return None
    payload = view[position + HEADER_SIZE : stop]
    _, crc = _CHECKS.unpack_from(view, position + _PREFIX.size)
    return payload if google_crc32c.value(bytes(payload)) == crc else None


def _next_frame(raw: bytes, view: memoryview, position: int) -> int:
    """Where the next whole frame begins, or the end. A mere header is not enough: it could claim all that follows."""
    while (position := raw.find(MARKER, position)) != -1:
        stop = _extent(view, position)
        if stop is not None and _payload(view, position, stop) is not None:
            return position
        position += 1
    return len(raw)
