"""A replay, its steps and its report as JSON. The field names are an interface: programs of our users read them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from pydantic import Field

from entrepot_replay.flow import Flow
from entrepot_replay.flow.analysis import SECRET
from entrepot_replay.lease import is_interrupted
from entrepot_replay.report import Report
from entrepot_store.catalog.replays import ReplayRow, StepCounts, StepRow, Value
from entrepot_store.clock import to_rfc3339

from .base import Moment, View
from .replay_checks import CheckView, VerificationView, check_view, verification_view
from .replay_difference import DifferenceView as DifferenceView  # noqa: PLC0414 - also found here
from .replay_difference import difference_view


class CountsView(View):
    """Steps by what came of them. `pending` were not sent; `sending` are under way, or were when the run was killed."""

    pending: int = Field(ge=0)
    sending: int = Field(ge=0)
    identical: int = Field(ge=0)
    equivalent: int = Field(ge=0, description="A value made anew, or noise, accounts for every difference.")
    different: int = Field(ge=0)
    failed: int = Field(ge=0)
    unknown: int = Field(ge=0)
    skipped: int = Field(ge=0, description="Recorded writes that are not sent; each is listed with its reason.")


class ReplayView(View):
    """One replay: its plan, and how far it is."""

    id: UUID
    created_at: Moment
    to: str
    target: str
    state: str = Field(
        description="planning, planned, running, paused, stopped, cancelled, finished; interrupted: its runner died."
    )
    reason: str = Field(description="Why the last run ended, unless the plan was at its end.")
    selection: dict[str, Any] = Field(description="What was asked for.")
    options: dict[str, Any] = Field(description="How it is sent.")
    plan: dict[str, Any] = Field(
        description="Number of steps, their bytes and methods, what is skipped and why, warnings, secrets needed."
    )
    counts: CountsView
    runs: int = Field(ge=0)
    started_at: Moment | None
    ended_at: Moment | None


class StepView(View):
    """One step of a plan. `attempts` counts its tries, `unknown_attempts` those of them without a known outcome."""

    seq: int
    exchange: UUID
    method: str
    path: str
    recorded_status: int | None
    live_status: int | None
    size: int = Field(ge=0, description="Bytes of the recorded request body.")
    state: str
    verdict: str | None
    reason: str
    differences: list[DifferenceView]
    more_differences: int = Field(ge=0)
    attempts: int = Field(ge=0)
    unknown_attempts: int = Field(ge=0)
    sent: bool = Field(description="The last attempt may have reached the target.")
    sent_at: Moment | None
    duration_ms: float | None


class ReportView(View):
    """How a replay went. `exit_code` is 0 only when every planned step is identical and nothing recorded was lost."""

    replay: ReplayView
    exit_code: int
    not_identical: list[StepView] = Field(description="Failed and unknown steps first.")
    unlisted: int = Field(ge=0, description="Further steps that are not identical.")
    verification: VerificationView | None = Field(description="None if nobody looked since steps were last sent.")
    not_back: list[CheckView] = Field(description="Documents that are missing, differ, are extra or unknown.")
    unlisted_checks: int = Field(ge=0, description="Further documents that are not back.")


class ValueView(View):
    """One entry of an id map: what the lost service had made, and what stands in its place now."""

    role: str = Field(default="", description="What it is the id of; empty for a value told by its text alone.")
    recorded: str
    live: str | None = Field(description="null: a request needed it, and no answer has brought it.")
    step: int | None = Field(default=None, description="The step whose answer made it, or that needed it.")
    where: str = Field(default="", description="The place in that answer, or in that request.")
    edited: bool = Field(default=False, description="Set by a person; no answer changes it.")


class FlowUseView(View):
    """A value in a step's request that another step's answer brought into the world."""

    where: str
    role: str
    recorded: str | None = Field(description="null for a secret.")
    made_by: int | None = Field(description="The step that made it; null: made before the plan.")
    made_at: str


class FlowStepView(View):
    """One step of the graph."""

    seq: int
    exchange: UUID
    method: str
    path: str
    state: str
    reason: str
    probe: bool = Field(description="A read whose answer others need.")
    after: list[int] | None = Field(description="Steps it waits for; null: all before it.")
    uses: list[FlowUseView]


class ExplainedView(View):
    """A plan with its graph."""

    replay: ReplayView
    steps: list[FlowStepView]


def value_view(value: Value) -> ValueView:
    return ValueView(
        role=value.role,
        recorded=value.recorded,
        live=value.live,
        step=value.step,
        where=value.where,
        edited=value.edited,
    )


def flow_view(step: StepRow) -> FlowStepView:
    flow = Flow.load(step.flow)
    return FlowStepView(
        seq=step.seq,
        exchange=step.exchange,
        method=step.method,
        path=step.path,
        state=step.state.value,
        reason=step.reason,
        probe=flow.probe,
        after=None if flow.barrier else list(flow.after),
        uses=[
            FlowUseView(
                where=use.where,
                role=use.key.role,
                recorded=None if use.key.role == SECRET else use.key.text,
                made_by=use.made_by,
                made_at=use.made_at,
            )
            for use in flow.uses
        ],
    )


def explained_view(row: ReplayRow, counts: StepCounts, steps: Iterable[StepRow]) -> ExplainedView:
    return ExplainedView(replay=replay_view(row, counts), steps=[flow_view(step) for step in steps])


def state_text(row: ReplayRow) -> str:
    """Its state, or that its runner died."""
    return "interrupted" if is_interrupted(row) else row.state.value


def replay_view(row: ReplayRow, counts: StepCounts) -> ReplayView:
    return ReplayView(
        id=row.id,
        created_at=to_rfc3339(row.created_at),
        to=row.destination,
        target=row.target,
        state=state_text(row),
        reason=row.reason,
        selection=dict(row.selection),
        options=dict(row.options),
        plan=dict(row.plan),
        counts=CountsView(
            pending=counts.pending,
            sending=counts.sending,
            identical=counts.identical,
            equivalent=counts.equivalent,
            different=counts.different,
            failed=counts.failed,
            unknown=counts.unknown,
            skipped=counts.skipped,
        ),
        runs=row.runs,
        started_at=None if row.started_at is None else to_rfc3339(row.started_at),
        ended_at=None if row.ended_at is None else to_rfc3339(row.ended_at),
    )


def step_view(row: StepRow) -> StepView:
    return StepView(
        seq=row.seq,
        exchange=row.exchange,
        method=row.method,
        path=row.path,
        recorded_status=row.recorded_status,
        live_status=row.live_status,
        size=row.size,
        state=row.state.value,
        verdict=None if row.verdict is None else row.verdict.value,
        reason=row.reason,
        differences=[difference_view(one) for one in row.differences],
        more_differences=row.more_differences,
        attempts=row.attempts,
        unknown_attempts=row.unknown_attempts,
        sent=row.sent,
        sent_at=None if row.sent_at is None else to_rfc3339(row.sent_at),
        duration_ms=None if row.duration_us is None else row.duration_us / 1000,
    )


def report_view(report: Report) -> ReportView:
    return ReportView(
        replay=replay_view(report.replay, report.counts),
        exit_code=report.exit_code,
        not_identical=[step_view(row) for row in report.steps],
        unlisted=report.unlisted,
        verification=None if report.verification is None else verification_view(report.verification),
        not_back=[check_view(row) for row in report.checks],
        unlisted_checks=report.unlisted_checks,
    )
