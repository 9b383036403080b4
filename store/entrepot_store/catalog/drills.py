"""Drills: rehearsals of a product's restoration, and the DrillCatalog port. `sql.drills.SqlDrills` implements it;
`entrepot_replay.drill` carries drills out.

They answer "can we restore it?" with a date. Like replays they live in SQL only; a drill outlives the replay it was
made of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from .rows import Page


class DrillState(StrEnum):
    """`PASSED`: everything is back and verified (exit code 0). `FAILED`: anything else that came to an end.
    `INTERRUPTED`: a person or a signal ended it, so it says nothing of the product."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(slots=True, frozen=True, kw_only=True)
class DrillRow:
    """One drill. Times are microseconds since the epoch.

    `owner` names the process at work as a replay's lease does. `ready_at` is when the empty copy took requests,
    `rebuilt_at` when everything was sent; `as_of` is the moment whose state was looked for. `steps` counts the replay's
    steps by verdict, `documents` what the verification found; empty where it did not come to that.
    """

    id: UUID
    destination: str
    target: str
    owner: str
    started_at: int
    state: DrillState = DrillState.RUNNING
    replay: UUID | None = None
    as_of: int | None = None
    ready_at: int | None = None
    rebuilt_at: int | None = None
    ended_at: int | None = None
    steps: Mapping[str, int] = field(default_factory=dict)
    documents: Mapping[str, int] = field(default_factory=dict)
    exit_code: int | None = None
    error: str = ""
    log: str = ""

    @property
    def recovery_seconds(self) -> float | None:
        """From the beginning, planning and the product's own start included, until everything was sent."""
        return None if self.rebuilt_at is None else (self.rebuilt_at - self.started_at) / 1_000_000

    @property
    def share_back(self) -> float | None:
        """The share of the documents looked for that are back, 0 to 1; None if nothing was looked for."""
        total = sum(self.documents.values())
        return self.documents.get("restored", 0) / total if total else None


@dataclass(slots=True, frozen=True)
class DrillStanding:
    """How a product that was drilled stands. `last` has ended; `running` began after it. `first_at` is when the first
    drill began."""

    destination: str
    first_at: int
    last: DrillRow | None
    last_good: DrillRow | None
    running: DrillRow | None

    @property
    def good_since(self) -> int:
        """What its age is counted from: the last good drill; before there is one, the first."""
        return self.last_good.started_at if self.last_good is not None else self.first_at


class DrillCatalog(Protocol):
    """Where drills are kept. Raises as Catalog does; safe to use from several threads."""

    def put(self, drill: DrillRow) -> None:
        """Adds a drill, or replaces what was known of it."""
        ...

    def drills(self, destination: str | None = None, *, limit: int = 100, cursor: str | None = None) -> Page[DrillRow]:
        """Newest first. Raises BadInput for a foreign cursor."""
        ...

    def running(self, destination: str) -> list[DrillRow]:
        """Those that did not end, be it that their process was killed."""
        ...

    def standings(self) -> list[DrillStanding]:
        """Every product that was ever drilled, by name."""
        ...
