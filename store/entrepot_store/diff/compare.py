"""Picks how two contents are compared, and bounds what is kept of the outcome."""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from .csv_table import read_csv
from .json_paths import compare_json, parse
from .lines import compare_lines
from .media import Family, MediaType, decode, parse_media_type
from .model import Change, Content, Diff, Kind
from .table import NoTable, Table
from .tables import compare_tables
from .xlsx_table import read_xlsx

MAX_COMPARED = 8 * 1024 * 1024
"""Bytes of one content that are compared by what is in them; longer ones by size, type and digest."""
MAX_CHANGES = 1000
MAX_COUNTED = 100_000
"""Changes beyond those kept that are still counted."""

_TABLES = (Family.CSV, Family.XLSX)
_EQUAL = {
    Kind.JSON: "The bytes differ, the data does not: order of keys, white space or the spelling of numbers.",
    Kind.TABLE: "The bytes differ, no cell does: formats, quotes, empty rows, or what a formula last came to.",
    Kind.TEXT: "The bytes differ, the text does not: another encoding.",
}


def compare(before: Content | None, after: Content | None, *, limit: int = MAX_CHANGES) -> Diff:
    """What differs from `before` to `after`; None is a document that is not there. Keeps `limit` changes and counts
    the rest. Raises what reading the contents raises."""
    if before is None or after is None:
        return _tombstone(before, after)
    old, new = parse_media_type(before.media_type), parse_media_type(after.media_type)
    if before.digest == after.digest:
        same_type = old.essence == new.essence
        return Diff(_kind(new), identical=True, note="" if same_type else f"Only the {_types(old, new)}.")
    if max(before.size, after.size) > MAX_COMPARED:
        return _binary(f"Contents of more than {MAX_COMPARED} bytes are compared by size, type and digest.")
    families = {old.family, new.family}
    if len(families) > 1 and not families <= set(_TABLES):
        return _binary(f"The {_types(old, new)}: contents of different types are not compared with each other.")
    if families == {Family.BINARY}:
        return _binary("Contents of such types are compared by size, type and digest.")
    note = "" if old.essence == new.essence else f"The {_types(old, new)}."
    return _compare_bytes(_Side(old, before.read()), _Side(new, after.read()), limit, note)


class _Side(NamedTuple):
    media_type: MediaType
    data: bytes

    def table(self) -> Table:
        csv = self.media_type.family is Family.CSV
        return read_csv(self.data, self.media_type) if csv else read_xlsx(self.data)

    def text(self) -> str | None:
        return decode(self.data, self.media_type)


def _compare_bytes(before: _Side, after: _Side, limit: int, note: str) -> Diff:
    """Goes from the finest way that the types allow to the coarsest, and says why it had to."""
    family, named = after.media_type.family, after.media_type.essence
    if family in _TABLES:
        try:
            tables = before.table(), after.table()
        except NoTable as error:
            note = f"{note} Not compared as a table: {error}.".strip()
        else:
            return _kept(Kind.TABLE, compare_tables(*tables), limit, note)
    if not (before.data and after.data):
        note = f"{note} The content {'was' if after.data else 'is'} empty{' before' if after.data else ''}.".strip()
        family = Family.TEXT  # no bytes are no JSON, and nothing to complain about
    old, new = before.text(), after.text()
    if old is None or new is None:
        promised = family not in (Family.UNKNOWN, Family.XLSX)
        return _binary(f"{note} It says that it is {named}, and is no text.".strip() if promised else note)
    if family is Family.JSON or (family is Family.UNKNOWN and _looks_json(old) and _looks_json(new)):
        try:
            return _kept(Kind.JSON, compare_json(parse(old), parse(new)), limit, note)
        except RecursionError:
            note = f"{note} It nests too deep to be compared by path.".strip()
        except ValueError:
            if family is Family.JSON:
                note = f"{note} It says that it is {named}, and is no JSON.".strip()
    return _kept(Kind.TEXT, compare_lines(old, new), limit, note)


def _looks_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _kept(kind: Kind, changes: Iterable[Change], limit: int, note: str) -> Diff:
    found = iter(changes)
    kept = tuple(islice(found, limit))
    more = sum(1 for _ in islice(found, MAX_COUNTED))
    if more == MAX_COUNTED:
        note = f"{note} Counting ended after {MAX_COUNTED} further changes.".strip()
    if not kept and not more:
        note = f"{note} {_EQUAL[kind]}".strip()
    return Diff(kind, identical=False, changes=kept, more=more, note=note)


def _binary(note: str) -> Diff:
    return Diff(Kind.BINARY, identical=False, note=note)


def _tombstone(before: Content | None, after: Content | None) -> Diff:
    if before is None and after is None:
        return Diff(Kind.TOMBSTONE, identical=True, note="The document is deleted in both.")
    note = "The document was deleted." if after is None else "The document was deleted before, and is there again."
    return Diff(Kind.TOMBSTONE, identical=False, note=note)


def _types(old: MediaType, new: MediaType) -> str:
    return f"media type changed from {old.essence or 'none'} to {new.essence or 'none'}"


def _kind(media_type: MediaType) -> Kind:
    """How contents of the type are compared if they can be."""
    kinds = {Family.JSON: Kind.JSON, Family.CSV: Kind.TABLE, Family.XLSX: Kind.TABLE, Family.TEXT: Kind.TEXT}
    return kinds.get(media_type.family, Kind.BINARY)
