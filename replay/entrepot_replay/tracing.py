"""Reads the captured exchanges for the data flow: which values the lost service made, and who uses them.

The first of planning's two passes. It decides which reads belong into the plan (a later write needs what they were
answered), and gives every step its flow. Only what could be a value's first appearance is read from the vault: a poll
that was answered as before says nothing new.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from entrepot_store.archive import Archive, Side
from entrepot_store.catalog import ExchangeRow
from entrepot_store.errors import Damaged, NotFound

from .bodies import INLINE, captured
from .flow import Analysis, Flow, Part, request_parts, response_parts
from .flow.bodies import is_form, is_json, is_text
from .flow.order import PathOrder
from .outgoing import recorded_path
from .selection import READS, Chosen, Selection, Skip, choose

_PROBED = frozenset({Skip.READ, Skip.HEALTH_CHECK})


@dataclass(frozen=True, slots=True)
class Unread:
    """A body that the data flow was not read out of, and why: values in it are sent as recorded."""

    exchange: UUID
    why: str


class Tracing:
    """The data flow of one plan. `watch` every exchange, then `close`, then `flow` of each step in recorded order."""

    def __init__(self, archive: Archive, selection: Selection, hide: Callable[[bytes], str] | None) -> None:
        self._archive = archive
        self._selection = selection
        self._analysis = Analysis(hide)
        self._order: list[UUID] = []
        self._steps: set[UUID] = set()
        self._listed: set[UUID] = set()
        self._paths: dict[UUID, tuple[str, ...]] = {}
        self._answered: set[tuple[str, bytes]] = set()
        self._keyed: set[tuple[str, str, bytes]] = set()
        self._repeated: set[UUID] = set()
        self._flows: dict[UUID, Flow] = {}
        self._numbers: dict[UUID, int] = {}
        self._path_order = PathOrder()
        self.probes: set[UUID] = set()
        self.unread: list[Unread] = []

    def watch(self, row: ExchangeRow) -> None:
        """The next exchange. Raises what the vault raises when it cannot be reached; a body that is gone or damaged is
        noted as unread."""
        chosen = choose(row, self._selection)
        if chosen.skip is None and self._is_repeated(row):
            self._repeated.add(row.id)
            chosen = Chosen(Skip.REPEATED, listed=True)
        is_step = chosen.skip is None
        if is_step:
            self._steps.add(row.id)
        elif chosen.listed:
            self._listed.add(row.id)
        if not is_step and not self._may_tell(row, chosen):
            if chosen.listed:
                self._order.append(row.id)
            return
        self._order.append(row.id)
        path = recorded_path(row) or captured(self._archive, row).request.path
        asked = list(request_parts(path, row.request.headers, row.request.content_type, self._body(row, "request")))
        answered: Iterable[Part] = ()
        if row.response is not None and row.status is not None and row.status < 400:
            response = row.response
            answered = response_parts(path, response.headers, response.content_type, self._body(row, "response"))
        if is_step:
            named = tuple({part.text for part in asked if part.text.startswith("/") and part.where.startswith("json:")})
            if named:
                self._paths[row.id] = named
        self._analysis.see(row.id, asked, answered, writes=is_step)

    def close(self) -> None:
        """Ends the first pass: from here on it is known which reads are needed and which number each step has."""
        self.probes = self._analysis.needed(self._steps)
        kept = [one for one in self._order if one in self._steps or one in self._listed or one in self.probes]
        self._numbers = {one: seq for seq, one in enumerate(kept)}
        sent = {one: seq for one, seq in self._numbers.items() if one in self._steps or one in self.probes}
        self._flows = self._analysis.flows(sent, self.probes)

    def number(self, exchange: UUID) -> int | None:
        """The number of an exchange that is a step or listed as skipped."""
        return self._numbers.get(exchange)

    def chosen(self, row: ExchangeRow) -> Chosen:
        """The decision on an exchange, with the reads that others need among the steps."""
        if row.id in self.probes:
            return Chosen(None)
        return Chosen(Skip.REPEATED, listed=True) if row.id in self._repeated else choose(row, self._selection)

    def flow(self, seq: int, row: ExchangeRow) -> Flow:
        """The flow of a step; to be asked in recorded order, once each."""
        flow = self._flows.pop(row.id, Flow())
        paths = (row.path, *self._paths.pop(row.id, ()))
        whole = flow.probe or row.method.upper() in READS or row.method.upper() == "DELETE"
        after = self._path_order.after(seq, paths, whole=whole)
        if after is None:
            return replace(flow, after=(), barrier=True)
        return replace(flow, after=tuple(sorted({*flow.after, *after})))

    def _is_repeated(self, row: ExchangeRow) -> bool:
        """Whether a client sent a write again that had succeeded, and said so by the same `Idempotency-Key`."""
        keys = [value for name, value in row.request.headers if name.lower() == b"idempotency-key"]
        if not keys:
            return False
        write = (row.method, row.url, keys[0])
        if write in self._keyed:
            return True
        self._keyed.add(write)
        return False

    def _may_tell(self, row: ExchangeRow, chosen: Chosen) -> bool:
        """Whether an exchange that is no step may have brought a value into the world."""
        if chosen.skip not in _PROBED or row.response is None or row.status is None or row.status >= 400:
            return False
        place = (row.url, row.response.digest)
        if place in self._answered:
            return False
        self._answered.add(place)
        return True

    def _body(self, row: ExchangeRow, side: Side) -> bytes | None:
        message = row.request if side == "request" else row.response
        if message is None or message.size == 0:
            return None
        kind = message.content_type
        if not (is_json(kind) or is_form(kind) or is_text(kind)):
            return None
        if message.size > INLINE and not kind:
            return None  # long and of no type: content, and no message
        if message.size > INLINE:
            self.unread.append(Unread(row.id, f"its {side} is longer than {INLINE} bytes"))
            return None
        try:
            return self._archive.body_bytes(row, side)
        except (NotFound, Damaged) as error:
            self.unread.append(Unread(row.id, str(error)))
            return None
