"""Frames from a pipe: one at a time and strictly, where a file is read whole and past its damage (`frames`)."""

from collections.abc import Iterator
from typing import BinaryIO

from ..errors import Damaged
from .frames import FILE_MAGIC, HEADER_SIZE, MARKER, MAX_PAYLOAD, Bad, decode_frames


def read_frames(stream: BinaryIO) -> Iterator[bytes]:
    """The payload of every frame behind the magic. Nothing at all is an empty stream: a child that failed at once.

    Raises Damaged for anything that is no whole frame.
    """
    magic = stream.read(len(FILE_MAGIC))
    if not magic:
        return
    if magic != FILE_MAGIC:
        raise Damaged("A stream does not begin as spool frames do.")
    while head := stream.read(HEADER_SIZE):
        size = int.from_bytes(head[len(MARKER) : len(MARKER) + 4], "little")
        if len(head) < HEADER_SIZE or not head.startswith(MARKER) or size > MAX_PAYLOAD:
            raise Damaged("A stream of spool frames holds something that is no frame.")
        payload = next(iter(decode_frames(head + stream.read(size))))
        if isinstance(payload, Bad):
            raise Damaged("A stream of spool frames ends within a frame, or one of them is damaged.")
        yield bytes(payload)
