"""From decoded pieces to a record: its head understood, its payload checked and digested as it is read."""

from collections.abc import Generator, Iterator
from hashlib import sha256

from .fields import END_OF_HEAD, END_OF_RECORD
from .head import MAX_HEAD, RecordHead, parse_head
from .walk import Frame


class OpenRecord:
    """A record whose payload has not been read yet. `payload` gives it once; only then are `length`, that of the
    compressed record, and `digest`, SHA-256 of the payload, known."""

    __slots__ = ("_digest", "frame", "head", "payload")

    def __init__(
        self, frame: Frame, pieces: Generator[bytes], expected: bytes | None = None, *, http: bool = True
    ) -> None:
        """Reads the head, `http` as in `parse_head`. With `expected` the payload must have that digest. Raises
        ValueError; so does `payload`."""
        self.frame = frame
        self._digest = sha256()
        self.head, begun = _read_head(pieces, http=http)
        self.payload = self._read_payload(begun, pieces, expected)

    @property
    def offset(self) -> int:
        return self.frame.offset

    @property
    def length(self) -> int:
        return self.frame.length

    @property
    def digest(self) -> bytes:
        return self.head.revisit.digest if self.head.revisit is not None else self._digest.digest()

    def _read_payload(self, begun: bytes, pieces: Generator[bytes], expected: bytes | None) -> Generator[bytes]:
        """The last piece is given out only when size, end and digest have been found right."""
        left = 0 if self.head.revisit is not None else self.head.size
        held = b""
        rest = begun
        while left:
            if not rest:
                rest = next(pieces, b"")
                if not rest:
                    raise ValueError("the payload is cut short")
            part, rest = (rest, b"") if len(rest) <= left else (rest[:left], rest[left:])
            left -= len(part)
            self._digest.update(part)
            if held:
                yield held
            held = part
        if rest + b"".join(pieces) != END_OF_RECORD:
            raise ValueError("the record does not end where its Content-Length says")
        if expected is not None and self.digest != expected:
            raise ValueError("the payload is not the one that the catalog says")
        if held:
            yield held


def _read_head(pieces: Iterator[bytes], *, http: bool) -> tuple[RecordHead, bytes]:
    """The head of the record in `pieces`, and what was read beyond it."""
    parts: list[bytes] = []
    size, end = 0, b""
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        end += piece
        # Looked for in what is new: a head of megabytes must not be gone through again for every piece.
        if END_OF_HEAD in end:
            parts = [data := b"".join(parts)]
            head = parse_head(data, http=http)
            if head is not None:
                return head, data[len(head.raw) :]
        if size > MAX_HEAD:
            break
        end = end[-len(END_OF_HEAD) + 1 :]
    raise ValueError("the record has no end of head")


def once(data: bytes) -> Generator[bytes]:
    """A payload that was read already."""
    yield data
