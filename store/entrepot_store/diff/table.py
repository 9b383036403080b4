"""Tables as they are compared: rows of text under a header, if there is one. `csv_table` and `xlsx_table` read them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_CELLS = 2_000_000
"""Cells of one content that are compared; what has more is not read as a table."""
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")


class NoTable(ValueError):
    """The bytes are no table, or one beyond the bounds. Its text says why, as the end of a sentence."""


@dataclass(slots=True, frozen=True)
class Sheet:
    """`rows` without the header, each with its number, which counts from 1. `header_row` is that of the header."""

    header: tuple[str, ...] | None
    header_row: int
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def width(self) -> int:
        return max((len(row) for _, row in self.rows), default=0)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns: those in the header, and letters as in a spreadsheet for those without."""
        named = self.header or ()
        return named + tuple(letters(index) for index in range(len(named), self.width))


type Table = dict[str | None, Sheet]
"""Sheets by name; None names the one table of a format without sheets."""


def sheet_of(rows: Sequence[tuple[str, ...]], *, header: bool | None = None) -> Sheet:
    """`header` says whether the first row is one; None: look whether it may be. Empty cells at the end of a row and
    empty rows say nothing and go."""
    numbered = [(number, _trimmed(row)) for number, row in enumerate(rows, start=1)]
    kept = tuple((number, row) for number, row in numbered if row)
    first = kept[0][1] if kept else ()
    if header if header is not None else _is_header(first):
        return Sheet(first, kept[0][0] if kept else 1, kept[1:])
    return Sheet(None, 0, kept)


def letters(index: int) -> str:
    """`A` for 0, `Z` for 25, `AA` for 26."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def _trimmed(row: tuple[str, ...]) -> tuple[str, ...]:
    end = len(row)
    while end and not row[end - 1]:
        end -= 1
    return row[:end]


def _is_header(row: tuple[str, ...]) -> bool:
    """A header names every column, no two alike, and none by a number."""
    return bool(row) and all(row) and len(set(row)) == len(row) and not any(_NUMBER.fullmatch(cell) for cell in row)
