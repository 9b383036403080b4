"""Restores over captured exchanges, for tests: plan, run, read everything back."""

from dataclasses import dataclass
from typing import Any

from entrepot_replay.credentials import Credentials
from entrepot_replay.options import RunOptions
from entrepot_replay.restore.decide import Modes
from entrepot_replay.restore.plan import Restores
from entrepot_replay.restore.readback import ReadBack, read_back
from entrepot_replay.restore.request import Request
from entrepot_replay.restore.running import steps_of
from entrepot_replay.restore.step import RestoreStep
from entrepot_store.catalog.replays import ReplayRow, StepRow

from .replaying import Bench


@dataclass
class Restoring:
    """Restores of one bench's archive into one target."""

    bench: Bench
    target: str
    at: int
    credentials: Credentials

    def plan(self, *documents: str, modes: Modes | None = None, **given: Any) -> ReplayRow:
        request = Request("orders", self.target, self.at, documents, modes or Modes(), **given)
        return Restores(self.bench.archive, self.bench.replays.store).plan(request, RunOptions(), self.credentials)

    def run(self, row: ReplayRow) -> ReadBack:
        store = self.bench.replays.store
        if row.plan["steps"]:
            self.bench.replays.start(row.id, RunOptions(), self.credentials).executor.run()
        return read_back(self.bench.archive, store, store.get(row.id), RunOptions(), self.credentials)

    def steps(self, row: ReplayRow) -> list[tuple[StepRow, RestoreStep]]:
        found = [(step, RestoreStep.load(step.flow)) for step in steps_of(self.bench.replays.store, row.id)]
        return [(step, own) for step, own in found if own is not None]
