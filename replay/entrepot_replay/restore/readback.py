"""Reads everything back after a restore: every document of the plan is asked for once more and compared.

What the run believes does not count here, only what the target answers now.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from entrepot_store.archive import Archive
from entrepot_store.catalog.replays import Difference, ReplayRow, ReplayState, ReplayStore, StepRow, StepState
from entrepot_store.clock import Clock, SystemClock
from entrepot_store.errors import Damaged, NotFound

from ..credentials import Credentials
from ..errors import ALL_IDENTICAL, DIFFERENCES, FAILURES, STOPPED_EARLY, OutcomeUnknown, Unsendable
from ..mapping import IdMap
from ..options import RunOptions
from ..sender import Sender
from ..service import Replays
from ..target import Target
from .connection import connection
from .decide import Do
from .live import Live, Looker, There, live_path
from .running import steps_of
from .same import decides, differences
from .shape import Shape
from .step import RestoreStep
from .wanted import content_of


class Came(StrEnum):
    """What became of a document, the gravest first."""

    MISSING = "missing"
    DIFFERS = "differs"
    NOT_RESTORABLE = "not restorable"
    UNKNOWN = "unknown"
    LEFT_ALONE = "left alone"
    RESTORED = "restored"
    REMOVED = "removed"
    UNTOUCHED = "untouched"


@dataclass(frozen=True, slots=True)
class Told:
    """One document as it was found: what became of it, why, and where it differs. `live` is its path now."""

    path: str
    live: str
    came: Came
    why: str = ""
    differences: tuple[Difference, ...] = ()


@dataclass(slots=True)
class ReadBack:
    """All documents of one restore. `documents` are the gravest first, up to a limit; `counts` are of all."""

    replay: ReplayRow
    counts: Counter[Came] = field(default_factory=Counter)
    documents: list[Told] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 only when everything that was asked for is there as it was. What a mode leaves alone was not asked for."""
        if self.replay.plan["steps"] and self.replay.state is not ReplayState.FINISHED:
            return STOPPED_EARLY
        if self.counts[Came.MISSING] or self.counts[Came.NOT_RESTORABLE] or self.counts[Came.UNKNOWN]:
            return FAILURES
        return DIFFERENCES if self.counts[Came.DIFFERS] else ALL_IDENTICAL


def read_back(
    archive: Archive,
    store: ReplayStore,
    row: ReplayRow,
    options: RunOptions,
    credentials: Credentials,
    *,
    limit: int = 100,
    clock: Clock | None = None,
) -> ReadBack:
    """Asks the target for every document of the plan. `limit` bounds those that are listed.

    Raises NotSent if the target takes no connection any more, BadInput and Unsendable for credentials, and what catalog
    and vault do."""
    clock = clock or SystemClock()
    target = Target.parse(row.target)
    result = ReadBack(row)
    idmap = IdMap(Replays(archive, store, clock).values(row.id, unmapped=False))
    with connection(target, options, credentials) as sender:
        looker = Looker(target, credentials, clock, options.without_credentials)
        for step in steps_of(store, row.id):
            own = RestoreStep.load(step.flow)
            if own is None or not own.last:
                continue
            told = _tell(archive, looker, sender, step, own, idmap)
            result.counts[told.came] += 1
            result.documents.append(told)
            if len(result.documents) > 2 * limit:
                result.documents = _gravest(result.documents, limit)
    result.documents = _gravest(result.documents, limit)
    return result


def _gravest(documents: list[Told], limit: int) -> list[Told]:
    order = [*Came]
    return sorted(documents, key=lambda told: order.index(told.came))[:limit]


def _tell(  # noqa: PLR0917 - one look and all it needs
    archive: Archive, looker: Looker, sender: Sender, step: StepRow, own: RestoreStep, idmap: IdMap
) -> Told:
    path = live_path(own.path, idmap)
    text = path.decode("latin-1")
    if own.do in (Do.CANNOT, Do.LEAVE):
        came = Came.NOT_RESTORABLE if own.do is Do.CANNOT else Came.LEFT_ALONE
        return Told(own.path, text, came, own.why)
    try:
        live = looker.look(sender, archive.catalog.exchange(step.exchange), path)
        found = _differences(archive, own, live, idmap)
    except (OutcomeUnknown, NotFound, Damaged, Unsendable) as error:
        return Told(own.path, text, Came.UNKNOWN, f"it cannot be read back: {error}")
    if live.there is There.UNREADABLE:
        return Told(own.path, text, Came.UNKNOWN, live.reason)
    return Told(own.path, text, *_came(step, own, live, found), tuple(found or ()))


def _differences(archive: Archive, own: RestoreStep, live: Live, idmap: IdMap) -> list[Difference] | None:
    """None: nothing tells what its content was."""
    if own.evidence is None or live.answer is None or live.there is not There.PRESENT:
        return None
    content = content_of(archive, own.evidence)
    return differences(content, live.answer, own.path, shape=own.shape or Shape(), idmap=idmap, now=live.at)


def _came(step: StepRow, own: RestoreStep, live: Live, found: list[Difference] | None) -> tuple[Came, str]:
    present = live.there is There.PRESENT
    reason = step.reason if step.state is StepState.DONE else ""
    if own.do is Do.DELETE:
        return (Came.DIFFERS, reason or "it is still there") if present else (Came.REMOVED, own.why)
    if own.do is Do.NOTHING and own.evidence is None:
        return (Came.DIFFERS, "it came to be meanwhile") if present else (Came.UNTOUCHED, own.why)
    if not present:
        return Came.MISSING, reason
    if found is None:
        return Came.UNKNOWN, "it was written, and nothing that was captured shows what it was"
    if decides(found):
        return Came.DIFFERS, reason
    return (Came.UNTOUCHED, own.why) if own.do is Do.NOTHING else (Came.RESTORED, own.how)
