"""Erases what was selected. The order of the steps is the promise:

    written down → said in the vault (the ledger) → one catalog transaction → flows counted anew → segments repacked
    → old ones erased → the database's own files scrubbed

From the third step on nothing gives out what was erased; from the last on no byte of vault and catalog holds it.
Whoever comes after a crash ends it, also after a rebuild: the ledger is in the vault.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from ..archive import Archive
from ..catalog import Catalog
from ..catalog.retention import ErasureRow, RetentionCatalog
from ..clock import Clock, SystemClock, to_rfc3339
from ..compact.names import class_of
from ..compact.repack import Repacker
from ..errors import Damaged, NotFound, Retained
from ..model import uuid7
from ..retention import facts
from ..retention.prune import settle_removals
from ..vault import Vault
from ..vault.port import FOREVER
from .entries import entries, fields_left
from .select import Sides


@dataclass(slots=True, frozen=True)
class Expunged:
    """`erasure` names the entry of the ledger; `segments` were written again and erased."""

    erasure: UUID | None
    exchanges: int = 0
    segments: int = 0


def expunge(
    vault: Vault,
    catalog: Catalog,
    folder: Path,
    sides: Sides,
    *,
    by: str,
    reason: str,
    pruned: bool = True,
    clock: Clock | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> Expunged:
    """With `pruned`, segments are written again as well that hold exchanges which were pruned: nobody knows any more
    whose they were.

    Raises Retained, and does nothing, if a legal hold or an object lock forbids any of it; Busy while another chore
    moves or removes what the vault holds; and what vault and catalog raise: run again, it ends what it began."""
    clock = clock or SystemClock()
    retention = catalog.retention
    with retention.sole():
        repacker = Repacker(vault, retention, clock, folder, step)
        repacker.settle()
        settle_removals(vault, retention, step)
        if not sides:
            return Expunged(None, segments=_settle(vault, catalog, repacker, step, pruned=pruned))
        places = retention.places(sides)
        _refuse_held(retention, {retention_class for retention_class, _ in places.values()})
        _refuse_locked(vault, retention, {segment for _, segment in places.values()})
        now = clock.now()
        erasure = ErasureRow(uuid7(now), now, by, reason)
        retention.plan_erasure(erasure, entries(catalog, erasure.id, sides))
        step("noted")
        return Expunged(erasure.id, len(places), _settle(vault, catalog, repacker, step, pruned=pruned))


def settle_erasures(
    vault: Vault,
    catalog: Catalog,
    folder: Path,
    *,
    clock: Clock | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> int:
    """Takes out of segments what the ledger says is erased and what some still hold, after a crash or a rebuild with an
    old copy of a segment; returns how many segments were written again. What a legal hold forbids by now waits for its
    end. Raises as `expunge`."""
    return expunge(vault, catalog, folder, {}, by="", reason="", pruned=False, clock=clock, step=step).segments


def _settle(vault: Vault, catalog: Catalog, repacker: Repacker, step: Callable[[str], None], *, pruned: bool) -> int:
    retention = catalog.retention
    held = {hold.retention_class for hold in retention.holds()}
    classes: set[str] = set()
    erasures: list[UUID] = []
    for erasure, rows in retention.unfinished_erasures():
        places = retention.places([row.exchange for row in rows])
        of_it = {retention_class for retention_class, _ in places.values()}
        if of_it & held:
            continue  # placed since it was begun: nothing of the class is destroyed until it is released
        facts.put_erasure(vault, erasure, rows)
        step("said")
        retention.mark_erased(rows, fields_left(Archive(vault, catalog), rows))
        step("erased")
        classes |= of_it
        erasures.append(erasure.id)
    if erasures:
        catalog.coverage.recount(catalog.coverage.destinations())
        step("recounted")
    due = [key for key in retention.due() if class_of(key) not in held]
    _refuse_locked(vault, retention, set(due))
    if pruned:
        dead = [key for key in retention.pruned_segments() if class_of(key) not in held and not _locked(vault, key)]
        classes.update(map(class_of, dead))
        due = sorted({*due, *dead})
    for segment in due:
        repacker.repack([segment])
    if erasures or classes:
        _erase_superseded(vault, retention, classes, step)
        retention.scrub()
        step("scrubbed")
    for identifier in erasures:
        retention.finish_erasure(identifier)
        step("finished")
    return len(due)


def _erase_superseded(
    vault: Vault, retention: RetentionCatalog, classes: set[str], step: Callable[[str], None]
) -> None:
    """At once and with every version, without the grace that readers have otherwise: they find their way."""
    moved: dict[str, str] = {}
    for old in retention.superseded():
        if old.retention_class not in classes:
            continue
        by = moved.get(old.replaced_by, old.replaced_by)
        _erase(vault, old.key, by)
        step("deleted")
        moved = {key: by if place == old.key else place for key, place in moved.items()} | {old.key: by}
        for removal in retention.forget_superseded(old.key):
            vault.delete(removal)


def _erase(vault: Vault, key: str, by: str) -> None:
    try:
        vault.stat(by)
    except NotFound:
        raise Damaged(
            f"{by} is gone from {vault.location}; {key}, which it had replaced, is still there and was"
            " not erased: it may be the only copy of what must be kept.",
            hint="Run `entrepot rebuild-catalog`, and then `entrepot expunge --yes`.",
        ) from None
    vault.erase(key)


def _refuse_held(catalog: RetentionCatalog, classes: set[str]) -> None:
    for hold in catalog.holds():
        if hold.retention_class in classes:
            raise Retained(
                f"Class {hold.retention_class} is under a legal hold since {to_rfc3339(hold.since)}"
                f" ({hold.placed_by}: {hold.reason}), until it is released.",
                hint=f"`entrepot hold release {hold.id}` releases it. Nothing was changed.",
            )


def _refuse_locked(vault: Vault, catalog: RetentionCatalog, segments: set[str]) -> None:
    """Looks at the segments, and at what they have replaced and is still there."""
    asked = segments | {row.key for row in catalog.superseded() if row.replaced_by in segments}
    until = {key: moment for key in sorted(asked) if (moment := _locked(vault, key)) is not None}
    if until:
        key = max(until, key=lambda key: until[key])
        when = "until its legal hold is lifted" if until[key] == FOREVER else f"until {to_rfc3339(until[key])}"
        raise Retained(
            f"{len(until)} segments are locked in {vault.location}, {key} {when}.",
            hint="Nothing more was changed. Run it again when the lock has ended.",
        )


def _locked(vault: Vault, key: str) -> int | None:
    try:
        return vault.locked_until(key)
    except NotFound:
        return None
