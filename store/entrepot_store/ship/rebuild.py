"""Makes the catalog again from the vault alone.

Segments carry everything the index holds: exchanges, payloads, and what workers said of their own completeness. What
lives in SQL only (tokens, replays, acknowledgements) is neither read from the vault nor touched.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from ..archive import Archive
from ..catalog import Catalog, Shipment
from ..catalog.documents import Look
from ..catalog.fields import FieldRow
from ..catalog.retention import ErasedRow
from ..clock import Clock, SystemClock
from ..documents import Interpreter, load_recipes, read_segment
from ..errors import Damaged, NotFound
from ..model import Gap, LedgerEntry
from ..retention.recall import Recall
from ..segment.index import SegmentIndex
from ..segment.reader import SegmentReader, VaultSource
from ..spool import SpoolName
from ..vault import Vault
from .lost import Lost

PREFIX = "segments/"
SUFFIX = ".warc.zst"


@dataclass(slots=True, frozen=True)
class Rebuilt:
    """What a rebuild found. `damaged` are segments that do not decode, each with the reason; they are left where they
    are and are not in the catalog. `unlisted` are segments that the vault holds but its listing lacked; `missing` are
    those that the catalog knew and that are gone."""

    segments: int
    exchanges: int
    damaged: tuple[tuple[str, str], ...] = ()
    unlisted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def rebuild_catalog(
    vault: Vault,
    catalog: Catalog,
    *,
    accept_missing: bool = False,
    clock: Clock | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rebuilt:
    """Empties the index and fills it from every segment of the vault; `progress(done, total)` counts spool files.

    A listing is not believed when it is shorter than what the catalog knows: every segment it lacks is asked for by
    name. If one is really gone, nothing is emptied and Damaged is raised, unless `accept_missing`; then there is a gap
    for what only it held, which later rebuilds keep until the segment is back.
    A rebuild that is interrupted leaves a part of the index, and a gap that says so; run again, it starts over.
    Shippers may be at work meanwhile. A segment that does not decode, and that was not stored again, is a gap.
    Raises TooNew for a segment of a newer format, and what vault and catalog raise.
    """
    listed = {stat.key for stat in vault.list(PREFIX) if stat.key.endswith(SUFFIX)}
    unlisted, missing = _ask_for(vault, {row.key for row in catalog.segments()} - listed)
    if missing and not accept_missing:
        raise Damaged(
            f"{len(missing)} segments that the catalog knows are gone from {vault.location}, first {missing[0]}.",
            hint="Nothing was changed. Bring them back, or pass --accept-missing to rebuild without them.",
        )
    now = (clock or SystemClock()).now()
    unfinished = Gap("catalog", now, now, 0, "a rebuild did not end; run `entrepot rebuild-catalog` again")
    recall = Recall(vault, listed.union(unlisted))
    # What shippers committed since the listing is in the vault, and emptied with the rest.
    lost = Lost(catalog, missing, there=listed.union(unlisted))
    recall.add(catalog.clear_index(unfinished, *lost.gaps).difference(missing))
    by_spool = _by_spool(recall.in_force())
    segments = exchanges = 0
    damaged: list[tuple[str, str]] = []
    later: list[str] = []
    documents = _Documents(Archive(vault, catalog), recall.erased)
    done = 0
    while by_spool:
        spool = min(by_spool)
        shipment, revived = _read_back(
            vault, spool, by_spool.pop(spool), documents, recall, damaged=damaged, later=later
        )
        for key in revived:
            by_spool.setdefault(_spool_of(key), []).append(key)
        catalog.add_rebuilt(shipment)
        segments += len(shipment.segments)
        exchanges += len(shipment.exchanges)
        done += 1
        progress(done, done + len(by_spool))
    for key in later:
        index = recall.trimmed(SegmentReader(VaultSource(vault, key)).index(key)[0])
        catalog.documents.add_looks(*documents.read(key, index))
    recall.restore(catalog.retention)
    lost.settle()
    catalog.take_back(unfinished)
    return Rebuilt(segments, exchanges, tuple(damaged), tuple(unlisted), tuple(missing))


def _by_spool(keys: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in sorted(keys):
        found.setdefault(_spool_of(key), []).append(key)
    return found


class _Documents:
    """What segments say of documents, each by the recipes it was shipped with."""

    def __init__(self, archive: Archive, erased: Mapping[UUID, ErasedRow]) -> None:
        self._archive = archive
        self._erased = erased
        self._interpreters: dict[str, Interpreter] = {}

    def read(self, key: str, index: SegmentIndex) -> tuple[tuple[Look, ...], tuple[FieldRow, ...]]:
        """Raises NotFound for a payload that only a segment that is still to come holds, Damaged, and what the vault
        raises."""
        interpreter = self._interpreters.get(index.recipes)
        if interpreter is None:
            try:
                interpreter = Interpreter(load_recipes(index.recipes))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise Damaged(f"{key}: what it says of its documents does not parse: {error}") from error
            self._interpreters[index.recipes] = interpreter
        return read_segment(index, VaultSource(self._archive.vault, key), self._archive, interpreter, self._erased)


def _ask_for(vault: Vault, keys: set[str]) -> tuple[list[str], list[str]]:
    present, missing = [], []
    for key in sorted(keys):
        try:
            vault.stat(key)
        except NotFound:
            missing.append(key)
        else:
            present.append(key)
    return present, missing


def _read_back(
    vault: Vault,
    spool: str,
    keys: list[str],
    documents: _Documents,
    recall: Recall,
    *,
    damaged: list[tuple[str, str]],
    later: list[str],
) -> tuple[Shipment, list[str]]:
    """What the segments of one spool file say, as the shipper committed it, but for what was removed since; and those
    segments that count again because one that had replaced them does not decode. Into `later` go those whose documents
    cannot be told before the rest is there: two shippers may have stored one payload at the same time."""
    found = []
    looks: list[Look] = []
    fields: list[FieldRow] = []
    lost = []
    revived: list[str] = []
    ledgers: list[LedgerEntry] = []
    whole = set()
    for key in keys:
        try:
            reader = SegmentReader(VaultSource(vault, key))
            index, _, gaps = reader.index(key)
            index = recall.trimmed(index)
            try:
                said, indexed = documents.read(key, index)
                looks.extend(said)
                fields.extend(indexed)
            except NotFound:
                later.append(key)
            ledgers.extend(reader.info().ledgers)
            found.append((index, gaps))
            whole.add(_first_name(key))
        except Damaged as error:
            damaged.append((key, error.message))
            again, all_of_it = recall.broken(key)
            revived.extend(again)
            if not all_of_it:
                lost.append(key)
    shipment = Shipment(
        spool=spool,
        segments=tuple(index.segment for index, _ in found),
        exchanges=tuple(row for index, _ in found for row in index.exchanges),
        payloads=tuple(row for index, _ in found for row in index.payloads),
        ledger=ledgers[0] if ledgers else None,
        others=tuple(ledgers[1:]),
        gaps=(
            *(gap for _, gaps in found for gap in gaps),
            *(_gap_of(spool, key) for key in lost if _first_name(key) not in whole),
        ),
        looks=tuple(looks),
        fields=tuple(fields),
    )
    return shipment, revived


def _gap_of(spool: str, key: str) -> Gap:
    """The same one at every rebuild, until the segment is whole again."""
    name = SpoolName.parse(spool) if SpoolName.is_one(spool) else SpoolName(0, "unknown", 0)
    return Gap(name.worker, name.created, name.created, 0, f"segment {key} does not decode; its exchanges are missing")


def _first_name(key: str) -> str:
    """What all the attempts at one segment share; one that is whole holds what the others should have held."""
    return f"{key.rpartition('/')[0]}/{_spool_of(key)}"


def _spool_of(key: str) -> str:
    """The spool file a segment was made from: `…/<spool>.warc.zst` or, at a second attempt, `…/<spool>-r1.warc.zst`."""
    name = key.rsplit("/", 1)[-1].removesuffix(SUFFIX)
    stem, dash, last = name.rpartition("-")
    return stem if dash and last.startswith("r") and last[1:].isdigit() else name
