"""zstd frames as a segment uses them, byte by byte: one frame per record, a dictionary frame first, a seal last.

    segment    = [dictionary] frame+ seal
    dictionary = 5D 2A 4D 18  length(4, LE)  one zstd frame holding the dictionary
    seal       = 5E 2A 4D 18  48 (4, LE)     "ENTSEAL1"  frames(8, LE)  SHA-256 of every byte before the seal

Both skippable frames are IIPC's: the dictionary frame is that of warc-zstd 1.0, the seal is an extension frame, which
other readers skip. The seal is what tells a whole segment from one that was cut between two frames, and from one with
a flipped bit that no decoder would notice (a window size, an unused flag).
"""

import struct
from dataclasses import dataclass
from functools import cache

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"
SEAL_MAGIC = b"\x5e\x2a\x4d\x18"
SEAL = struct.Struct("<4sI8sQ32s")
_SEAL_TAG = b"ENTSEAL1"
SKIPPABLE = struct.Struct("<4sI")
MAX_DICTIONARY = 8 * 1024 * 1024
"""warc-zstd: no reader has to accept a larger one."""
MAX_FRAME_HEADER = 18
_BLOCK_MAX = 128 * 1024


@dataclass(slots=True)
class FrameHeader:
    """`size` of the header itself, the bytes the frame decodes to, and the id of the dictionary it needs (0: none)."""

    size: int
    content_size: int
    dictionary: int


def parse_frame_header(data: bytes, start: int = 0) -> FrameHeader:
    """The header at `start`, which the frames we write always have in full. Raises ValueError.

    Stricter than zstd: the checksum and the content size must be there, and the bits a decoder may ignore must be 0.
    """
    if not data.startswith(ZSTD_MAGIC, start) or len(data) < start + 6:
        raise ValueError("no zstd frame begins here")
    dictionary_at, size_at, end, base = _layout(data[start + 4])
    if len(data) < start + end:
        raise ValueError("the frame header is cut short")
    return FrameHeader(
        end,
        int.from_bytes(data[start + size_at : start + end], "little") + base,
        int.from_bytes(data[start + dictionary_at : start + size_at], "little"),
    )


@cache
def _layout(descriptor: int) -> tuple[int, int, int, int]:
    """Of a frame header with this descriptor: where the dictionary's id begins, where the content size, where the
    header ends, and what is to be added to the content size. Raises ValueError."""
    size_flag, single, dictionary_flag = descriptor >> 6, descriptor >> 5 & 1, descriptor & 3
    if descriptor & 0b11000:
        raise ValueError("reserved bits of the frame header are set")
    if not descriptor & 0b100:
        raise ValueError("the frame has no checksum")
    if size_flag == 0 and not single:
        raise ValueError("the frame does not tell its content size")
    dictionary_at = 5 + (1 - single)
    size_at = dictionary_at + (0, 1, 2, 4)[dictionary_flag]
    return dictionary_at, size_at, size_at + (1, 2, 4, 8)[size_flag], 256 if size_flag == 1 else 0


def frame_length(data: bytes, start: int, header: FrameHeader) -> int:
    """Length of the whole frame at `start`, found by walking its blocks; 0 if it does not end within `data`.

    Raises ValueError for a block that cannot be.
    """
    at, end = start + header.size, len(data)
    while at + 3 <= end:
        block = data[at] | data[at + 1] << 8 | data[at + 2] << 16
        kind, size = block >> 1 & 3, block >> 3
        if kind == 3 or size > _BLOCK_MAX:
            raise ValueError("a block of the frame is malformed")
        at += 4 if kind == 1 else 3 + size
        if block & 1:
            return at + 4 - start if at + 4 <= end else 0
        if at - start > max_frame_length(header.content_size):
            raise ValueError("the frame does not end where its content size says")
    return 0


def max_frame_length(content_size: int) -> int:
    """No frame that we write is longer: incompressible blocks cost 3 bytes each."""
    return content_size + (content_size // 1024 + 4) * 3 + MAX_FRAME_HEADER + 4


def format_skippable(magic: bytes, content: bytes) -> bytes:
    return SKIPPABLE.pack(magic, len(content)) + content


def format_seal(frames: int, digest: bytes) -> bytes:
    return SEAL.pack(SEAL_MAGIC, SEAL.size - SKIPPABLE.size, _SEAL_TAG, frames, digest)


def parse_seal(data: bytes) -> tuple[int, bytes]:
    """Number of frames and digest. Raises ValueError."""
    if len(data) != SEAL.size:
        raise ValueError("the segment is not sealed: it was cut short")
    magic, length, tag, frames, digest = SEAL.unpack(data)
    if magic != SEAL_MAGIC or length != SEAL.size - SKIPPABLE.size or tag != _SEAL_TAG:
        raise ValueError("the seal is malformed")
    return frames, digest
