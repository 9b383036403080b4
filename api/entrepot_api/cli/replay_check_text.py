"""What verification found, as lines for people: what is not back first, then how much is."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from entrepot_store.clock import to_rfc3339

from ..text import visible

if TYPE_CHECKING:
    from entrepot_replay.report import Report
    from entrepot_store.catalog.replay_checks import CheckRow, VerificationRow

_SHOWN_DIFFERENCES = 5


def check_lines(report: "Report") -> Iterator[str]:
    """The documents that are not back."""
    for row in report.checks:
        yield from _lines(row)
    if report.unlisted_checks:
        yield (
            f"… and {report.unlisted_checks} more documents; "
            f"`entrepot replay --report {report.replay.id} --limit N` shows them."
        )


def share_lines(report: "Report") -> Iterator[str]:
    """How much is back, and as of when."""
    found = report.verification
    if found is None:
        if report.replay.state.value == "finished":
            yield (
                "Nobody has looked whether everything is back: "
                f"`entrepot replay --verify {report.replay.id}` reads it from the target."
            )
        return
    if not found.counts.total:
        yield "No document was readable when it was recorded: there is nothing to verify."
    else:
        yield (
            f"{found.counts.restored} of {found.counts.total} documents are back ({percent(report)}), "
            f"as of {to_rfc3339(found.as_of)}{_others(found)}."
        )
    if not found.complete:
        why = f": {visible(found.reason)}" if found.reason else ""
        yield f"The verification did not come to its end{why}. Again: entrepot replay --verify {report.replay.id}"


def percent(report: "Report") -> str:
    """Rounded down: 100 % is all of it."""
    share = report.share_back
    return "nothing" if share is None else f"{int(share * 1000) / 10:g} %"


def _others(found: "VerificationRow") -> str:
    counts = found.counts
    pairs = (
        ("missing", counts.missing),
        ("differ", counts.differs),
        ("extra", counts.extra),
        ("unknown", counts.unknown),
    )
    return "".join(f", {number} {name}" for name, number in pairs if number)


def _lines(row: "CheckRow") -> Iterator[str]:
    statuses = f"  {row.recorded_status or ''} → {row.live_status}" if row.live_status is not None else ""
    asked = "" if row.asked in ("", row.path) else f"  (now {visible(row.asked)})"
    place = f" {visible(row.place)}" if row.place else ""
    yield f"{row.result.value.upper():9}  {visible(row.path)}{place}{statuses if row.recorded_status else ''}{asked}"
    if row.reason:
        yield f"           {visible(row.reason)}"
    shown = [one for one in row.differences if one.decisive and one.where != "status"]
    for one in shown[:_SHOWN_DIFFERENCES]:
        yield f"           {visible(f'{one.where}: {one.recorded} → {one.live}')}"
    more = len(shown) - _SHOWN_DIFFERENCES + row.more_differences
    if more > 0:
        yield f"           … and {more} more differences"
