"""Makes the catalog again from the vault alone.

Segments carry everything the index holds: exchanges, payloads, and what workers said of their own completeness. What
lives in SQL only (tokens, replays, acknowledgements) is neither read from the vault nor touched.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..catalog import Catalog, Shipment
from ..errors import Damaged, NotFound
from ..segment.reader import SegmentReader, VaultSource
from ..vault import Vault

PREFIX = "segments/"
SUFFIX = ".warc.zst"


@dataclass(slots=True, frozen=True)
class Rebuilt:
    """What a rebuild found. `damaged` are segments that do not decode, each with the reason; they are left where they
    are and are not in the catalog. `unlisted` are segments that the vault holds but its listing lacked."""

    segments: int
    exchanges: int
    damaged: tuple[tuple[str, str], ...] = ()
    unlisted: tuple[str, ...] = ()


def rebuild_catalog(
    vault: Vault,
    catalog: Catalog,
    *,
    accept_missing: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rebuilt:
    """Empties the index and fills it from every segment of the vault; `progress(done, total)` counts spool files.

    A listing is not believed when it is shorter than what the catalog knows: every segment it lacks is asked for by
    name. If one is really gone, nothing is emptied and Damaged is raised, unless `accept_missing`.
    A rebuild that is interrupted leaves a part of the index; run again, it starts over.
    Raises TooNew for a segment of a newer format, and what vault and catalog raise.
    """
    listed = {stat.key for stat in vault.list(PREFIX) if stat.key.endswith(SUFFIX)}
    unlisted, missing = _ask_for(vault, {row.key for row in catalog.segments()} - listed)
    if missing and not accept_missing:
        raise Damaged(
            f"{len(missing)} segments that the catalog knows are gone from {vault.location}, first {missing[0]}.",
            hint="Nothing was changed. Bring them back, or pass --accept-missing to rebuild without them.",
        )
    by_spool: dict[str, list[str]] = {}
    for key in sorted(listed.union(unlisted)):
        by_spool.setdefault(_spool_of(key), []).append(key)
    catalog.clear_index()
    segments = exchanges = 0
    damaged: list[tuple[str, str]] = []
    for done, (spool, keys) in enumerate(sorted(by_spool.items())):
        shipment = _read_back(vault, spool, keys, damaged)
        catalog.commit_shipment(shipment)
        segments += len(shipment.segments)
        exchanges += len(shipment.exchanges)
        progress(done + 1, len(by_spool))
    return Rebuilt(segments, exchanges, tuple(damaged), tuple(unlisted))


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


def _read_back(vault: Vault, spool: str, keys: list[str], damaged: list[tuple[str, str]]) -> Shipment:
    """What the segments of one spool file say, as the shipper committed it."""
    found = []
    for key in keys:
        try:
            found.append(SegmentReader(VaultSource(vault, key)).index(key))
        except Damaged as error:
            damaged.append((key, error.message))
    return Shipment(
        spool=spool,
        segments=tuple(index.segment for index, _, _ in found),
        exchanges=tuple(row for index, _, _ in found for row in index.exchanges),
        payloads=tuple(row for index, _, _ in found for row in index.payloads),
        ledger=next((ledger for _, ledger, _ in found if ledger is not None), None),
        gaps=tuple(gap for _, _, gaps in found for gap in gaps),
    )


def _spool_of(key: str) -> str:
    """The spool file a segment was made from: `…/<spool>.warc.zst` or, at a second attempt, `…/<spool>-r1.warc.zst`."""
    name = key.rsplit("/", 1)[-1].removesuffix(SUFFIX)
    stem, dash, last = name.rpartition("-")
    return stem if dash and last.startswith("r") and last[1:].isdigit() else name
