"""How the steps of a replay change: intents before sending, outcomes after, and what a new run does with what is left.

The caller's transaction holds the lease (`replays`). States and their meaning are in `catalog.replays`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, literal, not_, or_, update

from ..replays import Outcome, Settled, StepState, Verdict
from .bulk import change_rows
from .replay_records import outcome_parameters
from .replay_schema import ReplayStep

_LEFT_BEHIND = "the run that sent it ended before its outcome was known"

_OUTCOME = (
    update(ReplayStep)
    .where(
        ReplayStep.replay_id == bindparam("in_replay"),
        ReplayStep.seq == bindparam("at_seq"),
        ReplayStep.state == StepState.SENDING.value,
    )
    .values(
        state=bindparam("new_state"),
        verdict=bindparam("new_verdict"),
        sent=bindparam("new_sent"),
        sent_at=bindparam("new_sent_at"),
        duration_us=bindparam("new_duration_us"),
        live_status=bindparam("new_live_status"),
        reason=bindparam("new_reason"),
        differences=bindparam("new_differences"),
        more_differences=bindparam("new_more_differences"),
        unknown_attempts=ReplayStep.unknown_attempts + bindparam("was_unknown"),
    )
)
"""Applies to a step that is out, so that storing it again (the commit's answer was lost) counts nothing twice."""

_INTENT = (
    update(ReplayStep)
    .where(
        ReplayStep.replay_id == bindparam("in_replay"),
        ReplayStep.seq == bindparam("at_seq"),
        ReplayStep.state == StepState.PENDING.value,
    )
    .values(state=StepState.SENDING.value, attempts=ReplayStep.attempts + 1)
)


def store_outcomes(connection: Connection, replay: UUID, outcomes: Sequence[Outcome]) -> None:
    if outcomes:
        change_rows(connection, _OUTCOME, [outcome_parameters(replay, outcome) for outcome in outcomes])


def store_intents(connection: Connection, replay: UUID, intents: Sequence[int]) -> None:
    if intents:
        change_rows(connection, _INTENT, [{"in_replay": replay, "at_seq": seq} for seq in intents])


def settle(
    connection: Connection,
    replay: UUID,
    *,
    retry_methods: Collection[str],
    retry_unknown: bool,
    retry_failed: bool,
) -> Settled:
    """As `ReplayStore.settle`."""
    step = ReplayStep
    of_replay = step.replay_id == replay
    may_repeat = literal(True) if retry_unknown else func.upper(step.method).in_(sorted(retry_methods))
    waiting = and_(of_replay, step.state == StepState.PENDING.value)
    left = and_(of_replay, step.state == StepState.SENDING.value)
    ended = and_(of_replay, step.state == StepState.DONE.value)
    unknown = and_(ended, step.verdict == Verdict.UNKNOWN.value, step.live_status.is_(None))
    failed = and_(ended, step.verdict == Verdict.FAILED.value)
    if not retry_failed:
        # A last attempt that never left says nothing of an earlier one that may have had its effect.
        failed = and_(failed, step.sent.is_(False), or_(step.unknown_attempts == 0, may_repeat))
    again = {"state": StepState.PENDING.value, "verdict": None, "differences": "", "more_differences": 0}
    counted = {"unknown_attempts": step.unknown_attempts + 1, "sent": True, "reason": _LEFT_BEHIND}

    def changed(where: ColumnElement[bool], values: Mapping[str, Any]) -> int:
        return connection.execute(update(step).where(where).values(**values)).rowcount

    given_up = {"state": StepState.DONE.value, "verdict": Verdict.UNKNOWN.value}
    doubtful = and_(waiting, step.unknown_attempts > 0, not_(may_repeat))  # an earlier run was asked to retry it
    return Settled(
        unknown_retried=changed(and_(left, may_repeat), again | counted) + changed(and_(unknown, may_repeat), again),
        unknown_left=changed(left, counted | given_up) + changed(doubtful, given_up),
        failed_retried=changed(failed, again | {"live_status": None}),
    )
