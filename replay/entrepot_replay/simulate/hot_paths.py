"""Paths with many captures, known well enough that not all of them are read for every request.

Some products do everything under a few paths. The first request that has to look further than the newest captures of
its path reads them all, once; what is kept of each is enough to tell most that cannot be meant from the few that may.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from entrepot_store.catalog import ExchangeRow
from entrepot_store.redact import find_references

from .asked import Fields, fields_of, query_of

MOST = 200_000
"""Newest captures of one path that are known; older ones are not answered with."""
_PATHS = 8
"""Such paths that are known at once; the longest unused are forgotten first."""


@dataclass(slots=True, frozen=True)
class Trace:
    """What is kept of a capture: `query` stands for the fields of its query, None where they hold references to secrets
    and may be equal to many; `digest` for its request's body."""

    id: UUID
    method: str
    query: int | None
    digest: bytes


def query_mark(fields: Fields) -> int | None:
    """Equal for equal fields."""
    return None if any(find_references(value) for _, value in fields) else hash(fields)


class HotPaths:
    """The traces by path, newest first. Safe to use from several threads, of which one reads a path for all."""

    def __init__(self, ignored: frozenset[bytes]) -> None:
        self._ignored = ignored
        self._lock = threading.Lock()
        self._known: OrderedDict[str, list[Trace]] = OrderedDict()

    def traces(self, path: str, newest_first: Callable[[], Iterable[ExchangeRow]]) -> list[Trace]:
        with self._lock:
            known = self._known.pop(path, None)
            if known is None:
                known = [self._trace(row) for row in newest_first()]
            self._known[path] = known
            if len(self._known) > _PATHS:
                self._known.popitem(last=False)
            return known

    def _trace(self, row: ExchangeRow) -> Trace:
        fields = fields_of(query_of(row.url), self._ignored)
        return Trace(row.id, row.method, query_mark(fields), row.request.digest[:8])
