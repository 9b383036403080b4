"""What a rebuild must know of retention: which segments count no more, which exchanges of the others do not, what was
erased, what is pinned or held. Read from the vault before the first segment is.

A segment that was put to replace others counts from the moment it is whole in the vault, whether the catalog had come
to know of it or not; one that is not whole does not, and what it was to replace does.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from ..catalog.erased import erased_row, joined
from ..catalog.retention import ErasedRow, RetentionCatalog, SupersededRow
from ..compact.names import class_of, is_merged
from ..errors import Damaged, NotFound
from ..segment.index import SegmentIndex
from ..segment.reader import SegmentReader
from ..segment.sources import VaultSource
from ..vault import Vault
from . import facts


class Recall:
    """Made before the rebuild empties the catalog; `restore` ends it."""

    def __init__(self, vault: Vault, keys: Iterable[str]) -> None:
        """`keys` are all segments that are there. Raises Damaged, TooNew, and what the vault raises."""
        self._vault = vault
        self._keys = set(keys)
        self._replaces = {key: said for key in self._keys if is_merged(key) and (said := _replaces(vault, key))}
        self._stored_at = {key: vault.stat(key).stored_at for key in self._replaces}
        self._replaced_by: defaultdict[str, list[str]] = defaultdict(list)
        for key in sorted(self._replaces):
            for replaced in self._replaces[key]:
                self._replaced_by[replaced].append(key)
        self._broken: set[str] = set()
        self._removals = dict(facts.removals(vault))
        self._removed: dict[str, frozenset[UUID]] = {}
        for segments in self._removals.values():
            for segment, ids in segments.items():
                self._removed[segment] = self._removed.get(segment, frozenset()) | ids
        self._erasures = list(facts.erasures(vault))
        self.erased: dict[UUID, ErasedRow] = {}
        for _, rows in self._erasures:
            for row in rows:
                self.erased[row.exchange] = joined(self.erased.get(row.exchange), row)
        self.unfinished: set[str] = set()
        """Segments that hold what was erased: they must be repacked."""

    def add(self, keys: Iterable[str]) -> None:
        """Segments that were shipped since."""
        self._keys.update(keys)

    def in_force(self) -> set[str]:
        """The segments that count, as far as is known."""
        return self._keys - self._superseded().keys()

    def broken(self, key: str) -> tuple[set[str], bool]:
        """A segment does not decode. Returns those that count again because of it, and whether they hold all of it."""
        before = self.in_force()
        self._broken.add(key)
        replaced = self._replaces.get(key, ())
        return self.in_force() - before, bool(replaced) and set(replaced) <= self._keys

    def trimmed(self, index: SegmentIndex) -> SegmentIndex:
        """The index without what was removed, and with what was erased marked so."""
        removed = self._removed.get(index.segment.key, frozenset())
        rows = []
        for row in index.exchanges:
            if row.id in removed:
                continue
            erased = self.erased.get(row.id)
            if erased is not None and (changed := erased_row(row, erased)) != row:
                self.unfinished.add(index.segment.key)
                rows.append(changed)
            else:
                rows.append(row)
        return replace(index, exchanges=tuple(rows))

    def restore(self, catalog: RetentionCatalog) -> None:
        """Tells the catalog. Raises as the catalog does."""
        rows = [
            SupersededRow(key, class_of(key), self._vault.stat(key).size, by, self._stored_at[by])
            for key, by in sorted(self._superseded().items())
            if key in self._keys
        ]
        catalog.restore(
            superseded=rows,
            removals={key: self._keys & segments.keys() for key, segments in self._removals.items()},
            pins=facts.pins(self._vault),
            holds=facts.holds(self._vault),
            erasures=self._erasures,
            shipped={_spool_of(key) for key in self._superseded() if not is_merged(key)},
            due=self.unfinished,
        )

    def _superseded(self) -> dict[str, str]:
        """What counts no more, by what replaced it. One that is replaced itself still replaces."""
        found: dict[str, str] = {}
        for key in sorted(self._replaces, key=lambda key: (self._stored_at[key], key)):  # of several the first one
            if key in self._broken:
                continue
            for replaced in self._replaces[key]:
                found.setdefault(replaced, key)
        # Two that were made of the same: the one that was made of more is the later.
        for key, replaces in self._replaces.items():
            for other in self._replaced_by.get(replaces[0], ()):
                if other not in self._broken and set(replaces) < set(self._replaces[other]):
                    found.setdefault(key, other)
        return found


def _replaces(vault: Vault, key: str) -> tuple[str, ...]:
    """Nothing for one that does not even begin well: the rebuild will say so."""
    try:
        return tuple(SegmentReader(VaultSource(vault, key)).info().replaces)
    except (Damaged, NotFound):
        return ()


def _spool_of(key: str) -> str:
    name = key.rpartition("/")[2].removesuffix(".warc.zst")
    stem, dash, last = name.rpartition("-")
    return stem if dash and last.startswith("r") and last[1:].isdigit() else name
