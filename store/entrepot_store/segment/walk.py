"""Goes through a segment from its first byte to its seal, frame by frame, and decodes frames in bounded memory."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

import zstandard

from .dictionary import parse_dictionary
from .frames import (
    DICTIONARY_MAGIC,
    MAX_DICTIONARY,
    MAX_FRAME_HEADER,
    SEAL,
    SEAL_MAGIC,
    SKIPPABLE,
    FrameHeader,
    frame_length,
    max_frame_length,
    parse_frame_header,
    parse_seal,
)

WHOLE = 4 * 1024 * 1024
"""Frames that decode to at most this are read and decoded in one piece, longer ones block by block."""
PIECE = 256 * 1024
_READ = 1024 * 1024


class FrameInput:
    """The bytes of one long frame, block by block, as the file that zstd reads from. It ends where the frame ends, so
    a frame that is cut short is noticed: zstd itself takes a missing end for the end of its input."""

    def __init__(self, header: FrameHeader, take: Callable[[int], bytes]) -> None:
        self._take = take
        self._next = header.size
        self._state = "header"
        self._bound = max_frame_length(header.content_size)
        self.length = 0

    @property
    def finished(self) -> bool:
        return self._state == "end"

    def read(self, _size: int = -1) -> bytes:
        """The next part of the frame, empty at its end. Raises ValueError if the frame is cut short or malformed."""
        if self._state == "end":
            return b""
        if self._state == "header":
            data = self._take(self._next)
            self._state = "blocks"
        elif self._state == "checksum":
            data = self._take(4)
            self._state = "end"
        else:
            data = self._block()
        self.length += len(data)
        if self.length > self._bound:
            raise ValueError("the frame does not end where its content size says")
        return data

    def _block(self) -> bytes:
        head = self._take(3)
        value = int.from_bytes(head, "little")
        kind, size = value >> 1 & 3, value >> 3
        if kind == 3 or size > 128 * 1024:
            raise ValueError("a block of the frame is malformed")
        if value & 1:
            self._state = "checksum"
        return head + self._take(1 if kind == 1 else size)


@dataclass(slots=True)
class Frame:
    """One frame at `offset`: `data` is all of it, or None for a long one, which then comes out of `source`."""

    offset: int
    header: FrameHeader
    data: bytes | None
    source: FrameInput | None = None

    @property
    def length(self) -> int:
        """Compressed length; of a long frame once it has been decoded."""
        if self.data is not None:
            return len(self.data)
        return self.source.length if self.source else 0


class FrameDecoder:
    """Decodes the frames of one segment. Not for several threads at once."""

    def __init__(self, dictionary: zstandard.ZstdCompressionDict | None) -> None:
        self._id = dictionary.dict_id() if dictionary is not None else 0
        self._decompressor = zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=8 * 1024 * 1024)

    def whole(self, frame: Frame) -> bytes:
        """The content of a frame that has `data`. Raises ValueError."""
        self._check(frame.header)
        try:
            content = self._decompressor.decompress(frame.data or b"", allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error
        if len(content) != frame.header.content_size:
            raise ValueError("the frame does not hold what its header says")
        return content

    def pieces(self, frame: Frame) -> Generator[bytes]:
        """The content of any frame in pieces of at most PIECE bytes. Raises ValueError, before the last piece is given
        out if the checksum does not hold."""
        if frame.data is not None or frame.source is None:
            yield self.whole(frame)
            return
        self._check(frame.header)
        left = frame.header.content_size
        held = b""
        try:
            with self._decompressor.stream_reader(frame.source, read_size=PIECE) as reader:  # type: ignore[arg-type]  # it only calls read
                while left:
                    piece = reader.read(min(PIECE, left))
                    if not piece:
                        raise ValueError("the frame is shorter than its header says")
                    left -= len(piece)
                    if held:
                        yield held
                    held = piece
                if reader.read(1) or not frame.source.finished:
                    raise ValueError("the frame is longer than its header says")
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error
        yield held

    def _check(self, header: FrameHeader) -> None:
        if header.dictionary != self._id:
            raise ValueError("the frame asks for another dictionary than the segment has")


class SegmentWalk:
    """One pass over a segment. After the last frame the seal has been checked, and `digest` and `size` are those of
    the whole segment. Raises ValueError with `offset` at the place that is damaged."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0
        self._sealed = sha256()
        self.offset = 0
        self.dictionary_size = 0
        self.size = 0
        self.digest = b""

    def frames(self) -> Iterator[tuple[Frame, FrameDecoder]]:
        """Every record's frame in order. A long frame must be decoded to its end before the next is asked for."""
        decoder = FrameDecoder(self._dictionary())
        count = 0
        while True:
            self.offset = self.size
            if not self._fill(MAX_FRAME_HEADER):
                raise ValueError("the segment is not sealed: it was cut short")
            if self._buffer.startswith(SEAL_MAGIC, self._at):
                break
            frame = self._frame()
            yield frame, decoder
            if frame.source is not None and not frame.source.finished:
                raise ValueError("a long frame was not read to its end")
            count += 1
        self._seal(count)

    def _frame(self) -> Frame:
        header = parse_frame_header(self._buffer, self._at)
        if header.content_size > WHOLE:
            return Frame(self.size, header, None, FrameInput(header, self._take))
        length = frame_length(self._buffer, self._at, header)
        if not length:
            self._fill(max_frame_length(header.content_size))
            length = frame_length(self._buffer, self._at, header)
            if not length:
                raise ValueError("the frame is cut short")
        return Frame(self.size, header, self._take(length))

    def _dictionary(self) -> zstandard.ZstdCompressionDict | None:
        self._fill(SKIPPABLE.size)
        if not self._buffer.startswith(DICTIONARY_MAGIC):
            return None
        head = self._buffer[: SKIPPABLE.size]
        if len(head) < SKIPPABLE.size or SKIPPABLE.unpack(head)[1] > MAX_DICTIONARY:
            raise ValueError("the dictionary frame is malformed")
        frame = self._take(SKIPPABLE.size + SKIPPABLE.unpack(head)[1])
        self.dictionary_size = len(frame)
        return parse_dictionary(frame)

    def _seal(self, count: int) -> None:
        expected = self._sealed.digest()
        raw = self._take(SEAL.size)
        frames, digest = parse_seal(raw)
        if self._fill(1):
            raise ValueError("there are bytes behind the seal")
        if frames != count or digest != expected:
            raise ValueError("the seal does not fit: bytes of the segment were changed")
        self.digest = self._sealed.digest()

    def _fill(self, count: int) -> int:
        """Has `count` bytes at hand, or all that are left; returns how many are."""
        at_hand = len(self._buffer) - self._at
        if at_hand < count:
            parts = [self._buffer[self._at :]]
            while at_hand < count:
                data = self._stream.read(_READ)
                if not data:
                    break
                parts.append(data)
                at_hand += len(data)
            self._buffer = b"".join(parts)
            self._at = 0
        return at_hand

    def _take(self, count: int) -> bytes:
        if self._fill(count) < count:
            raise ValueError("the segment is cut short")
        data = self._buffer[self._at : self._at + count]
        self._at += count
        self.size += count
        self._sealed.update(data)
        return data


def exactly(stream: BinaryIO) -> Callable[[int], bytes]:
    """Reads as many bytes as are asked for, or raises ValueError."""

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
