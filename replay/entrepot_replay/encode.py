"""Puts a `Content-Encoding` back that storage had undone, so that a request leaves under the headers it was recorded
with.

The bytes need not be those of the recorded sender's compressor, only decode to the same content; why they are encoded
again at all, and not sent plain, is in `docs/decisions/replay-content-encoding.md`.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import brotli
import zstandard


class Encoder(Protocol):
    """Applies one coding, piece by piece."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Brotli:
    def __init__(self) -> None:
        self._object = brotli.Compressor(quality=5)

    def compress(self, data: bytes, /) -> bytes:
        return bytes(self._object.process(data))

    def flush(self) -> bytes:
        return bytes(self._object.finish())


def _gzip() -> Encoder:
    return zlib.compressobj(wbits=zlib.MAX_WBITS | 16)  # writes no time, so equal bodies stay equal bytes


def _deflate() -> Encoder:
    return zlib.compressobj()


def _zstd() -> Encoder:
    return zstandard.ZstdCompressor().compressobj()


ENCODERS: dict[str, Callable[[], Encoder]] = {"gzip": _gzip, "deflate": _deflate, "br": _Brotli, "zstd": _zstd}


def codings(encoding: str) -> list[str]:
    """`"gzip, br"` (gzip was applied first) as a list; empty for a body that was stored as sent."""
    return [coding.strip() for coding in encoding.split(",") if coding.strip()]


def encode_stream(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces with every coding applied, the first named first. Raises KeyError for a coding nobody undoes."""
    for coding in codings(encoding):
        pieces = _applied(ENCODERS[coding](), pieces)
    yield from pieces


def encode_bytes(data: bytes, encoding: str) -> bytes:
    """As `encode_stream`, for a body in memory."""
    return b"".join(encode_stream((data,), encoding)) if encoding else data


def _applied(encoder: Encoder, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        coded = encoder.compress(piece)
        if coded:
            yield coded
    yield encoder.flush()
