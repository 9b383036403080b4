"""The ReplayStore port on SQL, in the catalog's database.

Every write of a runner begins with the row that carries the lease: it is renewed, or the whole transaction is refused.
On PostgreSQL time is the server's, because runners are on several machines; on SQLite there is one machine.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Update,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from ...clock import Clock, SystemClock
from ...errors import BadInput, Busy, NotFound
from ..port import Catalog
from ..replays import (
    Outcome,
    ReplayRow,
    ReplayState,
    Settled,
    StepCounts,
    StepRow,
    StepState,
    Value,
    Verdict,
    Wanted,
)
from ..rows import ExchangeRow, Page
from .catalog import SqlCatalog
from .cursor import make_cursor, read_cursor
from .engine import Database
from .lookup import MAX_LIMIT
from .records import exchange_row, select_exchanges
from .replay_checks import SqlChecks, forget_verification
from .replay_records import (
    STEP_COLUMNS,
    dump,
    replay_columns,
    replay_row,
    select_replays,
    step_columns,
    step_counts,
    step_row,
)
from .replay_schema import Replay, ReplayStep, ReplayValue
from .replay_steps import settle, store_intents, store_outcomes
from .replay_values import select_values, store_values, value_of
from .schema import Exchange
from .types import Whole


class SqlReplayStore(SqlChecks):
    """Replays in the database of a SqlCatalog, which owns the connections."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._held = (
            update(Replay)
            .where(
                Replay.id == bindparam("the_replay"),
                Replay.lease_owner == bindparam("the_owner"),
                Replay.state == ReplayState.RUNNING.value,
            )
            .returning(Replay.wanted)
        )
        # Built once: this one runs with every step.
        self._renewed = self._held.values(lease_expires_at=self._time("the_now") + bindparam("the_ttl", type_=Whole))

    # Planning

    def create(self, replay: ReplayRow) -> None:
        with self._database.writing() as connection:
            connection.execute(insert(Replay).values(replay_columns(replay)))

    def add_steps(self, replay: UUID, steps: Sequence[StepRow]) -> None:
        with self._database.writing() as connection:
            connection.execute(insert(ReplayStep), [step_columns(replay, step) for step in steps])

    def planned(self, replay: UUID, plan: Mapping[str, Any]) -> ReplayRow:
        with self._database.writing() as connection:
            connection.execute(
                update(Replay)
                .where(Replay.id == replay, Replay.state == ReplayState.PLANNING.value)
                .values(state=ReplayState.PLANNED.value, plan=dump(plan))
            )
            return self._get(connection, replay)

    def discard(self, replay: UUID) -> None:
        with self._database.writing() as connection:
            planning = select(Replay.id).where(Replay.id == replay, Replay.state == ReplayState.PLANNING.value)
            if connection.execute(planning).first() is not None:
                connection.execute(delete(ReplayStep).where(ReplayStep.replay_id == replay))
                connection.execute(delete(Replay).where(Replay.id == replay))

    # Reading

    def get(self, replay: UUID) -> ReplayRow:
        with self._database.reading() as connection:
            return self._get(connection, replay)

    def replays(self, *, limit: int = 100, cursor: str | None = None) -> Page[ReplayRow]:
        _check_limit(limit)
        query = select_replays(self._now()).order_by(Replay.id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(Replay.id < read_cursor("replays", cursor))
        with self._database.reading() as connection:
            items = [replay_row(found) for found in connection.execute(query)]
        more = len(items) > limit
        return Page(items[:limit], make_cursor("replays", items[limit - 1].id) if more else None)

    def steps(
        self,
        replay: UUID,
        *,
        states: Collection[StepState] = (),
        verdicts: Collection[Verdict] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[StepRow]:
        _check_limit(limit)
        chosen = sorted(state.value for state in states), sorted(verdict.value for verdict in verdicts)
        listing = f"steps {replay} {chosen}"
        query = select(*STEP_COLUMNS).where(ReplayStep.replay_id == replay).order_by(ReplayStep.seq).limit(limit + 1)
        if states:
            query = query.where(ReplayStep.state.in_(chosen[0]))
        if verdicts:
            query = query.where(ReplayStep.verdict.in_(chosen[1]))
        if cursor is not None:
            query = query.where(ReplayStep.seq > read_cursor(listing, cursor).int)
        with self._database.reading() as connection:
            self._get(connection, replay)
            items = [step_row(found) for found in connection.execute(query)]
        more = len(items) > limit
        # A cursor holds 16 bytes, an id elsewhere and the position here.
        return Page(items[:limit], make_cursor(listing, UUID(int=items[limit - 1].seq)) if more else None)

    def counts(self, replay: UUID) -> StepCounts:
        query = (
            select(ReplayStep.state, ReplayStep.verdict, func.count())
            .where(ReplayStep.replay_id == replay)
            .group_by(ReplayStep.state, ReplayStep.verdict)
        )
        with self._database.reading() as connection:
            return step_counts((state, verdict, number) for state, verdict, number in connection.execute(query))

    def due(self, replay: UUID, *, after: int, limit: int) -> list[tuple[StepRow, ExchangeRow | None]]:
        query = (
            select(*STEP_COLUMNS)
            .where(
                ReplayStep.replay_id == replay,
                ReplayStep.seq > after,
                ReplayStep.state == StepState.PENDING.value,
            )
            .order_by(ReplayStep.seq)
            .limit(limit)
        )
        with self._database.reading() as connection:
            steps = [step_row(found) for found in connection.execute(query)]
            wanted = select_exchanges().where(Exchange.id.in_([step.exchange for step in steps]))
            exchanges = {row.id: row for row in map(exchange_row, connection.execute(wanted))} if steps else {}
        return [(step, exchanges.get(step.exchange)) for step in steps]

    def values(
        self, replay: UUID, *, unmapped: bool | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Value]:
        _check_limit(limit)
        listing = f"values {replay} {unmapped}"
        query = select_values(replay, unmapped).limit(limit + 1)
        if cursor is not None:
            query = query.where(ReplayValue.key > read_cursor(listing, cursor).bytes)
        with self._database.reading() as connection:
            self._get(connection, replay)
            found = connection.execute(query).all()
        items = [value_of(row) for row in found[:limit]]
        more = len(found) > limit
        return Page(items, make_cursor(listing, UUID(bytes=bytes(found[limit - 1].key))) if more else None)

    def set_values(self, replay: UUID, values: Sequence[Value]) -> None:
        with self._database.writing() as connection:
            row = self._get(connection, replay, lock=True)
            if row.lease is not None and row.lease.live:
                raise Busy(f"Replay {replay} is being run.", hint="Pause it, and edit its id map then.")
            store_values(connection, replay, values, edits=True)

    # Running

    def acquire(self, replay: UUID, owner: str, ttl_us: int, *, dead: str | None = None) -> ReplayRow:
        now = self._now()
        with self._database.writing() as connection:
            row = self._get(connection, replay, lock=True)
            if row.state is ReplayState.PLANNING:
                raise BadInput(f"The plan of replay {replay} is not finished.", hint="Plan again.")
            if row.state is ReplayState.CANCELLED:
                raise BadInput(f"Replay {replay} was cancelled.", hint="Plan a new one.")
            if row.lease is not None and row.lease.live and row.lease.owner != dead:
                raise Busy(f"Replay {replay} is being run by another process.", hint="Pause it there, or wait for it.")
            connection.execute(
                update(Replay)
                .where(Replay.id == replay)
                .values(
                    state=ReplayState.RUNNING.value,
                    wanted=Wanted.RUN.value,
                    runs=Replay.runs + 1,
                    started_at=func.coalesce(Replay.started_at, now),
                    ended_at=None,
                    reason="",
                    lease_owner=owner,
                    lease_expires_at=now + ttl_us,
                )
            )
            return self._get(connection, replay)

    def settle(
        self, replay: UUID, owner: str, *, retry_methods: Collection[str], retry_unknown: bool, retry_failed: bool
    ) -> Settled:
        with self._database.writing() as connection:
            self._fence(connection, replay, owner)
            settled = settle(
                connection, replay, retry_methods=retry_methods, retry_unknown=retry_unknown, retry_failed=retry_failed
            )
            pending = ReplayStep.replay_id == replay, ReplayStep.state == StepState.PENDING.value
            if connection.execute(select(ReplayStep.seq).where(*pending).limit(1)).first() is not None:
                forget_verification(connection, replay)
            return settled

    def advance(
        self, replay: UUID, owner: str, ttl_us: int, *, outcomes: Sequence[Outcome] = (), intents: Sequence[int] = ()
    ) -> Wanted:
        with self._database.writing() as connection:
            wanted = self._fence(connection, replay, owner, ttl_us)
            store_outcomes(connection, replay, outcomes)
            store_values(connection, replay, [value for outcome in outcomes for value in outcome.values])
            if wanted is Wanted.RUN:
                store_intents(connection, replay, intents)
        return wanted

    def release(self, replay: UUID, owner: str, state: ReplayState, reason: str = "") -> ReplayRow:
        with self._database.writing() as connection:
            self._fence(connection, replay, owner)
            connection.execute(
                update(Replay)
                .where(Replay.id == replay)
                .values(
                    state=state.value,
                    reason=reason,
                    ended_at=None if state is ReplayState.RUNNING else self._now(),
                    lease_owner=None,
                    lease_expires_at=None,
                )
            )
            return self._get(connection, replay)

    # Operating

    def ask(self, replay: UUID, wanted: Wanted, *, dead: str | None = None) -> ReplayRow:
        with self._database.writing() as connection:
            row = self._get(connection, replay, lock=True)
            change = update(Replay).where(Replay.id == replay)
            held = row.lease is not None and row.lease.live and row.lease.owner != dead
            if row.state is ReplayState.RUNNING and held:
                connection.execute(change.values(wanted=wanted.value))
            elif wanted is Wanted.PAUSE:
                raise BadInput(f"Replay {replay} is not running.", hint="There is nothing to pause.")
            elif wanted is Wanted.CANCEL and row.state not in (ReplayState.FINISHED, ReplayState.CANCELLED):
                connection.execute(_cancelled(change, self._now()))
            return self._get(connection, replay)

    # Within

    def _now(self) -> ColumnElement[int]:
        """The time in microseconds since the epoch, as an expression."""
        return literal(self._clock.now(), Whole) if self._database.is_sqlite else self._time("unused")

    def _time(self, name: str) -> ColumnElement[int]:
        """The server's time on PostgreSQL; on SQLite a parameter of that name."""
        if self._database.is_sqlite:
            return bindparam(name, type_=Whole)
        return cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)

    def _get(self, connection: Connection, replay: UUID, *, lock: bool = False) -> ReplayRow:
        query = select_replays(self._now()).where(Replay.id == replay)
        found = connection.execute(query.with_for_update() if lock else query).first()
        if found is None:
            raise NotFound(f"There is no replay {replay}.", hint="`entrepot replay --list` shows them.")
        return replay_row(found)

    def _fence(self, connection: Connection, replay: UUID, owner: str, ttl_us: int | None = None) -> Wanted:
        """Refuses the transaction unless the lease is the owner's; renews it if a span is given."""
        given: dict[str, Any] = {"the_replay": replay, "the_owner": owner}
        if ttl_us is None:
            statement = self._held.values(lease_expires_at=Replay.lease_expires_at)
        else:
            statement = self._renewed
            given["the_ttl"] = ttl_us
            if self._database.is_sqlite:
                given["the_now"] = self._clock.now()
        found = connection.execute(statement, given).first()
        if found is None:
            raise Busy(f"Replay {replay} was taken over by another process.", hint="It goes on there.")
        return Wanted(found.wanted)


def _cancelled(change: Update, now: ColumnElement[int]) -> Update:
    return change.values(
        state=ReplayState.CANCELLED.value, reason="cancelled", ended_at=now, lease_owner=None, lease_expires_at=None
    )


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise BadInput(f"limit is {limit}; a page holds 1 to {MAX_LIMIT} items.")


def replay_store(catalog: Catalog, clock: Clock | None = None) -> SqlReplayStore:
    """The replays that live in the same database as the catalog. Raises TypeError for a catalog that is not SQL."""
    if not isinstance(catalog, SqlCatalog):
        raise TypeError(f"{type(catalog).__name__} keeps no replays")
    return SqlReplayStore(catalog.database, clock)
