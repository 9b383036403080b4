"""A payload as a binary stream over the pieces a decoder gives out."""

import io
from collections.abc import Generator
from types import TracebackType
from typing import BinaryIO, cast


class BodyStream:
    """A body to be read within a `with`; decoded and checked on the way. Reading raises Damaged instead of giving out
    the last bytes of a body that is not what was stored. `size` is in bytes."""

    def __init__(self, pieces: Generator[bytes], size: int) -> None:
        self.size = size
        self._stream = io.BufferedReader(_Pieces(pieces), buffer_size=64 * 1024)

    def __enter__(self) -> BinaryIO:
        return cast("BinaryIO", self._stream)  # typeshed does not say that a BufferedReader is one

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


class _Pieces(io.RawIOBase):
    def __init__(self, pieces: Generator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # typeshed wants any writable buffer
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self._pieces.close()  # and with it the connection it reads from
        super().close()
