"""Undoes a chain of content codings, last applied first, in bounded memory."""

import zlib
from collections.abc import Iterable, Iterator, Sequence

from .decoders import DECODERS, Decoder, Undecodable
from .limits import Limits

__all__ = ["Undecodable", "undo_bytes", "undo_stream"]

_MAX_CODINGS = 4
"""A longer chain is nobody's honest work; each link multiplies what a bomb can do."""


def undo_bytes(data: bytes, codings: Sequence[str], limits: Limits) -> bytes:
    """The whole decoded body, for a `limits.max_bytes` that fits in memory.

    Raises Undecodable with the reason: malformed, cut short, an unknown coding, or a bomb.
    """
    if len(codings) == 1 and codings[0] == "gzip":
        decoded = _gunzip(data, limits)
        if decoded is not None:
            return decoded
    return b"".join(undo_stream((data,), codings, limits))


def undo_stream(chunks: Iterable[bytes], codings: Sequence[str], limits: Limits) -> Iterator[bytes]:
    """The decoded body piece by piece. Raises Undecodable, at any point up to the end: only a whole iteration proves
    that the body could be decoded."""
    if not codings:
        raise Undecodable("no coding")
    if len(codings) > _MAX_CODINGS:
        raise Undecodable(f"{len(codings)} codings")
    unknown = [coding for coding in codings if coding not in DECODERS]
    if unknown:
        raise Undecodable(f"unknown coding {unknown[0]}")
    meter = _Meter(limits)
    pieces: Iterator[bytes] = meter.wire(chunks)
    for coding in reversed(codings):
        # Every link is bounded, not only the last: the middle of a chain can be the bomb.
        pieces = meter.bounded(_link(DECODERS[coding](), pieces), coding)
    return pieces


class _Meter:
    """Holds every stage of a chain against what came over the wire so far."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._wire = 0

    def wire(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._wire += len(chunk)
            yield chunk

    def bounded(self, pieces: Iterator[bytes], coding: str) -> Iterator[bytes]:
        total = 0
        for piece in pieces:
            total += len(piece)
            if total > self._limits.allowed(self._wire):
                raise Undecodable(f"{coding}: over {self._limits.allowed(self._wire)} bytes out of {self._wire}")
            yield piece


def _link(decoder: Decoder, pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from decoder.feed(piece)
    decoder.finish()


def _gunzip(data: bytes, limits: Limits) -> bytes | None:
    """One gzip member in one call, which nearly every compressed body is; None when it takes the long way."""
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        decoded = inflate.decompress(data, max(1, min(limits.allowed(len(data)), limits.free_bytes)))
    except zlib.error as error:
        raise Undecodable(f"gzip: {error}") from error
    return decoded if inflate.eof and not inflate.unused_data else None
