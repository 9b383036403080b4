"""One decoder per content coding, all of one shape: bytes in, bounded pieces out, and a verdict at the end.

The foreign libraries' errors are translated here, once. No decoder gives out more than a few megabytes for one call of
`next`, whatever the input claims, so that a bomb is noticed before it is in memory.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli
import zstandard

PIECE = 256 * 1024
"""Largest piece given out at a time, where the library lets us say so."""

ZSTD_FEED = 512
"""Bytes fed to zstd at a time. Its streaming object cannot bound its output; a block of 4 bytes makes at most 128 KiB,
so this makes at most 16 MiB."""

ZSTD_WINDOW = 8 * 1024 * 1024
"""RFC 9659: the largest window the `zstd` content coding may ask for."""


class Undecodable(Exception):
    """The bytes are not what the coding says: malformed, cut short, or with something behind the end.

    Not an EntrepotError, because no user meets it: the body is then kept as it came over the wire.
    """


class Decoder(Protocol):
    """Undoes one coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decoded pieces of `data`. Raises Undecodable."""
        ...

    def finish(self) -> None:
        """Raises Undecodable if the coded data did not end where the body ended."""
        ...


class _Zlib:
    """gzip (with any number of members) and deflate."""

    def __init__(self, name: str, window_bits: int, *, members: bool) -> None:
        self._name = name
        self._window_bits = window_bits
        self._members = members
        self._object = zlib.decompressobj(window_bits)
        self._touched = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._object.eof:
                if not self._members:
                    raise Undecodable(f"{self._name}: bytes behind the end")
                self._object = zlib.decompressobj(self._window_bits)
            self._touched = True
            try:
                piece = self._object.decompress(data, PIECE)
            except zlib.error as error:
                raise Undecodable(f"{self._name}: {error}") from error
            data = self._object.unused_data if self._object.eof else self._object.unconsumed_tail
            if piece:
                yield piece
            elif not data:
                break

    def finish(self) -> None:
        if not (self._touched and self._object.eof):
            raise Undecodable(f"{self._name}: cut short")


class _Deflate:
    """`deflate` is the zlib format; some servers send the raw one. The first two bytes tell (RFC 1950 §2.2)."""

    def __init__(self) -> None:
        self._start = b""
        self._decoder: _Zlib | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._decoder is None:
            data = self._start + data
            if len(data) < 2:
                self._start = data
                return
            wrapped = data[0] & 0x0F == 8 and data[0] >> 4 <= 7 and int.from_bytes(data[:2]) % 31 == 0
            self._decoder = _Zlib("deflate", zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS, members=False)
        yield from self._decoder.feed(data)

    def finish(self) -> None:
        if self._decoder is None:
            raise Undecodable("deflate: cut short")
        self._decoder.finish()


class _Brotli:
    def __init__(self) -> None:
        self._object = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            if data and self._object.is_finished():
                raise Undecodable("br: bytes behind the end")
            piece = self._object.process(data, output_buffer_limit=PIECE)
            while piece or not self._object.can_accept_more_data():
                yield piece
                piece = self._object.process(b"", output_buffer_limit=PIECE)
        except brotli.error as error:
            raise Undecodable(f"br: {error}") from error

    def finish(self) -> None:
        if not self._object.is_finished():
            raise Undecodable("br: cut short")


class _Zstd:
    """Any number of frames."""

    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        self._object = self._context.decompressobj()
        self._touched = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), ZSTD_FEED):
            rest = data[start : start + ZSTD_FEED]
            while rest:
                if self._object.eof:
                    self._object = self._context.decompressobj()
                self._touched = True
                try:
                    piece = self._object.decompress(rest)
                except zstandard.ZstdError as error:
                    raise Undecodable(f"zstd: {error}") from error
                rest = self._object.unused_data if self._object.eof else b""
                if piece:
                    yield piece

    def finish(self) -> None:
        if not (self._touched and self._object.eof):
            raise Undecodable("zstd: cut short")


DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib("gzip", zlib.MAX_WBITS | 16, members=True),
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
