"""What was captured of one product up to a moment, as the simulation looks it up: by path, newest or oldest first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat
from uuid import UUID

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, ExchangeRow, Order
from entrepot_store.catalog.documents import Side
from entrepot_store.documents.canonical import LONGEST_JSON, is_json, parse_json
from entrepot_store.documents.coded import codings_of, uncoded
from entrepot_store.documents.effects import Said, statements
from entrepot_store.errors import NotFound

from .hot_paths import MOST, HotPaths, Trace

_READ = 500
"""Newest exchanges of one path that are read for a request; of those behind them only what may be meant is."""
_MEANT = 500
_FOLLOWING = 5_000
_PAGES = (20, 500, 5_000)
"""Lengths of the first page, of the second, and of all others: what decides mostly is the newest."""


@dataclass(frozen=True, slots=True)
class Captures:
    """The exchanges with `destination` that started up to `at` (microseconds, inclusive)."""

    archive: Archive
    destination: str
    at: int
    hot: HotPaths

    def of_paths(
        self, paths: tuple[str, ...], until: int, meant: Callable[[Trace], bool] = lambda _: True
    ) -> Iterator[ExchangeRow]:
        """Those of the first path that has any, newest first, started up to `until` (inclusive). Of old ones only those
        that may be `meant`."""
        for path in paths:
            last: ExchangeRow | None = None
            for number, row in enumerate(self._pages(self._where(path=path, since=0, until=until), Order.NEWEST)):
                if number == _READ and last is not None:
                    yield from self._old(path, last.id, meant)
                    break
                yield row
                last = row
            if last is not None:
                return

    def _old(self, path: str, before: UUID, meant: Callable[[Trace], bool]) -> Iterator[ExchangeRow]:
        everything = self._where(path=path, since=0, until=self.at)
        traces = self.hot.traces(path, lambda: islice(self._pages(everything, Order.NEWEST), MOST))
        for trace in islice((trace for trace in traces if trace.id < before and meant(trace)), _MEANT):
            try:
                yield self.archive.catalog.exchange(trace.id)
            except NotFound:
                continue  # pruned since

    def following(self, path: str, since: int, until: int) -> list[ExchangeRow]:
        """The first of one path in the order of time, both ends inclusive."""
        return list(islice(self._pages(self._where(path=path, since=since, until=until), Order.OLDEST), _FOLLOWING))

    def some(self, *, template: str | None = None, prefix: str | None = None, limit: int) -> list[ExchangeRow]:
        """A few of the newest under a template or below a prefix. Raises BadInput for what is no template."""
        where = ExchangeFilter(
            destination=(self.destination,), path_template=template, path_prefix=prefix, until=self.at + 1
        )
        return self.archive.catalog.exchanges(where, limit=limit).items

    def later(self, path: str, after: int) -> ExchangeRow | None:
        """The first one of a path that started behind the moment."""
        where = self._where(path=path, since=after + 1, until=None)
        return next(iter(self.archive.catalog.exchanges(where, limit=1, order=Order.OLDEST).items), None)

    def statements(self, row: ExchangeRow) -> list[Said]:
        """What the exchange says about documents, whether a rule protects them or not. Raises what reading it does."""
        return list(statements(row, lambda side: self._json(row, side)))

    def _json(self, row: ExchangeRow, side: Side) -> object:
        message = row.request if side == "request" else row.response
        if message is None or not is_json(message.content_type) or not 0 < message.size <= LONGEST_JSON:
            return None
        try:
            return parse_json(uncoded(self.archive.body_bytes(row, side), codings_of(message), LONGEST_JSON))
        except (ValueError, RecursionError):
            return None  # not what it says that it is
        except NotFound:
            return None  # erased or pruned in this very moment

    def _where(self, *, path: str, since: int, until: int | None) -> ExchangeFilter:
        return ExchangeFilter(
            destination=(self.destination,), path=path, since=since, until=None if until is None else until + 1
        )

    def _pages(self, where: ExchangeFilter, order: Order) -> Iterator[ExchangeRow]:
        catalog, cursor = self.archive.catalog, None
        for limit in chain(_PAGES, repeat(_PAGES[-1])):
            page = catalog.exchanges(where, limit=limit, cursor=cursor, order=order)
            yield from page.items
            if page.next is None:
                return
            cursor = page.next
