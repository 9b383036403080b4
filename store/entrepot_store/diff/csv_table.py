"""CSV and tab-separated values, read as tables."""

import csv

from .media import MediaType, decode
from .table import MAX_CELLS, NoTable, Table, sheet_of

_DELIMITERS = ",;\t|"


def read_csv(data: bytes, media_type: MediaType) -> Table:
    """The delimiter is the one that occurs most in the first line; `header=absent` (RFC 4180) in the type is heeded.
    Raises NoTable."""
    text = decode(data, media_type)
    if text is None:
        raise NoTable("it is no text")
    tabs = media_type.essence == "text/tab-separated-values"
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = "\t" if tabs else max(_DELIMITERS, key=first.count)
    rows: list[tuple[str, ...]] = []
    cells = 0
    try:
        for row in csv.reader(text.splitlines(keepends=True), delimiter=delimiter):
            cells += len(row) + 1
            if cells > MAX_CELLS:
                raise NoTable(f"it has more than {MAX_CELLS} cells")
            rows.append(tuple(row))
    except csv.Error as error:
        raise NoTable(f"it is no CSV ({error})") from error
    header = {"present": True, "absent": False}.get(media_type.parameters.get("header", "").lower())
    return {None: sheet_of(rows, header=header)}
