"""Reads what is stored again by the rules now in force: documents, versions and index fields are made anew.

For rules that came later than the traffic they speak of, and for rules whose `ignore`, `document` or `index` changed.
What exchanges are stored, and under which class, stays as it was when they were captured.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from ..archive import Archive
from ..catalog.erased import erased_row
from ..catalog.retention import ErasedRow
from ..catalog.rows import ExchangeRow
from ..clock import Clock, SystemClock
from ..config import Settings
from ..errors import Damaged
from ..model import Action, Gap
from ..rules import RuleSet
from ..segment.index import SegmentIndex
from ..segment.reader import SegmentReader, VaultSource
from .interpreter import Interpreter, recipes_of
from .stored import read_segment


@dataclass(slots=True, frozen=True)
class Reindexed:
    """`damaged` are segments that do not decode, each with the reason: what they say of documents is missing."""

    segments: int
    looks: int
    fields: int
    damaged: tuple[tuple[str, str], ...] = ()


def reindex(
    archive: Archive,
    settings: Settings,
    *,
    clock: Clock | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Reindexed:
    """Empties the documents and fills them from every segment that the catalog knows; `progress(done, total)` counts
    segments. Shippers may be at work meanwhile. One that is interrupted leaves a gap that says so; run again, it
    starts over. Raises what catalog and vault raise.
    """
    rules = RuleSet.compile(settings, b"")
    interpreter = Interpreter(recipes_of(settings.rule))
    now = (clock or SystemClock()).now()
    unfinished = Gap("catalog", now, now, 0, "a reindexing did not end; run `entrepot reindex` again")
    archive.catalog.documents.clear(unfinished)
    keys = [row.key for row in archive.catalog.segments()]
    looks = fields = 0
    damaged: list[tuple[str, str]] = []
    for done, key in enumerate(keys):
        source = VaultSource(archive.vault, key)
        try:
            index, *_ = SegmentReader(source).index(key)
            erased = archive.catalog.retention.erased([row.id for row in index.exchanges])
            anew = _decided_anew(index, archive, rules, erased)
            said, indexed = read_segment(anew, source, archive, interpreter, erased)
        except Damaged as error:
            damaged.append((key, error.message))
        else:
            looks += archive.catalog.documents.add_looks(said, indexed)
            fields += len(indexed)
        progress(done + 1, len(keys))
    archive.catalog.take_back(unfinished)
    return Reindexed(len(keys), looks, fields, tuple(damaged))


def _decided_anew(
    index: SegmentIndex, archive: Archive, rules: RuleSet, erased: Mapping[UUID, ErasedRow]
) -> SegmentIndex:
    """The segment's exchanges that the catalog still has, as the rules would have them now; without what was erased,
    which the segment may hold until somebody ends what a crash interrupted."""
    known = archive.catalog.known_exchanges([row.id for row in index.exchanges])
    rows = (erased_row(row, erased[row.id]) if row.id in erased else row for row in index.exchanges)
    return replace(index, exchanges=tuple(_decided(row, rules) for row in rows if row.id in known))


def _decided(row: ExchangeRow, rules: RuleSet) -> ExchangeRow:
    decision = rules.decide(
        row.source,
        row.destination,
        row.method.encode(),
        row.path.encode("utf-8", "surrogatepass"),
        None if row.response is None else row.response.content_type.encode("utf-8", "surrogatepass"),
        row.status,
    )
    if decision.action is Action.IGNORE:
        return row  # it is stored; that it would not be now makes its documents none the less
    return replace(row, rule=decision.rule, action=decision.action)
