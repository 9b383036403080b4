"""Lets one segment take the place of others. The order of the steps is the promise:

    written down in the catalog → made on the local disk, read back → vault → read back → one catalog transaction

The old segments are removed later (`grace`). Every crash between two steps leaves garbage at worst, and `settle`, with
which every chore begins, finishes it or clears it away. To a rebuild the new segment counts as soon as it is whole in
the vault: its first record says what it replaces.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..catalog.retention import ErasedRow, RepackingRow, Replacement, RetentionCatalog, Stored, StoredExchange
from ..catalog.rows import MessageRow
from ..clock import Clock
from ..documents.interpreter import DEFAULT, Recipe, dump_recipes, load_recipes
from ..errors import Busy, Damaged, NotFound
from ..segment.index import SegmentIndex
from ..segment.merge import Erased, Merged, Part, merge_segments
from ..segment.reader import SegmentReader
from ..segment.sources import VaultSource
from ..segment.verify import verify_segment
from ..vault import Vault
from .fetched import FetchedSource
from .names import merged_key

_COPIES = "repack-"
"""Folders of copies begin with this; one that is left belongs to a run that was killed."""


class Repacker:
    """Repacks segments of one vault and catalog. Only inside `RetentionCatalog.sole`.

    `folder` takes the copies, twice the size of the largest segment. `step` is called with the name of every step just
    done; fault tests end the process in it.
    """

    def __init__(
        self,
        vault: Vault,
        catalog: RetentionCatalog,
        clock: Clock,
        folder: Path,
        step: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._vault = vault
        self._catalog = catalog
        self._clock = clock
        self._folder = folder
        self._step = step

    def repack(self, keys: Sequence[str]) -> tuple[Merged | None, int]:
        """One segment out of those of `keys` (of one class) that can go together, the first ones; returns it and how
        many they were. None: nothing was done, because of several the first goes with no other, or because the catalog
        has changed meanwhile.

        Segments whose documents were told apart or compared in different ways do not go together: a rebuild reads each
        as it was shipped. Raises Damaged, TooNew, and what vault and catalog raise; OSError.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=_COPIES) as name:
            parts, recipes = self._parts(sorted(keys), Path(name))
            if len(parts) == 1 < len(keys):
                return None, 1
            key = merged_key(parts)
            replaces = [part.key for part in parts]
            replaces += [row.key for row in self._catalog.superseded() if row.replaced_by in replaces]
            self._catalog.plan_repacking(RepackingRow(key, tuple(replaces), self._clock.now()))
            self._step("planned")
            target = Path(name) / "merged"
            rules = {exchange.rule for part in parts for exchange in part.exchanges.values()}
            merged = merge_segments(target, parts, key=key, recipes=dump_recipes(recipes, rules), replaces=replaces)
            self._step("written")
            self._vault.put(key, target)
            self._step("put")
        return self._commit(merged, replaces), len(parts)

    def settle(self) -> None:
        """Finishes what a crash interrupted, if it got as far as the vault, and clears it away otherwise. Raises as
        `repack`."""
        for left in self._folder.glob(f"{_COPIES}*"):
            shutil.rmtree(left)  # they take room, and may hold what is to be erased
        for row in self._catalog.repackings():
            try:
                found = self._read(row)
            except (NotFound, Damaged):
                found = None
            if found is not None:
                try:
                    self._commit(found, row.replaces)
                    continue
                except (Damaged, Busy):
                    pass  # made of a catalog that was rebuilt or changed since: it is as good as not written
            # Never the catalog's: a segment that it knows has no row here.
            self._vault.delete(row.key)
            self._catalog.forget_repacking(row.key)
            self._step("cleared")

    def _commit(self, merged: Merged, replaces: Sequence[str]) -> Merged | None:
        index = SegmentIndex(merged.segment, (), merged.payloads, merged.content_crc)
        key = merged.segment.key
        verify_segment(VaultSource(self._vault, key), index)
        self._step("verified")
        since = self._vault.stat(key).stored_at
        done = self._catalog.replace_segments(
            Replacement(merged.segment, merged.exchanges, merged.payloads, tuple(replaces), since)
        )
        self._step("replaced")
        return merged if done else None

    def _parts(self, keys: Sequence[str], folder: Path) -> tuple[list[Part], dict[str, Recipe]]:
        parts: list[Part] = []
        recipes: dict[str, Recipe] = {}
        for number, key in enumerate(keys):
            part = self._part(key, folder / f"{number}")
            said = load_recipes(SegmentReader(part.source).info().recipes)
            own = {exchange.rule: said.get(exchange.rule, DEFAULT) for exchange in part.exchanges.values()}
            if any(recipes.get(rule, recipe) != recipe for rule, recipe in own.items()):
                break
            recipes.update(own)
            parts.append(part)
        return parts, recipes

    def _part(self, key: str, path: Path) -> Part:
        exchanges = {exchange.id: exchange for exchange in self._catalog.exchanges_of(key)}
        payloads = {row.offset: row for row in self._catalog.payloads_of(key)}
        erased = {
            row.exchange: _as_marked(row, exchanges[row.exchange]) for row in self._catalog.erased(exchanges).values()
        }
        return Part(key, FetchedSource(self._vault, key, path), exchanges, payloads, erased)

    def _read(self, row: RepackingRow) -> Merged:
        """A segment that was put before a crash, as the vault has it."""
        index, _, _ = SegmentReader(VaultSource(self._vault, row.key)).index(row.key)
        exchanges = tuple(
            StoredExchange(
                found.id,
                found.started_at,
                found.rule,
                _stored(found.request),
                None if found.response is None else _stored(found.response),
            )
            for found in index.exchanges
        )
        return Merged(index.segment, exchanges, index.payloads, index.content_crc)


def _as_marked(row: ErasedRow, exchange: StoredExchange) -> Erased:
    """What of it the catalog has erased already: the ledger may be a step ahead of it."""
    response = exchange.response is None or exchange.response.size == 0
    return Erased(row.erasure, row.request and exchange.request.size == 0, row.response and response)


def _stored(row: MessageRow) -> Stored:
    return Stored(row.size, row.digest, row.offset, row.length)
