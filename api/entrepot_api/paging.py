"""Pages of a listing whose filter holds ages: `2h` must mean the same moment on every page.

A cursor of the catalog is good for one filter, with its times worked out. What command line and HTTP hand out is that
cursor with the moment behind it that the ages of the first page were counted back from.
"""

import re
from dataclasses import dataclass

_CURSOR = re.compile(r"(.*)\.(\d{1,17})", re.ASCII | re.DOTALL)


@dataclass(slots=True, frozen=True)
class Paging:
    """`now` (microseconds since the epoch) is what ages count back from, `cursor` what the catalog is given."""

    now: int
    cursor: str | None = None

    @classmethod
    def at(cls, cursor: str | None, now: int) -> "Paging":
        """`cursor` as the user has it, None for the first page, whose moment is `now`. What no listing made is left
        for the catalog to refuse."""
        made_here = _CURSOR.fullmatch(cursor) if cursor is not None else None
        return cls(now, cursor) if made_here is None else cls(int(made_here[2]), made_here[1])

    def next(self, cursor: str | None) -> str | None:
        """What to hand out for the catalog's `cursor` of the page after this one."""
        return None if cursor is None else f"{cursor}.{self.now}"
