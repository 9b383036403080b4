"""The table of drills. It lives in SQL only: no vault holds what came of a rehearsal."""

from uuid import UUID

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from .schema import Base


class Drill(Base):
    """One drill; `steps` and `documents` are JSON objects of counts, as text."""

    __tablename__ = "drills"
    __table_args__ = (Index(None, "destination", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    destination: Mapped[str]
    target: Mapped[str]
    owner: Mapped[str]
    started_at: Mapped[int]
    state: Mapped[str]
    replay: Mapped[UUID | None]
    as_of: Mapped[int | None]
    ready_at: Mapped[int | None]
    rebuilt_at: Mapped[int | None]
    ended_at: Mapped[int | None]
    steps: Mapped[str]
    documents: Mapped[str]
    exit_code: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[str]
    log: Mapped[str]
