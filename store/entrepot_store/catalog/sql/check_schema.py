"""The tables of verification after a replay. Like the replays themselves they live in SQL only."""

from uuid import UUID

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from .schema import Base


class ReplayVerification(Base):
    """The verification of one replay. `id` tells a later one from the one whose place it took."""

    __tablename__ = "replay_verifications"

    replay_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    as_of: Mapped[int]
    expected: Mapped[int]
    started_at: Mapped[int]
    ended_at: Mapped[int | None]
    reason: Mapped[str]


class ReplayCheck(Base):
    """One document's check. `differences` is a JSON list, as text; empty when there are none."""

    __tablename__ = "replay_checks"
    __table_args__ = (
        Index(None, "replay_id", "result", "number"),
        {"sqlite_with_rowid": False},
    )

    replay_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]
    result: Mapped[str]
    place: Mapped[str]
    asked: Mapped[str]
    evidence: Mapped[str]
    exchange_id: Mapped[UUID | None]
    at: Mapped[int | None]
    recorded_status: Mapped[int | None] = mapped_column(Integer)
    live_status: Mapped[int | None] = mapped_column(Integer)
    reason: Mapped[str]
    differences: Mapped[str]
    more_differences: Mapped[int]
