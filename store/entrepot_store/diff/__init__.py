"""What differs between two contents of a document: JSON by path, text by line, tables by row and column, everything
else by size, type and digest.

`compare.compare` picks the way, by `media`; `json_paths`, `lines` and `tables` do the work on what `align` pairs up;
`csv_table` and `xlsx_table` read tables. All of it is bounded: contents are hostile input.
"""

from .compare import MAX_COMPARED, compare
from .model import Change, Content, Diff, Hunk, Kind, Op, PathChange, TableChange

__all__ = [
    "MAX_COMPARED",
    "Change",
    "Content",
    "Diff",
    "Hunk",
    "Kind",
    "Op",
    "PathChange",
    "TableChange",
    "compare",
]
