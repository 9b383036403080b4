"""What was captured of one product up to a moment, as the simulation looks it up: by path, newest or oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, ExchangeRow, Order
from entrepot_store.catalog.documents import Side
from entrepot_store.documents.canonical import LONGEST_JSON, is_json, parse_json
from entrepot_store.documents.coded import codings_of, uncoded
from entrepot_store.documents.effects import Said, statements
from entrepot_store.errors import NotFound

MOST = 5_000
"""Exchanges of one path that are looked at for one request."""
_FIRST_PAGE = 20
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Captures:
    """The exchanges with `destination` that started up to `at` (microseconds, inclusive)."""

    archive: Archive
    destination: str
    at: int

    def of_paths(self, paths: tuple[str, ...], until: int, *, since: int = 0) -> Iterator[ExchangeRow]:
        """Those of the first path that has any, newest first, started from `since` to `until` (both inclusive)."""
        for path in paths:
            found = self._pages(self._where(path=path, since=since, until=until), Order.NEWEST)
            if (newest := next(found, None)) is not None:
                yield newest
                yield from islice(found, MOST - 1)
                return

    def following(self, path: str, since: int, until: int) -> list[ExchangeRow]:
        """Those of one path in the order of time, both ends inclusive; the first `MOST`."""
        return list(islice(self._pages(self._where(path=path, since=since, until=until), Order.OLDEST), MOST))

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
        """The first page is short: what decides mostly is the newest."""
        catalog, cursor, limit = self.archive.catalog, None, _FIRST_PAGE
        while True:
            page = catalog.exchanges(where, limit=limit, cursor=cursor, order=order)
            yield from page.items
            if page.next is None:
                return
            cursor, limit = page.next, _PAGE
