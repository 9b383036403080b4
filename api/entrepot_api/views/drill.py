"""A drill as JSON."""

from uuid import UUID

from pydantic import Field

from entrepot_replay.lease import is_dead
from entrepot_store.catalog.drills import DrillRow, DrillState
from entrepot_store.clock import to_rfc3339

from .base import Moment, View


class DrillView(View):
    """A rehearsal of a restoration, and what came of it."""

    id: UUID
    to: str
    target: str
    state: str = Field(description="running, passed, failed or interrupted.")
    exit_code: int | None
    error: str
    started_at: Moment
    ready_at: Moment | None = Field(description="When the empty copy took requests.")
    rebuilt_at: Moment | None = Field(description="When everything was sent.")
    ended_at: Moment | None
    recovery_seconds: float | None = Field(description="From the beginning until everything was sent.")
    as_of: Moment | None = Field(description="The moment whose state was looked for.")
    steps: dict[str, int] = Field(description="Steps of the replay by verdict.")
    documents: dict[str, int] = Field(description="Documents by what the verification found.")
    share_back: float | None = Field(description="Share of the documents that are back, 0 to 1.")
    replay: UUID | None
    log: str = Field(description="Where the product's output is, on the machine that ran it.")


def drill_view(row: DrillRow) -> DrillView:
    """One that runs no more, because its process was killed, is interrupted."""
    killed = row.state is DrillState.RUNNING and is_dead(row.owner)
    return DrillView(
        id=row.id,
        to=row.destination,
        target=row.target,
        state=(DrillState.INTERRUPTED if killed else row.state).value,
        exit_code=row.exit_code,
        error="its process was killed" if killed else row.error,
        started_at=to_rfc3339(row.started_at),
        ready_at=_moment(row.ready_at),
        rebuilt_at=_moment(row.rebuilt_at),
        ended_at=_moment(row.ended_at),
        recovery_seconds=row.recovery_seconds,
        as_of=_moment(row.as_of),
        steps=dict(row.steps),
        documents=dict(row.documents),
        share_back=row.share_back,
        replay=row.replay,
        log=row.log,
    )


def _moment(at: int | None) -> str | None:
    return None if at is None else to_rfc3339(at)
