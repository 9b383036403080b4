"""Answers requests out of an archive as of a moment, in the place of the product that was captured."""

from collections.abc import Sequence as Sequence_
from dataclasses import dataclass, field

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, ExchangeRow, Order
from entrepot_store.catalog.documents import Effect
from entrepot_store.catalog.rows import GapRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.errors import BadInput, NotFound
from entrepot_store.jsonpaths import Path

from .answer import Answer, Unanswerable, make_answer
from .asked import Asked, fields_of
from .captures import Captures
from .found import Found, Missing, Near, Recorded, State
from .hot_paths import HotPaths
from .nearest import nearest
from .progress import Progress, Sequence
from .reads import Reader
from .writes import Writes


@dataclass(frozen=True, slots=True)
class Options:
    """`ignored_query` are names of query fields, `ignored_json` JSONPaths of body fields that tell no requests apart;
    `chosen_query` are sets of query fields by which rules name documents."""

    sequence: Sequence = Sequence.WRITES
    ignored_query: frozenset[bytes] = frozenset()
    ignored_json: Sequence_[Path] = ()
    chosen_query: Sequence_[frozenset[str]] = ()


@dataclass(frozen=True, slots=True)
class Missed:
    """Nothing answers the request. `why` is a sentence; `near` are the captures that come nearest."""

    why: str
    near: list[Near] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Window:
    """What there is to answer with: exchanges, when the first and the last of them started, and the gaps between."""

    exchanges: int
    first_at: int
    last_at: int
    gaps: list[GapRow]


class Simulation:
    """One product, `destination`, as of `at` (microseconds since the epoch). Reads the archive, and writes nothing.

    `key` is the redaction key, if it is known: with it the references to secrets can be told from one another.
    Safe to use from several threads.
    """

    def __init__(
        self,
        archive: Archive,
        destination: str,
        at: int,
        options: Options | None = None,
        *,
        key: bytes | None = None,
    ) -> None:
        options = options or Options()
        self.archive = archive
        self.destination = destination
        self.at = at
        self._sequence = options.sequence
        self._ignored = options.ignored_query
        self._captures = Captures(archive, destination, at, HotPaths(options.ignored_query))
        self._reader = Reader(self._captures, options.ignored_query, options.chosen_query, key)
        self._writes = Writes(self._captures, options.ignored_query, options.ignored_json, key)
        self._progress = Progress()

    def window(self) -> Window:
        """Raises NotFound if nothing was captured of the product, BadInput if nothing was by that moment."""
        catalog = self.archive.catalog
        where = ExchangeFilter(destination=(self.destination,), until=self.at + 1)
        ends = [catalog.exchanges(where, limit=1, order=order).items for order in (Order.OLDEST, Order.NEWEST)]
        if not ends[0]:
            self._refuse()
        first, last = ends[0][0].started_at, ends[1][0].started_at
        gaps = [row for row in catalog.gaps() if row.gap.since <= self.at and row.gap.until >= first]
        return Window(catalog.count(where), first, last, gaps)

    def answer(self, asked: Asked, at: int | None = None) -> Answer | Missed:
        """The answer as of the simulation's moment, or for a read as of `at`, if that is earlier; before the first
        capture the first counts. Raises what catalog and vault do: CatalogUnavailable, VaultUnavailable, VaultDenied,
        Damaged."""
        missing = Missing()
        until = self.at if at is None else min(at, self.at)
        found = self._find(asked, until, missing, dated=at is not None)
        if found is None:
            return self._missed(asked, until, missing)
        if isinstance(found, State) and found.effect is Effect.TOMBSTONE:
            found = self._gone(asked, found)
        try:
            return make_answer(self.archive, found)
        except Unanswerable as reason:
            return Missed(f"What was captured of it cannot be given: {reason}.", [Near(found.row, str(reason))])
        except NotFound as error:
            # Pruned or erased between the look at the catalog and at the vault.
            return Missed(f"What was captured of it is not stored any more: {error.message}", [Near(found.row, "gone")])

    def _find(self, asked: Asked, until: int, missing: Missing, *, dated: bool) -> Found | None:
        if not asked.reads:
            return self._write(asked, until, missing)
        if not dated:
            written = self._progress.written(asked.paths) if self._sequence is not Sequence.NONE else None
            if written is not None:
                following = self._next(asked, written + 1, missing, own=True)
                return following or self._reader.as_of(asked, min(written, until), missing)
            if self._sequence is Sequence.ALL and (following := self._next(asked, 0, missing, own=False)) is not None:
                return following
        found = self._reader.as_of(asked, until, missing)
        if found is None and dated and (begun := self._reader.begun(asked)) is not None:
            return self._reader.as_of(asked, begun, missing)  # RFC 7089 §4.5.3: before the first, the first
        return found

    def _write(self, asked: Asked, until: int, missing: Missing) -> Recorded | None:
        rows = self._writes.matching(asked, until, missing)
        if not rows:
            return None
        row = rows[-1]
        if self._sequence is not Sequence.NONE:
            row = rows[self._progress.turn(("write", asked.method, *self._place(asked), rows[0].id), len(rows))]
            self._note(row)
        return Recorded(row, row.started_at + row.duration_us)

    def _note(self, row: ExchangeRow) -> None:
        """Reads of what the write made go on behind it. An incomplete one says nothing."""
        for said in self._captures.statements(row):
            if not said.prefix:
                self._progress.wrote(said.path, row.started_at + row.duration_us)

    def _next(self, asked: Asked, since: int, missing: Missing, *, own: bool) -> Recorded | None:
        states = self._reader.states(asked, since, self.at, missing, own=own)
        if not states:
            return None
        return states[self._progress.turn(("read", since, *self._place(asked), states[0].row.id), len(states))]

    def _gone(self, asked: Asked, state: State) -> Found:
        """The product's own answer to a read of what was gone, if it was read then."""
        states = self._reader.states(asked, state.moment + 1, self.at, Missing(), own=True)
        return next((Recorded(one.row, state.moment) for one in states if one.row.status in (404, 410)), state)

    def _place(self, asked: Asked) -> tuple[object, ...]:
        return asked.path, fields_of(asked.query, self._ignored)

    def _missed(self, asked: Asked, until: int, missing: Missing) -> Missed:
        near = nearest(self._captures, asked, until, missing)
        what = f"{asked.method} {asked.path}{'?' + asked.query if asked.query else ''}"
        why = f"No capture answers {what}." if missing.near else f"{what} was not captured by {to_rfc3339(until)}."
        return Missed(why, near)

    def _refuse(self) -> None:
        catalog = self.archive.catalog
        where = ExchangeFilter(destination=(self.destination,))
        later = catalog.exchanges(where, limit=1, order=Order.OLDEST).items
        if later:
            begun = to_rfc3339(later[0].started_at)
            raise BadInput(
                f"--at: by {to_rfc3339(self.at)} nothing to {self.destination} was captured yet; the first exchange is "
                f"of {begun}.",
                hint=f"Ask for {begun} or later.",
            )
        known = [product.name for product in catalog.products() if product.as_destination]
        shown = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
        raise NotFound(
            f"Nothing to {self.destination!r} was captured.",
            hint=f"Captured are: {shown}." if known else "Nothing at all was captured yet.",
        )
