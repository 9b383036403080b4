"""A live answer, held for comparison: content-decoded like the recorded one, whole only up to a bound.

Beyond the bound only the digest goes on, so a long answer can still be called identical, and memory stays flat.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from entrepot_store.content import Limits, Undecodable, content_codings, undo_stream
from entrepot_store.model import Headers

HELD = 8 * 1024 * 1024
"""Bytes of a body that are kept to be compared piece by piece."""
LONGEST = 4 * 1024 * 1024 * 1024
"""An answer that goes on for longer than this is cut off."""


@dataclass(slots=True, frozen=True)
class Answer:
    """What the target answered. `digest` and `size` are of the body after content decoding; `body` is None if it was
    longer than `HELD`. `undecodable` says why a coding could not be undone: the body is then as on the wire."""

    status: int
    headers: Headers
    version: str
    body: bytes | None
    size: int
    digest: bytes
    duration_us: int = 0
    undecodable: str = ""

    def header(self, name: bytes) -> bytes | None:
        """All values of a header, joined as one list; None if it is not there."""
        return header(self.headers, name)


def header(headers: Headers, name: bytes) -> bytes | None:
    """All values of the header with this lower-case name, joined as one list; None if it is not there."""
    values = [value for found, value in headers if found.lower() == name]
    return b", ".join(values) if values else None


def read_body(headers: Headers, wire: Iterable[bytes]) -> tuple[bytes | None, int, bytes, str]:
    """Body (None if too long to hold), size, digest, and why it could not be decoded (empty: it could, or needed not).

    Reads the wire once and to its end. Lets pass what the wire raises.
    """
    codings = content_codings(headers)
    if not codings:
        return (*_gather(wire), "")
    kept = _Tee(wire)
    try:
        return (*_gather(undo_stream(kept, codings, Limits(max_bytes=LONGEST))), "")
    except Undecodable as error:
        return (*kept.rest(), str(error))


def _gather(pieces: Iterable[bytes]) -> tuple[bytes | None, int, bytes]:
    digest, size, held = sha256(), 0, bytearray()
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        if size <= HELD:
            held += piece
    return (bytes(held) if size <= HELD else None), size, digest.digest()


class _Tee:
    """Digests what came over the wire while somebody decodes it, for the case that decoding fails."""

    def __init__(self, wire: Iterable[bytes]) -> None:
        self._wire = iter(wire)
        self._digest = sha256()
        self._size = 0
        self._held = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._wire:
            self._digest.update(piece)
            self._size += len(piece)
            if self._size <= HELD:
                self._held += piece
            yield piece

    def rest(self) -> tuple[bytes | None, int, bytes]:
        for _ in self:
            pass
        return (bytes(self._held) if self._size <= HELD else None), self._size, self._digest.digest()
