"""Pins and legal holds: said in the vault first, so that a rebuild knows them, and then in the catalog.

A crash between the two leaves a pin or hold that the catalog learns of at the next rebuild, and a person at the error
that the command ended with; doing it again makes another one, which does no harm.
"""

from uuid import UUID

from ..catalog.retention import HoldRow, PinRow, RetentionCatalog
from ..clock import Clock
from ..errors import NotFound
from ..model import uuid7
from ..vault import Vault
from . import facts


def pin(
    vault: Vault,
    catalog: RetentionCatalog,
    clock: Clock,
    document: UUID,
    *,
    version: UUID | None = None,
    at: int | None = None,
    by: str,
    note: str = "",
) -> PinRow:
    """Pins one version, or what the document was at a moment (microseconds), whatever arrives late. Raises ValueError
    unless exactly one of the two is given, and what vault and catalog raise."""
    if (version is None) == (at is None):
        raise ValueError("a pin is of a version or of a moment")
    now = clock.now()
    row = PinRow(uuid7(now), document, version, at, now, by, note)
    facts.put_pin(vault, row)
    catalog.add_pin(row)
    return row


def unpin(vault: Vault, catalog: RetentionCatalog, clock: Clock, identifier: UUID, *, by: str) -> PinRow:
    """Raises NotFound, and what vault and catalog raise."""
    if all(row.id != identifier for row in catalog.pins()):
        raise NotFound(f"There is no pin {identifier}.", hint="`entrepot pins` lists them.")
    facts.put_unpin(vault, identifier, clock.now(), by)
    return catalog.remove_pin(identifier)


def hold(
    vault: Vault, catalog: RetentionCatalog, clock: Clock, retention_class: str, *, by: str, reason: str
) -> HoldRow:
    """From here on nothing of the class is pruned or expunged. Raises what vault and catalog raise."""
    now = clock.now()
    row = HoldRow(uuid7(now), retention_class, now, by, reason)
    facts.put_hold(vault, row)
    catalog.add_hold(row)
    return row


def release(vault: Vault, catalog: RetentionCatalog, clock: Clock, identifier: UUID, *, by: str) -> None:
    """Raises NotFound, and what vault and catalog raise."""
    if all(row.id != identifier for row in catalog.holds()):
        raise NotFound(f"There is no hold {identifier}.", hint="`entrepot hold` lists them.")
    now = clock.now()
    facts.put_release(vault, identifier, now, by)
    catalog.release_hold(identifier, now, by)
