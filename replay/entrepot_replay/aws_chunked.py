"""Bodies in Amazon's own framing, `aws-chunked`, as the plain bodies they carry.

SDKs frame uploads whose hash they do not know beforehand: chunks with a signature each, or unsigned ones with a
checksum in a trailer. Such a body belongs to its signature, and neither framing nor lengths survive a change of the
content. A replay knows the whole body, so it sends it plain, under a signature over all of it; checksums in the trailer
become headers.
"""

from collections.abc import Iterable, Iterator

from .errors import Unsendable

STREAMING = b"STREAMING-"
_SHA256 = b"x-amz-content-sha256"
_LENGTH = b"x-amz-decoded-content-length"
_DROPPED = frozenset({_LENGTH, b"x-amz-trailer"})
_LONGEST_LINE = 16 * 1024


def is_framed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the body is in that framing."""
    return any(value.startswith(STREAMING) and name.lower() == _SHA256 for name, value in headers)


def unframed(
    headers: Iterable[tuple[bytes, bytes]], body: Iterable[bytes]
) -> tuple[list[tuple[bytes, bytes]], Iterable[bytes], int]:
    """Headers, body and its length in bytes for a framed request; reads the body once to see that it is whole.

    `body` must be readable more than once, and so is the one returned. `x-amz-content-sha256` is left as it was, for
    whoever signs. Raises Unsendable for a malformed body.
    """
    headers = list(headers)
    plain = _Unframed(body)
    length = sum(map(len, plain))
    said = next((value for name, value in headers if name.lower() == _LENGTH), b"%d" % length)
    if said != b"%d" % length:
        raise Unsendable("its aws-chunked body is not as long as it says")
    announced = {
        trailer.strip().lower()
        for name, value in headers
        if name.lower() == b"x-amz-trailer"
        for trailer in value.split(b",")
    }
    kept = []
    for name, value in headers:
        if name.lower() == b"content-encoding":
            codings = [coding.strip() for coding in value.split(b",")]
            rest = b", ".join(coding for coding in codings if coding.lower() != b"aws-chunked")
            if rest:
                kept.append((name, rest))
        elif name.lower() not in _DROPPED:
            kept.append((name, value))
    kept += [(name, value) for name, value in plain.trailers if name.lower() in announced]
    return kept, plain, length


class _Unframed:
    """The content of a framed body; can be read as often as that can. `trailers` are known after the first time."""

    def __init__(self, framed: Iterable[bytes]) -> None:
        self._framed = framed
        self.trailers: list[tuple[bytes, bytes]] = []

    def __iter__(self) -> Iterator[bytes]:
        reader = _Reader(self._framed)
        while True:
            size = _size(reader.line())
            if not size:
                break
            yield from reader.exactly(size)
            if reader.line():
                raise Unsendable("its aws-chunked body is malformed")
        trailers = []
        while line := reader.line(or_end=True):
            name, colon, value = line.partition(b":")
            if not colon:
                raise Unsendable("its aws-chunked body has a malformed trailer")
            trailers.append((name.strip(), value.strip()))
        self.trailers = trailers


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not 0 < len(digits) <= 16 or digits.strip(b"0123456789abcdefABCDEF"):
        raise Unsendable("its aws-chunked body is malformed")
    return int(digits, 16)


class _Reader:
    """Lines and lengths out of pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""

    def line(self, *, or_end: bool = False) -> bytes:
        while b"\r\n" not in self._held:
            if len(self._held) > _LONGEST_LINE:
                raise Unsendable("its aws-chunked body is malformed")
            piece = next(self._pieces, None)
            if piece is None:
                if or_end and not self._held:
                    return b""
                raise Unsendable("its aws-chunked body is cut off")
            self._held += piece
        line, _, self._held = self._held.partition(b"\r\n")
        return line

    def exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._held or next(self._pieces, None)
            if piece is None:
                raise Unsendable("its aws-chunked body is cut off")
            taken, self._held = piece[:size], piece[size:]
            size -= len(taken)
            if taken:
                yield taken
