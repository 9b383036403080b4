"""A replay service over captured exchanges, for tests: plan, run, and read back what came of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from entrepot_replay.credentials import Credentials
from entrepot_replay.options import RunOptions
from entrepot_replay.report import Report, make_report
from entrepot_replay.selection import Selection
from entrepot_replay.service import Replays
from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.replays import ReplayRow, StepRow
from entrepot_store.catalog.sql import replay_store
from entrepot_store.model import Exchange, Gap

from .captured import archive_of


@dataclass
class Bench:
    """One archive and its replays."""

    archive: Archive
    replays: Replays

    def plan(
        self,
        target: str,
        *,
        options: RunOptions | None = None,
        allow_delete: bool = False,
        allow_captured_host: bool = False,
        **where: Any,
    ) -> ReplayRow:
        selection = Selection(ExchangeFilter(destination=("orders",), **where), allow_delete)
        return self.replays.plan(selection, target, options or RunOptions(), allow_captured_host=allow_captured_host)

    def run(self, replay: UUID, options: RunOptions | None = None, credentials: Credentials | None = None) -> Report:
        self.replays.start(replay, options, credentials).executor.run()
        return make_report(self.replays.store, replay)

    def steps(self, replay: UUID) -> list[StepRow]:
        return self.replays.store.steps(replay, limit=10_000).items


@contextmanager
def replaying(folder: Path, exchanges: Sequence[Exchange], gaps: Sequence[Gap] = ()) -> Iterator[Bench]:
    """What the exchanges bring, in SQLite and a directory below `folder`."""
    archive = archive_of(folder, exchanges, gaps=gaps)
    try:
        yield Bench(archive, Replays(archive, replay_store(archive.catalog)))
    finally:
        archive.catalog.close()
