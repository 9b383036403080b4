"""Whole exchanges, bodies and all, for everything that a filter selects.

Segments are read one after another from their beginning, each once: a record at a time would cost a request to the
vault for every body. So exchanges come segment by segment, which is in order of time to a second or so.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import batched
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from ..archive import Archive
from ..catalog import ExchangeFilter
from ..model import Exchange
from ..segment.reader import SegmentReader, VaultSource

_WINDOW = 50_000
"""Ids held in memory at once. A segment that spans two windows is read twice."""


def whole_exchanges(archive: Archive, where: ExchangeFilter, spill: Path | None) -> Iterator[Exchange]:
    """Every exchange that `where` selects, oldest segments first. Bodies over 1 MiB are files in `spill`, removed
    when the next exchange is asked for; with None all are in memory. Bodies are decoded, as `Body.decoded` says.

    Raises NotFound, Damaged, TooNew, and what vault and catalog raise.
    """
    for window in batched(archive.catalog.iterate(where), _WINDOW):
        wanted: dict[tuple[str, str], set[UUID]] = {}
        for row in window:
            wanted.setdefault((row.segment, row.retention_class), set()).add(row.id)
        for (segment, retention_class), ids in wanted.items():
            yield from _of_segment(archive, segment, retention_class, ids, spill)


def _of_segment(
    archive: Archive, segment: str, retention_class: str, ids: set[UUID], spill: Path | None
) -> Iterator[Exchange]:
    def resolve(digest: bytes) -> AbstractContextManager[BinaryIO]:
        return archive.payload(retention_class, digest)

    for exchange in SegmentReader(VaultSource(archive.vault, segment)).exchanges(resolve, spill):
        try:
            if exchange.id in ids:
                ids.discard(exchange.id)
                yield exchange
                if not ids:
                    return
        finally:
            for body in (exchange.request.body, exchange.response.body if exchange.response else None):
                if spill is not None and body is not None and body.file is not None:
                    (spill / body.file).unlink(missing_ok=True)
