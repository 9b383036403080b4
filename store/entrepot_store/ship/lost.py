"""Segments that the catalog knew and the vault has lost: the gap that each of them leaves.

The vault cannot tell of them, and a rebuild empties the catalog. So their gaps are stated in the very transaction that
empties it, and each further rebuild carries them over.
"""

from collections.abc import Collection, Iterator
from itertools import batched

from ..catalog import Catalog, Shipment
from ..catalog.rows import SegmentRow
from ..model import Gap

WORKER = "vault"
"""Whose gaps these are: what is missing was captured, and lost later."""
_BEGINNING, _END = "segment ", " is gone from the vault; what only it held is missing"
_BATCH = 500


class Lost:
    """Made before the rebuild empties the catalog; `gaps` are to be stated then, `settle` ends it."""

    def __init__(self, catalog: Catalog, missing: Collection[str], *, there: Collection[str]) -> None:
        """`missing` are keys of segments that the catalog knows and that are gone, `there` those that are not. Raises
        as the catalog does."""
        self._catalog = catalog
        self._segments = [catalog.segment(key) for key in missing]
        self._held = {key: list(catalog.retention.exchanges_of(key)) for key in missing}
        self.gaps = [_gap(row, row.exchanges) for row in self._segments]
        self.gaps += [gap for gap, key in _known(catalog) if key not in there and key not in self._held]

    def settle(self) -> None:
        """Takes back the gaps of segments of which everything is in others too, and counts the rest as it is."""
        for row in self._segments:
            missing = 0
            for batch in batched(self._held[row.key], _BATCH):
                ids = [exchange.id for exchange in batch]
                missing += len(ids) - len(self._catalog.known_exchanges(ids))
            if missing != row.exchanges:
                self._catalog.take_back(_gap(row, row.exchanges))
                if missing:
                    self._catalog.add_rebuilt(Shipment(row.spool, gaps=(_gap(row, missing),)))


def _gap(row: SegmentRow, missing: int) -> Gap:
    return Gap(WORKER, row.first_at, row.last_at, missing, f"{_BEGINNING}{row.key}{_END}")


def _known(catalog: Catalog) -> Iterator[tuple[Gap, str]]:
    for row in catalog.gaps():
        reason = row.gap.reason
        if row.gap.worker == WORKER and reason.startswith(_BEGINNING) and reason.endswith(_END):
            yield row.gap, reason[len(_BEGINNING) : -len(_END)]
