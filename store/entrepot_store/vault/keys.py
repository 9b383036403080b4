"""What a key may look like: shared by every vault, so that none of them can be led out of its folder or prefix."""

import re

from ..errors import BadInput

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,200}")
MAX_KEY = 800
"""Characters. S3 allows 1,024 bytes, of which the vault's prefix takes its part."""


def is_key(key: str) -> bool:
    """False for one that is absolute, has empty, `.` or `..` segments, or characters beyond those below."""
    return len(key) <= MAX_KEY and all(_SEGMENT.fullmatch(part) and part not in (".", "..") for part in key.split("/"))


def check_key(key: str) -> str:
    """The key itself. Raises BadInput if it is none."""
    if not is_key(key):
        raise BadInput(
            f"{key!r} is not a vault key.", hint="Keys are segments of A-Z a-z 0-9 . _ - separated by single slashes."
        )
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself: the beginning of some key, so it may be empty, and end in a slash or within a segment."""
    if prefix:
        check_key(prefix + "x" if prefix.endswith(("/", ".")) else prefix)
    return prefix


def check_start(key: str, size: int, start: int) -> None:
    """Refuses a range that begins beyond the object's end; beginning exactly there means no bytes."""
    if not 0 <= start <= size:
        raise BadInput(f"{key}: the range begins at {start}, the object ends at {size}.")


def check_range(start: int, length: int | None) -> None:
    """Refuses what no object can answer."""
    if start < 0 or (length is not None and length < 0):
        raise BadInput(f"A range cannot begin at {start} with a length of {length}.")
