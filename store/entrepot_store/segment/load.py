"""Bodies of exchanges that are read back whole: into memory, or into files if they are long."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from ..errors import Damaged
from ..model import Body
from .body_stream import BodyStream
from .head import RecordHead, Revisit
from .open_record import OpenRecord

type Resolve = Callable[[bytes], AbstractContextManager[BinaryIO]]
type OpenBody = Callable[[int, int], BodyStream | Revisit]

LONG_BODY = 1024 * 1024
_CHUNK = 256 * 1024


class BodyLoader:
    """Loads the bodies of one segment's records in order. Revisits of a record of the same segment are followed here;
    others are asked of `resolve`."""

    def __init__(self, open_body: OpenBody, resolve: Resolve, spill: Path | None) -> None:
        self._open_body = open_body
        self._resolve = resolve
        self._spill = spill
        self._places: dict[bytes, tuple[int, int]] = {}

    def load(self, record: OpenRecord, body: Body) -> Body:
        """`body` with its bytes. Raises Damaged if the payload is not of the digest that the record says."""
        head = record.head
        if head.revisit is None:
            self._fill(body, head, record.payload)
            self._places[record.digest] = record.offset, record.length
        else:
            for _ in record.payload:
                pass
            with self._elsewhere(head.revisit) as stream:
                self._fill(body, head, _checked(stream, head, head.revisit.digest))
        return body

    @contextmanager
    def _elsewhere(self, revisit: Revisit) -> Iterator[BinaryIO]:
        place = self._places.get(revisit.digest)
        if place is None:
            with self._resolve(revisit.digest) as stream:
                yield stream
            return
        found = self._open_body(*place)
        if isinstance(found, Revisit):
            raise Damaged(f"The record at offset {place[0]} is a revisit of a revisit.")
        with found as stream:
            yield stream

    def _fill(self, body: Body, head: RecordHead, pieces: Generator[bytes]) -> None:
        if self._spill is None or head.size <= LONG_BODY:
            body.data = b"".join(pieces)
            return
        body.file = f"{head.record_id}"
        with os.fdopen(_private(self._spill / body.file), "wb") as target:
            for piece in pieces:
                target.write(piece)


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


def _checked(stream: BinaryIO, head: RecordHead, expected: bytes) -> Generator[bytes]:
    digest, size = sha256(), 0
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    if size != head.size or digest.digest() != expected:
        raise Damaged(
            f"The payload that record {head.record_id} refers to is not of its digest.",
            hint="Verify the segment that holds it.",
        )
