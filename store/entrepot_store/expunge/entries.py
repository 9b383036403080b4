"""What the erasure ledger says of each exchange, and what its index fields are without what was erased.

Which side of an exchange the content of its document was on cannot be told any more when the payloads are gone; the
ledger keeps it, so that the history of the document keeps its place: here something was, and it was erased. Where the
name of the document itself was in a payload (an id in the answer to a `POST`), it goes as well, and with it that place.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from ..archive import Archive
from ..catalog import Catalog
from ..catalog.documents import Side
from ..catalog.erased import erased_row
from ..catalog.fields import FieldRow
from ..catalog.retention import ErasedRow
from ..catalog.rows import ExchangeRow
from ..documents.effects import names_its_document
from ..documents.interpreter import Interpreter, load_recipes
from ..documents.stored import AsStored
from ..errors import NotFound
from ..segment.reader import SegmentReader, VaultSource
from .select import Sides


def entries(catalog: Catalog, erasure: UUID, sides: Sides) -> list[ErasedRow]:
    """Raises what the catalog raises."""
    said, before = catalog.retention.said_by(sides), catalog.retention.erased(sides)
    rows = []
    for identifier, (request, response) in sides.items():
        known = before.get(identifier)
        content = None if known is None else known.content
        with suppress(NotFound):  # it is to come, and said nothing that anybody knows of
            if known is None:
                content = _content(catalog.exchange(identifier), said.get(identifier), response=response)
        rows.append(ErasedRow(identifier, erasure, request, response, content))
    return rows


def _content(row: ExchangeRow, said: tuple[Side, str] | None, *, response: bool) -> Side | None:
    """`said` is what it says as the catalog has it; what it would say if a rule protected it is told by its method."""
    if not row.complete:
        return None
    named = names_its_document(row)
    if said is not None:
        side, key = said
        return None if response and not named and not key.startswith("POST ") else side
    return "request" if row.method.upper() in ("PUT", "PATCH", "POST") and named else "response" if named else None


def fields_left(archive: Archive, rows: Sequence[ErasedRow]) -> list[FieldRow]:
    """The index fields of exchanges of which a side stays, by that side alone. Raises what catalog and vault raise."""
    interpreters: dict[str, Interpreter] = {}
    return [found for row in rows if len(row.sides) == 1 for found in _fields(archive, row, interpreters)]


def _fields(archive: Archive, erased: ErasedRow, interpreters: dict[str, Interpreter]) -> Iterator[FieldRow]:
    try:
        row = erased_row(archive.catalog.exchange(erased.exchange), erased)
    except NotFound:
        return
    interpreter = interpreters.get(row.segment)
    if interpreter is None:
        recipes = SegmentReader(VaultSource(archive.vault, row.segment)).info().recipes
        interpreter = interpreters[row.segment] = Interpreter(load_recipes(recipes))
    yield from interpreter.fields(row, AsStored(archive, row))
