"""Where the bodies of an exchange come from: memory while its segment is written, the segment itself for a rebuild, for
`reindex`, and for a segment found after a crash; the archive for one that the catalog knows."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

from ..archive import Archive
from ..catalog.documents import Look, Side
from ..catalog.fields import FieldRow
from ..catalog.retention import ErasedRow
from ..catalog.rows import ExchangeRow, PayloadRow
from ..errors import Damaged
from ..segment.index import SegmentIndex
from ..segment.payload import Payload
from ..segment.reader import Revisit, SegmentReader
from ..segment.sources import RangeSource
from .interpreter import Interpreter


@dataclass(slots=True, frozen=True)
class AtHand:
    """The bodies of one exchange while its segment is written."""

    request: Payload
    response: Payload | None

    def read(self, side: Side) -> bytes:
        payload = self.request if side == "request" else self.response
        return b"" if payload is None else b"".join(payload.chunks())


def read_segment(
    index: SegmentIndex,
    source: RangeSource,
    archive: Archive,
    interpreter: Interpreter,
    erased: Mapping[UUID, ErasedRow],
) -> tuple[tuple[Look, ...], tuple[FieldRow, ...]]:
    """What the segment's exchanges say of documents, and the fields they are found by, in their order. Of `erased` ones
    the index has the rows without what was erased.

    Bodies are read only where bytes alone do not tell, and out of `archive` only where another segment holds them.
    Raises Damaged, NotFound for a payload that the catalog does not know (yet), and what the vault raises.
    """
    reader = SegmentReader(source)
    here = {row.digest: row for row in index.payloads}
    looks: list[Look] = []
    fields: list[FieldRow] = []
    for row in index.exchanges:
        bodies = _Stored(row, reader, here, archive)
        looks.extend(interpreter.looks(row, bodies, erased.get(row.id)))
        fields.extend(interpreter.fields(row, bodies))
    return tuple(looks), tuple(fields)


class _Stored:
    """The bodies of one exchange, in its segment or wherever a revisit refers to."""

    def __init__(
        self, row: ExchangeRow, reader: SegmentReader, here: dict[bytes, PayloadRow], archive: Archive
    ) -> None:
        self._row = row
        self._reader = reader
        self._here = here
        self._archive = archive

    def read(self, side: Side) -> bytes:
        message = self._row.request if side == "request" else self._row.response
        if message is None or message.size == 0:
            return b""
        with ExitStack() as stack:
            found = self._reader.open_body(message.offset, message.length, message.digest)
            if isinstance(found, Revisit):
                place = self._here.get(message.digest)
                if place is None:
                    return stack.enter_context(self._archive.payload(self._row.retention_class, message.digest)).read()
                found = self._reader.open_body(place.offset, place.length, message.digest)
                if isinstance(found, Revisit):
                    raise Damaged(f"The record at {place.offset} is a revisit of a revisit.")
            return stack.enter_context(found).read()


@dataclass(slots=True, frozen=True)
class AsStored:
    """The bodies of one exchange that the catalog knows."""

    archive: Archive
    row: ExchangeRow

    def read(self, side: Side) -> bytes:
        return self.archive.body_bytes(self.row, side)
