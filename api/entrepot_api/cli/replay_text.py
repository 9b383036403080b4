"""Plans and reports as lines for people. What is not as it should be comes first."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from ..text import visible
from .replay_check_text import check_lines, share_lines

if TYPE_CHECKING:
    from entrepot_replay.report import Report
    from entrepot_store.catalog.replays import Difference, ReplayRow, StepRow

_SHOWN_DIFFERENCES = 5


def plan_lines(row: "ReplayRow", settled: Collection[str] | None = None) -> Iterator[str]:
    """The plan of a replay: warnings, what will be sent, what will not and why, how to start it.

    `settled` is given when it is started at once: the names of secrets about which there is nothing to warn of.
    """
    plan = row.plan
    warnings = [warning["text"] for warning in plan["warnings"] if warning.get("name") not in (settled or ())]
    for warning in warnings:
        yield f"WARNING  {visible(warning)}"
    if warnings:
        yield ""
    yield f"Replay {row.id}: {plan['steps']} of {plan['considered']} exchanges with {visible(row.destination)}"
    yield f"  target    {visible(row.target)}"
    if plan["steps"]:
        methods = ", ".join(f"{number} {visible(method)}" for method, number in plan["methods"].items())
        yield f"  sends     {methods}; {_size(plan['bytes'])} of bodies, in recorded order"
        yield f"  recorded  {plan['first_at']} to {plan['last_at']}"
    for reason, number in plan["skips"].items():
        yield f"  skips     {number}: {visible(reason)}"
    if settled is None and row.state.value == "planned" and plan["steps"]:
        yield f"Nothing was sent. Start it with: entrepot replay --resume {row.id}"


def flow_lines(step: "StepRow") -> Iterator[str]:
    """One step of the graph: what it comes after, and the values it takes from other answers, with the evidence."""
    from entrepot_replay.flow import Flow

    flow = Flow.load(step.flow)
    if step.state.value == "skipped":
        yield f"#{step.seq} {visible(step.method)} {visible(step.path)}  skipped: {visible(step.reason)}"
        return
    needed = "  (a read: others need its answer)" if flow.probe else ""
    if flow.barrier:
        order = "after everything before it"
    else:
        order = "after " + ", ".join(f"#{seq}" for seq in flow.after) if flow.after else "at once"
    yield f"#{step.seq} {visible(step.method)} {visible(step.path)}  {order}{needed}"
    for use in flow.uses:
        what = f"{use.key.role} id" if use.key.role and use.key.role != "secret" else use.key.role or "value"
        text = "" if use.key.role == "secret" else f" {use.key.text}"
        maker = f"from #{use.made_by} ({use.made_at})" if use.made_by is not None else "made before the plan"
        yield f"     {visible(use.where)}: {visible(what)}{visible(text)} {visible(maker)}"
    for make in flow.makes:
        yield f"     makes {visible(make.where)}{'' if make.secret else ' ' + visible(make.key.text)}"


def report_lines(report: "Report") -> Iterator[str]:
    """The report of a replay: what is not back, which steps differ, then the counts and what to do next."""
    from ..views.replay import state_text

    row, counts = report.replay, report.counts
    if report.checks or report.steps:
        yield "NOT BACK"
    yield from check_lines(report)
    for step in report.steps:
        yield from _step_lines(step)
    if report.unlisted:
        yield f"… and {report.unlisted} more; `entrepot replay --report {row.id} --limit N` shows them."
    if report.checks or report.steps:
        yield ""
    for warning in _standing_warnings(row.plan):
        yield f"WARNING  {visible(warning)}"
    state = state_text(row)
    reason = f": {visible(row.reason)}" if row.reason and row.reason != state else ""
    yield f"Replay {row.id} to {visible(row.target)} is {state}{reason}."
    done = f"{counts.identical} of {counts.planned} steps are identical"
    others = [
        f"{number} {name}"
        for name, number in (
            ("equivalent", counts.equivalent),
            ("different", counts.different),
            ("failed", counts.failed),
            ("unknown", counts.unknown),
            ("under way", counts.sending),
            ("not sent", counts.pending),
        )
        if number
    ]
    yield f"{done}{', ' if others else ''}{', '.join(others)}{_skipped(counts.skipped)}."
    yield from share_lines(report)
    yield from _advice(report, state)


def _skipped(number: int) -> str:
    return f"; {number} recorded writes were not part of the plan" if number else ""


def _standing_warnings(plan: Any) -> Iterator[str]:
    """Those that a run does not settle: what the recording itself lacks."""
    for warning in plan.get("warnings", ()):
        if warning["kind"] in ("gap", "lost"):
            yield warning["text"]


def _step_lines(step: "StepRow") -> Iterator[str]:
    verdict = "UNDER WAY" if step.verdict is None else step.verdict.value.upper()
    statuses = f"{step.recorded_status} → {step.live_status if step.live_status is not None else '?'}"
    again = f"  (of {step.attempts} attempts {step.unknown_attempts} unknown)" if step.attempts > 1 else ""
    yield f"{verdict:9}  #{step.seq} {visible(step.method)} {visible(step.path)}  {statuses}{again}"
    if step.reason:
        yield f"           {visible(step.reason)}"
    shown = [one for one in step.differences if one.decisive and one.where != "status"]
    for difference in shown[:_SHOWN_DIFFERENCES]:
        yield f"           {_difference(difference)}"
    yield from _unmapped_lines(step)
    more = len(shown) - _SHOWN_DIFFERENCES + step.more_differences
    if more > 0:
        yield f"           … and {more} more differences"


def _unmapped_lines(step: "StepRow") -> Iterator[str]:
    for one in step.differences:
        if one.why.startswith("unmapped"):
            yield f"           {visible(one.where)}: {visible(one.recorded)} {visible(one.why)}"


def _difference(one: "Difference") -> str:
    return visible(f"{one.where}: {one.recorded} → {one.live}")


def _advice(report: "Report", state: str) -> Iterator[str]:
    row, counts = report.replay, report.counts
    if state not in ("finished", "cancelled", "running"):
        yield f"Go on with: entrepot replay --resume {row.id}"
    if state == "finished" and counts.failed:
        yield f"Send failed steps again with: entrepot replay --resume {row.id} --retry-failed"
    if state == "finished" and counts.unknown:
        yield f"Send unknown steps again (it may double them): entrepot replay --resume {row.id} --retry-unknown"


def _size(number: int) -> str:
    amount = float(number)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
