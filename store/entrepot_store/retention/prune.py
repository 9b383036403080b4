"""Does what a plan says. The order of the steps is the promise:

    written down → said in the vault (a removal) → one catalog transaction → segments repacked → old ones removed

So what goes is first forgotten and then removed, and a rebuild at any moment knows at least what the catalog knew.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from uuid import UUID

from ..catalog.retention import RetentionCatalog
from ..clock import Clock, SystemClock
from ..compact.grace import GRACE_US, Swept, sweep
from ..compact.groups import DEAD_PART, heavy
from ..compact.repack import Repacker
from ..config.rule import RuleConfig
from ..errors import NotFound
from ..model import uuid7
from ..vault import Vault
from . import facts
from .plan import Going, Plan, make_plan

_BATCH = 20_000
"""Exchanges that one transaction forgets."""


@dataclass(slots=True, frozen=True)
class Pruned:
    """`removed` exchanges are forgotten; `repacked` segments were written again without them."""

    plan: Plan
    removed: int = 0
    repacked: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    swept: Swept = field(default_factory=Swept)


def prune(
    vault: Vault,
    catalog: RetentionCatalog,
    rules: Sequence[RuleConfig],
    folder: Path,
    *,
    clock: Clock | None = None,
    grace: int = GRACE_US,
    dead_part: float = DEAD_PART,
    progress: Callable[[int, int], None] = lambda done, total: None,
    step: Callable[[str], None] = lambda _: None,
) -> Pruned:
    """Plans and does it. `progress(done, total)` counts exchanges. Segments of which more than `dead_part` is dead are
    written again.

    Raises BadInput for an empty policy; Busy while another chore moves or removes what the vault holds; and what vault
    and catalog raise.
    """
    clock = clock or SystemClock()
    with catalog.sole():
        repacker = Repacker(vault, catalog, clock, folder, step)
        repacker.settle()
        settle_removals(vault, catalog, step)
        pinned = {pin.id for pin in catalog.pins()}
        plan = make_plan(catalog, rules, clock.now())
        step("plan")
        removed, spared = 0, False
        for batch in _batches(plan.going):
            # Pins and holds that were placed since the plan was made.
            held = any(hold.retention_class == batch[0].retention_class for hold in catalog.holds())
            left = [] if held or (spared and batch[0].ends) else _unpinned(catalog, plan, batch, pinned)
            spared = spared or len(left) < len(batch)
            if left:
                removed += _remove(vault, catalog, clock, left, step)
            progress(removed, len(plan.going))
        # Also what a prune that was killed left out: nothing says which flows it had touched.
        catalog.recount_flows()
        step("recounted")
        before = after = repacked = 0
        for weight in list(heavy(catalog.weights(), part=dead_part)):
            merged, _ = repacker.repack([weight.segment.key])
            if merged is not None:
                repacked += 1
                before += weight.segment.size
                after += merged.segment.size
        swept = sweep(vault, catalog, clock.now(), grace=grace, step=step)
    return Pruned(plan, removed, repacked, before, after, swept)


def settle_removals(vault: Vault, catalog: RetentionCatalog, step: Callable[[str], None] = lambda _: None) -> None:
    """Finishes removals that a crash interrupted, if they got as far as the vault; unless a legal hold has come since:
    then they are taken back. Only inside `RetentionCatalog.sole`."""
    held = {hold.retention_class for hold in catalog.holds()}
    for key in catalog.removals(done=False):
        try:
            said = facts.read_removal(vault, key)
        except NotFound:
            catalog.withdraw_removal(key)
            continue
        if key.split("/")[1] in held:
            vault.delete(key)
            catalog.withdraw_removal(key)
            continue
        catalog.remove_exchanges(key, {identifier for ids in said.values() for identifier in ids})
        step("removed")


def _batches(going: Sequence[Going]) -> list[Sequence[Going]]:
    """Of one class each; what says that documents were deleted comes last."""
    by_class: defaultdict[tuple[bool, str], list[Going]] = defaultdict(list)
    for found in going:
        by_class[found.ends, found.retention_class].append(found)
    return [batch for place in sorted(by_class) for batch in batched(by_class[place], _BATCH)]


def _unpinned(
    catalog: RetentionCatalog, plan: Plan, batch: Sequence[Going], known: Collection[UUID]
) -> Sequence[Going]:
    """Without anything of documents that have pins beside the known ones."""
    documents = {pin.document for pin in catalog.pins() if pin.id not in known}
    if not documents:
        return batch
    histories = (found.history for found in plan.documents if found.history.document in documents)
    theirs = {look.exchange for history in histories for look in history.looks}
    return [going for going in batch if going.id not in theirs]


def _remove(
    vault: Vault, catalog: RetentionCatalog, clock: Clock, batch: Sequence[Going], step: Callable[[str], None]
) -> int:
    segments: defaultdict[str, list[UUID]] = defaultdict(list)
    for found in batch:
        segments[found.segment].append(found.id)
    key = facts.removal_key(batch[0].retention_class, uuid7(clock.now()))
    catalog.plan_removal(key, segments)
    step("noted")
    facts.put_removal(vault, key, clock.now(), segments)
    step("said")
    removed = catalog.remove_exchanges(key, [found.id for found in batch])
    step("removed")
    return removed
