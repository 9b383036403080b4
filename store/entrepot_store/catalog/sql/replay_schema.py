"""The tables of replays, as SQLAlchemy models. They live in SQL only: no vault holds them and no rebuild touches them.

Steps name their exchange without a foreign key: a plan outlives what retention or a rebuild does to the index, and a
step whose exchange is gone says so when its turn comes.
"""

from uuid import UUID

from sqlalchemy import Index, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from .schema import Base


class Replay(Base):
    """One replay. `selection`, `options` and `plan` are JSON objects, as text."""

    __tablename__ = "replays"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[int]
    destination: Mapped[str]
    target: Mapped[str]
    state: Mapped[str]
    wanted: Mapped[str]
    selection: Mapped[str]
    options: Mapped[str]
    plan: Mapped[str]
    runs: Mapped[int]
    started_at: Mapped[int | None]
    ended_at: Mapped[int | None]
    reason: Mapped[str]
    lease_owner: Mapped[str | None]
    lease_expires_at: Mapped[int | None]


class ReplayStep(Base):
    """One step. `differences` is a JSON list, as text; empty when there are none."""

    __tablename__ = "replay_steps"
    __table_args__ = (
        # Counts and listings by verdict read this index alone; next pending steps are found by the primary key.
        Index(None, "replay_id", "state", "verdict", "seq"),
        {"sqlite_with_rowid": False},
    )

    replay_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    exchange_id: Mapped[UUID]
    method: Mapped[str]
    path: Mapped[str]
    recorded_status: Mapped[int | None] = mapped_column(Integer)
    size: Mapped[int]
    state: Mapped[str]
    verdict: Mapped[str | None]
    attempts: Mapped[int]
    unknown_attempts: Mapped[int]
    sent: Mapped[bool]
    sent_at: Mapped[int | None]
    duration_us: Mapped[int | None]
    live_status: Mapped[int | None] = mapped_column(Integer)
    reason: Mapped[str]
    differences: Mapped[str]
    more_differences: Mapped[int]
    flow: Mapped[str]


class ReplayValue(Base):
    """One entry of a replay's id map. `key` is a digest of role and recorded text, which no index need hold whole."""

    __tablename__ = "replay_values"
    __table_args__ = ({"sqlite_with_rowid": False},)

    replay_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    role: Mapped[str]
    recorded: Mapped[str]
    live: Mapped[str | None]
    step: Mapped[int | None]
    place: Mapped[str]
    edited: Mapped[bool]
