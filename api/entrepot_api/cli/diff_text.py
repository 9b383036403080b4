"""A diff as lines for people."""

import json
from collections.abc import Iterator
from typing import Any

from entrepot_store.catalog.documents import DocumentRow, VersionRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.diff import Content, Diff, Hunk, Kind, Op, PathChange, TableChange

_WIDTH = 200
"""Characters of one value; the JSON has all of it."""
_SIGNS = {Op.ADDED: "+", Op.REMOVED: "-", Op.CHANGED: "~", Op.MOVED: ">"}

type End = tuple[VersionRow, Content | None]


def diff_lines(document: DocumentRow, before: End, after: End, found: Diff) -> Iterator[str]:
    yield f"--- {document.destination} {document.key}  {_end(*before)}"
    yield f"+++ {document.destination} {document.key}  {_end(*after)}"
    for change in found.changes:
        match change:
            case PathChange():
                yield f"{_SIGNS[change.op]} {change.path}{_path_values(change)}"
            case Hunk():
                yield f"@@ -{change.from_line},{change.from_count} +{change.to_line},{change.to_count} @@"
                yield from change.lines
            case TableChange():
                yield f"{_SIGNS[change.op]} {_table_change(change)}"
    if found.more:
        yield f"… and {found.more} changes more."
    if found.identical and found.kind is not Kind.TOMBSTONE:
        yield "The bytes are the same."
    if found.note:
        yield found.note


def _end(version: VersionRow, content: Content | None) -> str:
    at = to_rfc3339(version.at)
    if content is None:
        return f"{at}  deleted"
    return f"{at}  {content.media_type or 'no type'}  {content.size} bytes  sha256:{content.digest.hex()[:12]}"


def _path_values(change: PathChange) -> str:
    match change.op:
        case Op.MOVED:
            return " is in another order"
        case Op.ADDED:
            return f": {_short(change.after)}"
        case Op.REMOVED:
            return f": {_short(change.before)}"
        case Op.CHANGED:
            return f": {_short(change.before)} -> {_short(change.after)}"


def _table_change(change: TableChange) -> str:
    place = f"{change.sheet}: " if change.sheet is not None else ""
    row = f"row {change.row}" + (f" ({change.key})" if change.key is not None else "")
    if change.op is Op.MOVED:
        columns = f": {change.before} -> {change.after}" if change.before is not None else ""
        return f"{place}{'columns' if columns else 'rows'} in another order{columns}"
    if change.row is not None and change.column is not None:
        return f"{place}{row}, {change.column}: {_short(change.before)} -> {_short(change.after)}"
    if change.row is not None:
        return f"{place}{row}: {_short(change.values)}"
    if change.column is not None:
        return f"{place}column {change.column}"
    if change.op is Op.CHANGED:
        return f"sheet {change.before} is now {change.after}"
    return f"sheet {change.sheet}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
