"""What a run of a restore has in the place of a replay's Attempter. `service` asks for it."""

from collections.abc import Iterator
from dataclasses import fields
from uuid import UUID

from entrepot_store.catalog.replays import ReplayRow, ReplayStore, StepRow, Verdict

from ..attempt import Attempter
from ..mapping import IdMap
from .attempter import Broken, RestoreAttempter
from .step import RestoreStep

_PAGE = 1000


def attempter_for(row: ReplayRow, store: ReplayStore, attempter: Attempter, idmap: IdMap) -> Attempter:
    """The attempter itself for a replay; for a restore one that looks before it writes. `idmap` is its mapper's."""
    if "restore" not in row.selection:
        return attempter
    given = {one.name: getattr(attempter, one.name) for one in fields(Attempter)}
    return RestoreAttempter(**given, idmap=idmap, broken=Broken(_broken(store, row.id)))


def _broken(store: ReplayStore, replay: UUID) -> dict[str, str]:
    """Documents of which a step failed, or may have, in an earlier run, and is not to be sent again."""
    return {
        own.path: row.reason or "its outcome is unknown"
        for row in steps_of(store, replay, (Verdict.FAILED, Verdict.UNKNOWN))
        if (own := RestoreStep.load(row.flow)) is not None
    }


def steps_of(store: ReplayStore, replay: UUID, verdicts: tuple[Verdict, ...] = ()) -> Iterator[StepRow]:
    """The steps in order, read page by page."""
    cursor: str | None = None
    while True:
        page = store.steps(replay, verdicts=verdicts, limit=_PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return
