"""The CheckStore part of the ReplayStore port on SQL; `SqlReplayStore` is made of it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from ...clock import Clock
from ...errors import BadInput, Busy, NotFound
from ..replay_checks import CheckCounts, CheckResult, CheckRow, VerificationRow
from ..rows import Page
from .check_schema import ReplayCheck, ReplayVerification
from .cursor import make_cursor, read_cursor
from .engine import Database
from .lookup import MAX_LIMIT
from .replay_records import dump_differences, load_differences
from .replay_schema import Replay

_COLUMNS = tuple(column for column in ReplayCheck.__table__.c if column.name != "replay_id")


class SqlChecks:
    """What `SqlReplayStore` knows of verifications."""

    _database: Database
    _clock: Clock

    def begin_verification(self, verification: VerificationRow) -> None:
        of = verification.replay
        with self._database.writing() as connection:
            if connection.execute(select(Replay.id).where(Replay.id == of).with_for_update()).first() is None:
                raise NotFound(f"There is no replay {of}.", hint="`entrepot replay --list` shows them.")
            forget_verification(connection, of)
            connection.execute(
                insert(ReplayVerification).values(
                    replay_id=of,
                    id=verification.id,
                    as_of=verification.as_of,
                    expected=verification.expected,
                    started_at=verification.started_at,
                    ended_at=None,
                    reason="",
                )
            )

    def add_checks(self, verification: VerificationRow, checks: Sequence[CheckRow]) -> None:
        if not checks:
            return
        with self._database.writing() as connection:
            _fence(connection, verification)
            connection.execute(insert(ReplayCheck), [_columns(verification.replay, row) for row in checks])

    def end_verification(self, verification: VerificationRow, reason: str = "") -> None:
        with self._database.writing() as connection:
            _fence(connection, verification)
            connection.execute(
                update(ReplayVerification)
                .where(ReplayVerification.replay_id == verification.replay)
                .values(ended_at=self._clock.now(), reason=reason)
            )

    def verification(self, replay: UUID) -> VerificationRow | None:
        counts = (
            select(ReplayCheck.result, func.count()).where(ReplayCheck.replay_id == replay).group_by(ReplayCheck.result)
        )
        with self._database.reading() as connection:
            found = connection.execute(
                select(*ReplayVerification.__table__.c).where(ReplayVerification.replay_id == replay)
            ).first()
            if found is None:
                return None
            numbers = {str(result): int(number) for result, number in connection.execute(counts)}
        row = VerificationRow(found.id, found.replay_id, found.as_of, found.expected, found.started_at)
        return replace(row, ended_at=found.ended_at, reason=found.reason, counts=CheckCounts(**numbers))

    def checks(
        self, replay: UUID, *, results: Collection[CheckResult] = (), limit: int = 100, cursor: str | None = None
    ) -> Page[CheckRow]:
        if not 1 <= limit <= MAX_LIMIT:
            raise BadInput(f"limit is {limit}; a page holds 1 to {MAX_LIMIT} items.")
        chosen = sorted(result.value for result in results)
        listing = f"checks {replay} {chosen}"
        query = select(*_COLUMNS).where(ReplayCheck.replay_id == replay).order_by(ReplayCheck.number).limit(limit + 1)
        if results:
            query = query.where(ReplayCheck.result.in_(chosen))
        if cursor is not None:
            query = query.where(ReplayCheck.number > read_cursor(listing, cursor).int)
        with self._database.reading() as connection:
            if connection.execute(select(Replay.id).where(Replay.id == replay)).first() is None:
                raise NotFound(f"There is no replay {replay}.", hint="`entrepot replay --list` shows them.")
            items = [_check_row(found) for found in connection.execute(query)]
        more = len(items) > limit
        return Page(items[:limit], make_cursor(listing, UUID(int=items[limit - 1].number)) if more else None)


def forget_verification(connection: Connection, replay: UUID) -> None:
    """It says nothing of what is sent after it."""
    connection.execute(delete(ReplayCheck).where(ReplayCheck.replay_id == replay))
    connection.execute(delete(ReplayVerification).where(ReplayVerification.replay_id == replay))


def _fence(connection: Connection, verification: VerificationRow) -> None:
    """Refuses the transaction if another verification took this one's place."""
    query = select(ReplayVerification.id).where(ReplayVerification.replay_id == verification.replay).with_for_update()
    found = connection.execute(query).first()
    if found is None or found.id != verification.id:
        raise Busy(f"Another verification of replay {verification.replay} began meanwhile.", hint="Its findings count.")


def _columns(replay: UUID, row: CheckRow) -> dict[str, Any]:
    return {
        "replay_id": replay,
        "number": row.number,
        "path": row.path,
        "result": row.result.value,
        "place": row.place,
        "asked": row.asked,
        "evidence": row.evidence,
        "exchange_id": row.exchange,
        "at": row.at,
        "recorded_status": row.recorded_status,
        "live_status": row.live_status,
        "reason": row.reason,
        "differences": dump_differences(row.differences),
        "more_differences": row.more_differences,
    }


def _check_row(found: Row[Any]) -> CheckRow:
    return CheckRow(
        number=found.number,
        path=found.path,
        result=CheckResult(found.result),
        place=found.place,
        asked=found.asked,
        evidence=found.evidence,
        exchange=found.exchange_id,
        at=found.at,
        recorded_status=found.recorded_status,
        live_status=found.live_status,
        reason=found.reason,
        differences=load_differences(found.differences),
        more_differences=found.more_differences,
    )
