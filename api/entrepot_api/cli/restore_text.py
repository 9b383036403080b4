"""Plans and results of restores as lines for people. What is not as it should be comes first."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..text import visible

if TYPE_CHECKING:
    from ..views.restore import ReadBackView, RestorePlanView

_SHOWN_DIFFERENCES = 5
_WIDTH = 15


def plan_lines(view: "RestorePlanView", *, start: bool) -> Iterator[str]:
    """What would be done to which document, why and how; `start`: with how to start it."""
    for warning in view.warnings:
        yield f"WARNING  {visible(warning)}"
    for one in view.documents:
        if one.do == "untouched":
            continue
        yield f"{one.do.upper():{_WIDTH}}{visible(one.path)}"
        yield f"{'':{_WIDTH}}{visible(one.why)}"
        if one.requests:
            yield f"{'':{_WIDTH}}by {visible(one.how)}: {visible(', '.join(one.requests))}"
    listed = sum(one.do != "untouched" for one in view.documents)
    more = sum(number for do, number in view.counts.items() if do != "untouched") - listed
    if more > 0:
        yield f"… and {more} more; --limit N or --json shows them."
    yield f"Restore {view.id}: {sum(view.counts.values())} documents of {visible(view.to)} as of {view.at}"
    yield f"  target  {visible(view.target)}"
    yield f"  does    {_counts(view.counts)}"
    if start and any(one.requests for one in view.documents):
        yield f"Nothing was written. Start it with: entrepot restore --resume {view.id}"
    elif start:
        yield "There is nothing to write."


def read_back_lines(view: "ReadBackView") -> Iterator[str]:
    """What was found when everything was read back."""
    for one in view.documents:
        if one.came == "untouched":
            continue
        now = f"  (now {visible(one.live)})" if one.live != one.path else ""
        yield f"{one.came.upper():{_WIDTH}}{visible(one.path)}{now}"
        if one.why:
            yield f"{'':{_WIDTH}}{visible(one.why)}"
        decisive = [difference for difference in one.differences if difference.decisive]
        for difference in decisive[:_SHOWN_DIFFERENCES]:
            yield f"{'':{_WIDTH}}" + visible(f"{difference.where}: {difference.recorded} → {difference.live}")
        if len(decisive) > _SHOWN_DIFFERENCES:
            yield f"{'':{_WIDTH}}… and {len(decisive) - _SHOWN_DIFFERENCES} more differences"
    if view.unlisted:
        yield f"… and {view.unlisted} more; --limit N shows them."
    yield f"Restore {view.id} to {visible(view.target)} is {view.state}."
    yield f"Read back: {_counts(view.counts)}."
    if view.exit_code == _STOPPED_EARLY:
        yield f"Go on with: entrepot restore --resume {view.id}"


_STOPPED_EARLY = 22


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items()) or "no document"
