"""The row of an exchange as it is once something of it was erased: the same to shipping, a rebuild and reindexing,
which may read a segment that still holds it. In the catalog itself `sql.standing` does as much.
"""

from dataclasses import replace

from .retention import NOTHING, ErasedRow
from .rows import ExchangeRow, MessageRow


def joined(one: ErasedRow | None, other: ErasedRow) -> ErasedRow:
    """What of an exchange is erased by both, the earlier one first: it knew best what the exchange said."""
    if one is None:
        return other
    return replace(
        other,
        request=one.request or other.request,
        response=one.response or other.response,
        content=one.content or other.content,
    )


def erased_row(row: ExchangeRow, erased: ErasedRow) -> ExchangeRow:
    """The row of an exchange as it is once that is erased."""
    return replace(
        row,
        complete=False,
        request=_erased(row.request) if erased.request else row.request,
        response=_erased(row.response) if erased.response and row.response is not None else row.response,
    )


def _erased(message: MessageRow) -> MessageRow:
    return replace(message, size=0, digest=NOTHING, truncated=True)
