"""Spreadsheets (XLSX), read as tables by openpyxl. What was captured may be made to harm who opens it: how much it
unpacks to, how many cells are looked at and what may go wrong are bounded here."""

import warnings
import zipfile
from datetime import date, datetime, time
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .table import MAX_CELLS, NoTable, Table, sheet_of

if TYPE_CHECKING:
    from openpyxl import Workbook

MAX_UNPACKED = 128 * 1024 * 1024
MAX_SHEETS = 200


def read_xlsx(data: bytes) -> Table:
    """Cells as text: formulas as they are written, times as ISO 8601. Raises NoTable."""
    import openpyxl

    _check_size(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions, which are not compared
            book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=False, keep_links=False)
            try:
                return _sheets(book)
            finally:
                book.close()
    except NoTable:
        raise
    except Exception as error:  # openpyxl lets whatever goes wrong in any XML or zip reader pass
        raise NoTable(f"it cannot be read as a spreadsheet ({type(error).__name__})") from error


def _check_size(data: bytes) -> None:
    """The sizes that a zip declares hold: reading an entry ends where it was declared to."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise NoTable("it is no zip file, as spreadsheets are") from error
    if unpacked > MAX_UNPACKED:
        raise NoTable(f"it unpacks to {unpacked} bytes")


def _sheets(book: "Workbook") -> Table:
    if len(book.worksheets) > MAX_SHEETS:
        raise NoTable(f"it has more than {MAX_SHEETS} sheets")
    table: Table = {}
    cells = 0
    for sheet in book.worksheets:
        # What a sheet says of its own size is not to be trusted: one cell far away would cost millions of empty ones.
        sheet.reset_dimensions()
        rows: list[tuple[str, ...]] = []
        for row in sheet.iter_rows(values_only=True):
            cells += len(row) + 1
            if cells > MAX_CELLS:
                raise NoTable(f"it has more than {MAX_CELLS} cells")
            rows.append(tuple(map(_text, row)))
        table[sheet.title] = sheet_of(rows)
    return table


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(getattr(value, "text", value))  # an array formula holds its text
