"""What verification after a replay found, document by document: the rows, and the CheckStore part of the ReplayStore
port. `sql.replay_checks` is the implementation; `entrepot_replay.verify` makes the rows.

A replay has one verification at most, its latest. Beginning one forgets the one before, whose runner, if there still is
one, is refused from then on. A run that has something to send forgets it too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from .rows import Page

if TYPE_CHECKING:  # that module builds its port upon this one's
    from .replays import Difference


class CheckResult(StrEnum):
    """What became of one document. `EXTRA`: it is there and should not be. `UNKNOWN`: it could not be told."""

    RESTORED = "restored"
    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"
    UNKNOWN = "unknown"


@dataclass(slots=True, frozen=True)
class CheckRow:
    """One document, or one item of a list (`place` is its JSONPath then, empty for the whole document).

    `path` is path and query as recorded, `asked` what the target was asked for (empty: nothing was asked). `evidence`
    says in a few words what the document was expected to be from; `exchange` and `at` (microseconds) are that evidence.
    """

    number: int
    path: str
    result: CheckResult
    place: str = ""
    asked: str = ""
    evidence: str = ""
    exchange: UUID | None = None
    at: int | None = None
    recorded_status: int | None = None
    live_status: int | None = None
    reason: str = ""
    differences: "tuple[Difference, ...]" = ()
    more_differences: int = 0


@dataclass(slots=True, frozen=True)
class CheckCounts:
    """Checks by result."""

    restored: int = 0
    differs: int = 0
    missing: int = 0
    extra: int = 0
    unknown: int = 0

    @property
    def not_back(self) -> int:
        return self.differs + self.missing + self.extra + self.unknown

    @property
    def total(self) -> int:
        return self.restored + self.not_back


@dataclass(slots=True, frozen=True)
class VerificationRow:
    """One verification. `as_of` is the moment whose state was looked for; `expected` the number of documents asked for
    (items of lists are checks beyond it). `reason` says why it ended early; times are microseconds since the epoch."""

    id: UUID
    replay: UUID
    as_of: int
    expected: int
    started_at: int
    ended_at: int | None = None
    reason: str = ""
    counts: CheckCounts = field(default_factory=CheckCounts)

    @property
    def complete(self) -> bool:
        """It came to its end; a killed one has none."""
        return self.ended_at is not None and not self.reason


class CheckStore(Protocol):
    """Where checks are kept. Raises as ReplayStore does."""

    def begin_verification(self, verification: VerificationRow) -> None:
        """Forgets the replay's former verification. Raises NotFound if there is no such replay."""
        ...

    def add_checks(self, verification: VerificationRow, checks: Sequence[CheckRow]) -> None:
        """Raises Busy if another verification of the replay began meanwhile; nothing was stored then."""
        ...

    def end_verification(self, verification: VerificationRow, reason: str = "") -> None:
        """Raises Busy as above."""
        ...

    def verification(self, replay: UUID) -> VerificationRow | None:
        """The replay's verification with its counts; None if there was none."""
        ...

    def checks(
        self, replay: UUID, *, results: Collection[CheckResult] = (), limit: int = 100, cursor: str | None = None
    ) -> Page[CheckRow]:
        """In order of `number`; no results mean any. Raises NotFound; BadInput for a foreign cursor."""
        ...
