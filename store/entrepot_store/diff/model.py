"""What is compared, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """How two contents were compared. `tombstone`: one of them is none, because the document was deleted."""

    JSON = "json"
    TEXT = "text"
    TABLE = "table"
    BINARY = "binary"
    TOMBSTONE = "tombstone"


class Op(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    """The same members in another order."""


@dataclass(slots=True, frozen=True)
class Content:
    """One content. `media_type` is as sent, with or without parameters; `size` is in bytes, `digest` raw SHA-256.
    `read` gives all of it, and is called only if the comparison needs it and `size` is within bounds."""

    media_type: str
    size: int
    digest: bytes
    read: Callable[[], bytes]


@dataclass(slots=True, frozen=True)
class PathChange:
    """A change in JSON. `path` is a JSONPath (RFC 9535) into the later content, or for what was removed, into the
    earlier. `before` and `after` are plain JSON values; what is not there is None, as `op` tells."""

    op: Op
    path: str
    before: Any = None
    after: Any = None


@dataclass(slots=True, frozen=True)
class Hunk:
    """Changed lines and those around them, as in a unified diff. Lines count from 1. Each of `lines` begins with a
    blank, `-`, `+`, or `\\` for the remark that the line before it does not end."""

    from_line: int
    from_count: int
    to_line: int
    to_count: int
    lines: tuple[str, ...]


@dataclass(slots=True, frozen=True)
class TableChange:
    """A change in a table: of a cell (`column` and `row`), a row (`values`), a column, or a whole sheet.

    `row` counts from 1, the header included, in the later content, or for what was removed, in the earlier. `key` is
    the value by which rows were matched, None if they were matched by their order. `column` is the name in the header,
    or a letter where there is none. `sheet` is None where there are no sheets.
    """

    op: Op
    sheet: str | None = None
    row: int | None = None
    key: str | None = None
    column: str | None = None
    before: str | None = None
    after: str | None = None
    values: dict[str, str] | None = None


type Change = PathChange | Hunk | TableChange


@dataclass(slots=True, frozen=True)
class Diff:
    """What differs. `identical` says that the bytes are the same. `more` counts changes beyond those in `changes`.
    `note` is a sentence for people where the changes do not say it all, else empty."""

    kind: Kind
    identical: bool
    changes: tuple[Change, ...] = ()
    more: int = 0
    note: str = ""
