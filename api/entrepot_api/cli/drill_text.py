"""Drills as lines for people: the result of one, and how products stand."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot_store.catalog.drills import DrillRow

    from ..drills import DrillsStatus

_NAMED = 10
"""Products that were never drilled, named in one line."""


def result_line(row: "DrillRow") -> str:
    """What one drill says, in a sentence."""
    parts = [f"Drill {row.id}: {row.destination} {_VERDICTS[row.state.value]}"]
    if row.share_back is not None:
        parts.append(f"{portion(row.share_back)} of the documents are back")
    elif row.rebuilt_at is not None:
        parts.append("there was no document to read back")
    if row.recovery_seconds is not None:
        parts.append(f"rebuilt in {lasting(row.recovery_seconds)}")
    if row.error:
        parts.append(row.error)
    return ", ".join(parts) + f". The product's output is in {row.log}."


_VERDICTS = {
    "passed": "can be restored",
    "failed": "was not restored whole",
    "interrupted": "was not drilled to the end",
    "running": "is being drilled",
}


def drill_lines(drills: "DrillsStatus | None") -> Iterator[str]:
    """For `entrepot status`: a line for each product that was drilled, and one for those that never were."""
    if drills is None:
        return
    for one in drills["products"]:
        told = "not ended yet"
        if one["age_seconds"] is not None:
            told = f"{one['result']} {lasting(one['age_seconds'])} ago ({one['at']})"
        if one["share_back"] is not None:
            told += f", {portion(one['share_back'])} back"
        if one["recovery_seconds"] is not None:
            told += f", rebuilt in {lasting(one['recovery_seconds'])}"
        if one["result"] != "passed":
            good = one["good_age_seconds"]
            told += ", never a good one" if good is None else f", the last good one {lasting(good)} ago"
        if one["running_since"]:
            told += f"; one runs since {one['running_since']}"
        yield f"{one['destination']}: {told}"
    if drills["never"]:
        more = len(drills["never"]) - _NAMED
        yield f"never: {', '.join(drills['never'][:_NAMED])}{f' and {more} more' if more > 0 else ''}"


def portion(share: float) -> str:
    """`98.2 %`, rounded down: 100 % is everything."""
    return f"{int(share * 1000) / 10:g} %"


def lasting(seconds: float) -> str:
    """`3.2 s`, `5 min`, `7 h`, `12 d`."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"
