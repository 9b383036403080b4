"""Removes segments that others have taken the place of, when nobody can be reading them any more: whoever looked an
exchange up before it moved goes on reading where it was.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..catalog.retention import RetentionCatalog
from ..errors import NotFound, VaultDenied
from ..vault import Vault

GRACE_US = 3600 * 1_000_000
"""An hour, in microseconds; a reader that takes longer for one payload finds it where it is now."""


@dataclass(slots=True, frozen=True)
class Swept:
    """`waiting` are in their grace; `denied` are those that the vault would not remove, each with the reason."""

    removed: int = 0
    bytes: int = 0
    waiting: int = 0
    denied: tuple[tuple[str, str], ...] = ()


def sweep(
    vault: Vault,
    catalog: RetentionCatalog,
    now: int,
    *,
    grace: int = GRACE_US,
    step: Callable[[str], None] = lambda _: None,
) -> Swept:
    """Removes what was replaced more than `grace` microseconds before `now`, oldest first, and removals that speak of
    nothing else. Only inside `RetentionCatalog.sole`. Raises what vault and catalog raise, but for VaultDenied."""
    removed = size = waiting = 0
    moved: dict[str, str] = {}
    denied: list[tuple[str, str]] = []
    for row in catalog.superseded():
        if row.since > now - grace:
            waiting += 1
            continue
        try:
            # Asked for by name: whatever replaced it, or replaced that meanwhile, must be there before it goes.
            vault.stat(by := moved.get(row.replaced_by, row.replaced_by))
        except NotFound:
            denied.append((row.key, f"{by}, which replaced it, is not in the vault"))
            continue
        try:
            vault.delete(row.key)
        except VaultDenied as error:
            denied.append((row.key, str(error)))
            continue
        step("deleted")
        moved = {key: by if place == row.key else place for key, place in moved.items()} | {row.key: by}
        for removal in catalog.forget_superseded(row.key):
            vault.delete(removal)
        step("forgotten")
        removed += 1
        size += row.size
    for removal in catalog.empty_removals():  # a crash came between the segment and the removal
        vault.delete(removal)
        catalog.withdraw_removal(removal)
    return Swept(removed, size, waiting, tuple(denied))
