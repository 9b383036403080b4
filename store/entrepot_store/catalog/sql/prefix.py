"""Texts that begin with others, as a condition that an index serves."""

from typing import Any

from sqlalchemy import ColumnElement, and_

type Condition = ColumnElement[bool]


def begins_with(column: Any, prefix: str) -> Condition:
    """A range, and not LIKE, because an index serves a range whatever the collation and the case."""
    last = prefix.rstrip(chr(0x10FFFF))
    if not last:
        return column >= prefix  # type: ignore[no-any-return]  # an attribute or a column: both compare to conditions
    follower = ord(last[-1]) + 1
    if 0xD800 <= follower <= 0xDFFF:  # surrogates are no characters
        follower = 0xE000
    return and_(column >= prefix, column < last[:-1] + chr(follower))
