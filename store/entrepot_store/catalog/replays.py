"""The ReplayStore port: the durable state of replays. `sql.replays.SqlReplayStore` is the implementation.

A replay is a plan (its steps, in order) and the story of its runs. The promise everything else rests on: a step's
intent (`SENDING`) is durable before its first byte goes out, and its outcome is stored after, so a crash leaves steps
whose outcome is unknown and says which, and never a step that was sent and looks as if it was not.

One runner at a time: a lease names its owner and when it runs out. Every write a runner makes is fenced by the lease in
the same transaction, so a runner that lost it can store no further intent, and therefore sends nothing further.
What is recorded never changes here; these rows live in SQL only and are not part of what can be rebuilt from the vault.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from .replay_checks import CheckStore
from .rows import ExchangeRow, Page


class ReplayState(StrEnum):
    """Where a replay is. `RUNNING` with a lease that has run out means that its runner died."""

    PLANNING = "planning"
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class Wanted(StrEnum):
    """What an operator asks of a running replay; its runner obeys at its next write."""

    RUN = "run"
    PAUSE = "pause"
    CANCEL = "cancel"


class StepState(StrEnum):
    """`PENDING` was not sent (or may be sent again), `SENDING` has an intent and no outcome yet."""

    PENDING = "pending"
    SENDING = "sending"
    DONE = "done"
    SKIPPED = "skipped"


class Verdict(StrEnum):
    """What came of a step. `EQUIVALENT`: every difference is accounted for, by a value that the target made anew or by
    noise. `UNKNOWN`: no outcome is known, or too little was recorded to compare with."""

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(slots=True, frozen=True)
class Lease:
    """Who runs a replay. `owner` is opaque here; `expires_at` is microseconds by the database's clock."""

    owner: str
    expires_at: int
    live: bool = True
    """Not yet run out when the row was read."""


@dataclass(slots=True, frozen=True)
class ReplayRow:
    """One replay. `selection`, `options` and `plan` are JSON objects that `entrepot_replay` makes and reads: what was
    asked for, how to send, and what planning found (totals, skips by reason, warnings). No secret is in any of them."""

    id: UUID
    created_at: int
    destination: str
    target: str
    state: ReplayState = ReplayState.PLANNING
    wanted: Wanted = Wanted.RUN
    selection: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    runs: int = 0
    """How often a runner took it."""
    started_at: int | None = None
    ended_at: int | None = None
    reason: str = ""
    """Why its last run ended, when it did not simply come to the end of the plan."""
    lease: Lease | None = None

    @property
    def interrupted(self) -> bool:
        """Its runner died: it runs by its state, and nobody holds it."""
        return self.state is ReplayState.RUNNING and (self.lease is None or not self.lease.live)


@dataclass(slots=True, frozen=True)
class Difference:
    """One way in which the live answer is not the recorded one. `decisive` ones make the verdict `different`; the
    others are worth a look. `where` is `status`, `header location` or a JSONPath into the body (`$.items[0].id`).
    `why` accounts for one that is not decisive (`made anew: uuid`); empty for one that never decides."""

    where: str
    recorded: str
    live: str
    decisive: bool = True
    why: str = ""


@dataclass(slots=True, frozen=True)
class Value:
    """One entry of a replay's id map: a value that the lost service made, and what stands in its place now.

    `role` is what it is the id of, empty for a value that is recognised by its text alone. `live` is None while a
    request needed the value and no answer had brought it. `step` and `where` tell who made it, or, where `live` is
    None, who needed it. `edited`: an operator set it, and no answer changes it.
    """

    role: str
    recorded: str
    live: str | None
    step: int | None = None
    where: str = ""
    edited: bool = False


@dataclass(slots=True, frozen=True)
class StepRow:
    """One step: one captured exchange to be sent (or, skipped, one write that will not be, and why).

    `path` is path and query as text, `recorded_status` and `size` (bytes of the request's body) are the recording's.
    `attempts` counts intents; `unknown_attempts` those of them whose outcome nobody knows, so that a step sent again
    says so. `sent` tells whether the last attempt may have reached the target.
    """

    seq: int
    exchange: UUID
    method: str
    path: str
    recorded_status: int | None
    size: int
    state: StepState = StepState.PENDING
    verdict: Verdict | None = None
    attempts: int = 0
    unknown_attempts: int = 0
    sent: bool = False
    sent_at: int | None = None
    duration_us: int | None = None
    live_status: int | None = None
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    more_differences: int = 0
    """Differences beyond the bounded number kept."""
    flow: str = ""
    """Which values it makes and uses and what it comes after, as JSON that `entrepot_replay.flow` makes and reads."""


@dataclass(slots=True, frozen=True)
class Outcome:
    """What came of one attempt. `state` DONE ends the step; PENDING puts it back, to be sent again.

    `unknown` says that this attempt may or may not have had its effect at the target: it is counted for good.
    """

    seq: int
    state: StepState
    verdict: Verdict | None
    sent: bool
    sent_at: int | None = None
    duration_us: int | None = None
    live_status: int | None = None
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    more_differences: int = 0
    unknown: bool = False
    values: tuple[Value, ...] = ()
    """What the answer taught the id map."""


@dataclass(slots=True, frozen=True)
class Settled:
    """What a new run did with what earlier runs left behind, as numbers of steps."""

    unknown_retried: int = 0
    unknown_left: int = 0
    failed_retried: int = 0


@dataclass(slots=True, frozen=True)
class StepCounts:
    """Steps by state and verdict."""

    pending: int = 0
    sending: int = 0
    identical: int = 0
    equivalent: int = 0
    different: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0

    @property
    def planned(self) -> int:
        """Steps that are to be sent; skipped ones are not."""
        return self.pending + self.sending + self.done

    @property
    def done(self) -> int:
        return self.identical + self.equivalent + self.different + self.failed + self.unknown


class ReplayStore(CheckStore, Protocol):
    """Where replays are kept. Synchronous, safe to use from several threads, may raise CatalogUnavailable anywhere."""

    # Planning

    def create(self, replay: ReplayRow) -> None: ...

    def add_steps(self, replay: UUID, steps: Sequence[StepRow]) -> None:
        """Appends steps to a replay in PLANNING; their `seq` are ascending and new."""
        ...

    def planned(self, replay: UUID, plan: Mapping[str, Any]) -> ReplayRow:
        """Ends planning: stores the plan's summary and makes the replay startable."""
        ...

    def discard(self, replay: UUID) -> None:
        """Removes a replay whose planning failed. Does nothing to one that is planned."""
        ...

    # Reading

    def get(self, replay: UUID) -> ReplayRow:
        """Raises NotFound."""
        ...

    def replays(self, *, limit: int = 100, cursor: str | None = None) -> Page[ReplayRow]:
        """Newest first. Raises BadInput for a foreign cursor."""
        ...

    def steps(
        self,
        replay: UUID,
        *,
        states: Collection[StepState] = (),
        verdicts: Collection[Verdict] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[StepRow]:
        """In order of `seq`; empty collections mean any. Raises NotFound; BadInput for a foreign cursor."""
        ...

    def counts(self, replay: UUID) -> StepCounts: ...

    def due(self, replay: UUID, *, after: int, limit: int) -> list[tuple[StepRow, ExchangeRow | None]]:
        """The next pending steps behind `after`, with their exchanges (None: no longer in the catalog)."""
        ...

    def values(
        self, replay: UUID, *, unmapped: bool | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Value]:
        """The id map, or only its unmapped (or mapped) entries. Raises NotFound; BadInput for a foreign cursor."""
        ...

    def set_values(self, replay: UUID, values: Sequence[Value]) -> None:
        """Puts entries into the id map, over those that are there. Raises NotFound; Busy while the replay runs."""
        ...

    # Running

    def acquire(self, replay: UUID, owner: str, ttl_us: int, *, dead: str | None = None) -> ReplayRow:
        """Takes the lease and sets the replay RUNNING. Raises Busy if somebody else holds it, unless it has run out
        or its owner is `dead`, whom the caller has seen to be gone; BadInput if the plan is not finished."""
        ...

    def settle(
        self, replay: UUID, owner: str, *, retry_methods: Collection[str], retry_unknown: bool, retry_failed: bool
    ) -> Settled:
        """Deals with what earlier runs left behind, before a run sends anything.

        Steps found SENDING become pending again if their method is one of `retry_methods` or `retry_unknown` is given,
        else DONE and `UNKNOWN`; either way the attempt is counted as unknown. The same rule decides about steps that
        ended unknown because their outcome is not known, and about pending ones that have an unknown attempt. Failed
        steps that never reached the target become pending; with `retry_failed` all failed ones do.
        Raises Busy if the lease is lost."""
        ...

    def advance(
        self, replay: UUID, owner: str, ttl_us: int, *, outcomes: Sequence[Outcome] = (), intents: Sequence[int] = ()
    ) -> Wanted:
        """Stores outcomes and intents (`seq`s about to be sent), and renews the lease: one durable transaction.

        Returns what is wanted of the run. When that is not RUN no intent was stored: nothing may be sent.
        Raises Busy if the lease is lost; nothing was stored then."""
        ...

    def release(self, replay: UUID, owner: str, state: ReplayState, reason: str = "") -> ReplayRow:
        """Ends the run: gives the lease up and says where the replay is now. Raises Busy if the lease is lost."""
        ...

    # Operating

    def ask(self, replay: UUID, wanted: Wanted, *, dead: str | None = None) -> ReplayRow:
        """Asks a running replay to pause or cancel. One that nobody runs, or only an owner that is `dead`, becomes
        CANCELLED at once (a finished one stays as it is). Raises NotFound; BadInput if there is nothing to pause."""
        ...
