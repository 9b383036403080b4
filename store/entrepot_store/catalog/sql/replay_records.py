"""Between the rows of replays (`catalog.replays`) and the columns of their tables."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select

from ..replays import (
    Difference,
    Lease,
    Outcome,
    ReplayRow,
    ReplayState,
    StepCounts,
    StepRow,
    StepState,
    Verdict,
    Wanted,
)
from .replay_schema import Replay, ReplayStep

type Columns = dict[str, Any]

STEP_COLUMNS = tuple(column for column in ReplayStep.__table__.c if column.name != "replay_id")
"""In the order of `StepRow`'s fields, which `step_row` relies on."""


def dump(value: Mapping[str, Any] | Collection[Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) if value else ""


def replay_columns(row: ReplayRow) -> Columns:
    return {
        "id": row.id,
        "created_at": row.created_at,
        "destination": row.destination,
        "target": row.target,
        "state": row.state.value,
        "wanted": row.wanted.value,
        "selection": dump(row.selection),
        "options": dump(row.options),
        "plan": dump(row.plan),
        "runs": row.runs,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "reason": row.reason,
        "lease_owner": None,
        "lease_expires_at": None,
    }


def select_replays(now: ColumnElement[int]) -> Select[Any]:
    """All columns a ReplayRow needs, and the database's time behind them."""
    return select(*Replay.__table__.c, now.label("now"))


def replay_row(found: Row[Any]) -> ReplayRow:
    lease = None
    if found.lease_owner is not None:
        lease = Lease(found.lease_owner, found.lease_expires_at, live=found.lease_expires_at > found.now)
    return ReplayRow(
        id=found.id,
        created_at=found.created_at,
        destination=found.destination,
        target=found.target,
        state=ReplayState(found.state),
        wanted=Wanted(found.wanted),
        selection=json.loads(found.selection or "{}"),
        options=json.loads(found.options or "{}"),
        plan=json.loads(found.plan or "{}"),
        runs=found.runs,
        started_at=found.started_at,
        ended_at=found.ended_at,
        reason=found.reason,
        lease=lease,
    )


def step_columns(replay: UUID, row: StepRow) -> Columns:
    return {
        "replay_id": replay,
        "seq": row.seq,
        "exchange_id": row.exchange,
        "method": row.method,
        "path": row.path,
        "recorded_status": row.recorded_status,
        "size": row.size,
        "state": row.state.value,
        "verdict": None if row.verdict is None else row.verdict.value,
        "attempts": row.attempts,
        "unknown_attempts": row.unknown_attempts,
        "sent": row.sent,
        "sent_at": row.sent_at,
        "duration_us": row.duration_us,
        "live_status": row.live_status,
        "reason": row.reason,
        "differences": dump_differences(row.differences),
        "more_differences": row.more_differences,
        "flow": row.flow,
    }


def step_row(values: Iterable[Any]) -> StepRow:
    """Takes the values of STEP_COLUMNS."""
    row = StepRow(*values)
    return StepRow(
        *(row.seq, row.exchange, row.method, row.path, row.recorded_status, row.size),
        state=StepState(row.state),
        verdict=None if row.verdict is None else Verdict(row.verdict),
        attempts=row.attempts,
        unknown_attempts=row.unknown_attempts,
        sent=row.sent,
        sent_at=row.sent_at,
        duration_us=row.duration_us,
        live_status=row.live_status,
        reason=row.reason,
        differences=load_differences(str(row.differences)),
        more_differences=row.more_differences,
        flow=row.flow,
    )


def outcome_parameters(replay: UUID, outcome: Outcome) -> Columns:
    """Named so that none is a column's name, as SQLAlchemy wants it of an UPDATE's bound values."""
    return {
        "in_replay": replay,
        "at_seq": outcome.seq,
        "new_state": outcome.state.value,
        "new_verdict": None if outcome.verdict is None else outcome.verdict.value,
        "new_sent": outcome.sent,
        "new_sent_at": outcome.sent_at,
        "new_duration_us": outcome.duration_us,
        "new_live_status": outcome.live_status,
        "new_reason": outcome.reason,
        "new_differences": dump_differences(outcome.differences),
        "new_more_differences": outcome.more_differences,
        "was_unknown": int(outcome.unknown),
    }


def dump_differences(differences: tuple[Difference, ...]) -> str:
    return dump([(one.where, one.recorded, one.live, one.decisive, one.why) for one in differences])


def load_differences(text: str) -> tuple[Difference, ...]:
    return tuple(Difference(*one) for one in json.loads(text)) if text else ()


def step_counts(groups: Iterable[tuple[str, str | None, int]]) -> StepCounts:
    """Out of (state, verdict, number)."""
    return StepCounts(**{verdict or state: number for state, verdict, number in groups})
