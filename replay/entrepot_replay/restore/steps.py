"""The steps of a restore with their data flow: who makes ids that others carry, and who has to wait for whom.

Only what the restore itself makes anew can come out differently: the ids in answers to a POST that makes a document
again. What such an answer brings is looked for in all requests after it. Values that earlier replays into the same
target found are put in as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.replays import StepRow
from entrepot_store.errors import Damaged, NotFound

from ..bodies import INLINE
from ..flow import Flow, Key, Make, Part, Use, request_parts, response_parts
from ..flow.order import PathOrder
from ..flow.reading import made_key, used_key
from ..mapping import IdMap
from ..outgoing import recorded_path
from .decide import Do
from .making import made_body, made_row
from .shape import Shape
from .step import RestoreStep
from .wanted import Content
from .ways import Send, Way


@dataclass(slots=True)
class Item:
    """One document that something is to be done about."""

    path: str
    do: Do
    why: str
    way: Way
    step: RestoreStep
    content: Content | None
    shape: Shape
    first_at: int


@dataclass(slots=True)
class Planned:
    """One request, with the exchange that it is planned from and its flow so far."""

    row: StepRow
    exchange: ExchangeRow
    step: RestoreStep
    uses: tuple[Use, ...]
    after: tuple[int, ...]
    barrier: bool
    makes: dict[Key, str] = field(default_factory=dict)
    own: Key | None = None

    def finish(self, used: set[Key]) -> StepRow:
        """The row to store. `used` are the keys that requests carry; only these are worth learning."""
        made = tuple(Make(where, key) for key, where in self.makes.items() if key in used or key == self.own)
        flow = Flow(made, self.uses, self.after, barrier=self.barrier)
        return replace(self.row, flow=self.step.dump(flow))


class Steps:
    """Makes the requests of one restore, in the order in which documents are given."""

    def __init__(self, archive: Archive, inherited: IdMap) -> None:
        self._archive = archive
        self._inherited = inherited
        self._order = PathOrder()
        self._makers: dict[Key, tuple[int, str]] = {}
        self.planned: list[Planned] = []

    def add(self, item: Item) -> None:
        """Raises what the vault raises when it cannot be reached."""
        sends = item.way.sends
        for place, send in enumerate(sends):
            step = replace(item.step, made=send.made, first=place == 0, last=place == len(sends) - 1)
            self._add(item, send, step)

    def rows(self) -> Iterator[StepRow]:
        used = {use.key for planned in self.planned for use in planned.uses}
        return (planned.finish(used) for planned in self.planned)

    @property
    def made(self) -> set[Key]:
        """What answers will tell anew; nothing that was known of it before counts any more."""
        return {key for planned in self.planned for key in planned.makes}

    def _add(self, item: Item, send: Send, step: RestoreStep) -> None:
        seq = len(self.planned)
        content = item.content if send.method != "DELETE" else None
        row = made_row(send.like, send.method, item.path, content) if send.made else send.like
        if send.made:
            path, body = (
                item.path.encode("latin-1", "replace"),
                b"" if content is None else made_body(content, item.shape),
            )
        else:
            path = recorded_path(row) or row.path.encode("latin-1", "replace")
            body = self._body(row, "request")
        parts = [
            part
            for part in request_parts(path, row.request.headers, row.request.content_type, body)
            if not part.secret and not part.where.startswith("header:if-")
        ]
        uses = self._uses(parts)
        after = self._order.after(seq, {row.path, item.path}, whole=send.method == "DELETE")
        waits = {use.made_by for use in uses if use.made_by is not None} | set(after or ())
        step_row = StepRow(seq, send.like.id, send.method, path.decode("latin-1"), send.like.status, len(body))
        planned = Planned(step_row, row, step, uses, tuple(sorted(waits)) if after is not None else (), after is None)
        if send.method == "POST" and item.do is Do.CREATE:
            self._makes(planned, item.path, path, parts)
        self.planned.append(planned)

    def _uses(self, parts: list[Part]) -> tuple[Use, ...]:
        uses: dict[tuple[str, Key], Use] = {}
        whole: set[str] = set()  # places whose value is known: what is inside it goes with it
        for part in parts:
            key = used_key(part)
            if key is None or part.where.rpartition("|")[0] in whole:
                continue
            maker = self._makers.get(key)
            if maker is None and self._inherited.live(key) is None:
                continue
            uses[part.where, key] = Use(part.where, key, part.text, *(maker or (None, "")))
            whole.add(part.where)
        return tuple(uses.values())

    def _makes(self, planned: Planned, document: str, path: bytes, asked: list[Part]) -> None:
        """Notes which values the answer brings: ids that the request did not carry, and the last segment of the
        document's path whatever carried it."""
        response = planned.exchange.response
        if response is None:
            return
        sent = {key for part in asked if (key := used_key(part)) is not None}
        planned.own = own_key(document)
        body = self._body(planned.exchange, "response")
        for part in response_parts(path, response.headers, response.content_type, body):
            key = None if part.secret else made_key(part)
            if key is None or key.role.startswith("etag ") or (key in sent and key != planned.own):
                continue
            planned.makes.setdefault(key, part.where)
        for key, where in planned.makes.items():
            self._makers.setdefault(key, (planned.row.seq, where))

    def _body(self, row: ExchangeRow, side: str) -> bytes:
        message = row.request if side == "request" else row.response
        if message is None or not 0 < message.size <= INLINE:
            return b""
        try:
            return self._archive.body_bytes(row, "request" if side == "request" else "response")
        except (NotFound, Damaged):
            return b""  # `ways` has looked at what is to be sent; an answer that is gone teaches nothing


def own_key(path: str) -> Key | None:
    """What the last segment of a document's path is recognised by."""
    parts = [part for part in request_parts(path.encode("latin-1", "replace"), (), "", None) if "|" not in part.where]
    return used_key(parts[-1]) if parts else None
