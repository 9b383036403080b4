"""From decoded pieces to a record: its head understood, its payload checked as it is read."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from hashlib import sha256

from .fields import END_OF_RECORD
from .head import MAX_HEAD, Kind, RecordHead, parse_head
from .walk import Frame


@dataclass(slots=True)
class OpenRecord:
    """A record whose payload has not been read yet. `payload` gives it once; `length`, the compressed length, is final
    once it has."""

    head: RecordHead
    frame: Frame
    payload: Generator[bytes]

    @property
    def offset(self) -> int:
        return self.frame.offset

    @property
    def length(self) -> int:
        return self.frame.length


def read_head(pieces: Iterator[bytes]) -> tuple[RecordHead, bytes]:
    """The head of the record in `pieces`, and what was read beyond it. Raises ValueError."""
    data = b""
    for piece in pieces:
        data += piece
        head = parse_head(data)
        if head is not None:
            return head, data[len(head.raw) :]
        if len(data) > MAX_HEAD:
            break
    raise ValueError("the record has no end of head")


def checked_payload(head: RecordHead, begun: bytes, pieces: Iterator[bytes]) -> Generator[bytes]:
    """The payload in `begun` and `pieces`. Raises ValueError if it is not of the size and digest that the head says,
    or if anything but the record's end follows; its last piece is given out only when all of that holds."""
    left = 0 if head.revisit is not None else head.size
    digest = sha256() if left and head.kind is not Kind.INFO else None
    held = b""
    rest = begun
    while left:
        if not rest:
            rest = next(pieces, b"")
            if not rest:
                raise ValueError("the payload is cut short")
        part, rest = (rest, b"") if len(rest) <= left else (rest[:left], rest[left:])
        left -= len(part)
        if digest is not None:
            digest.update(part)
        if held:
            yield held
        held = part
    if rest + b"".join(pieces) != END_OF_RECORD:
        raise ValueError("the record does not end where its Content-Length says")
    if digest is not None and digest.digest() != head.digest:
        raise ValueError("the payload is not what its digest says")
    if held:
        yield held


def once(data: bytes) -> Generator[bytes]:
    """A payload that was read already."""
    if data:
        yield data
