"""Looks at the documents at the target, one after the other, and finds out what is to be done about each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.errors import BadInput, Damaged, NotFound

from ..bodies import INLINE
from ..errors import Unsendable
from ..flow import request_parts
from ..flow.reading import used_key
from ..mapping import IdMap
from ..sender import Sender
from .decide import Decision, Do, decide
from .history import Document, History, Kin, parents
from .live import Live, Looker, There, find
from .request import Request
from .same import decides, differences, was_changed
from .step import RestoreStep
from .steps import Item, own_key
from .wanted import Content, Evidence, NoContent, State, Wanted, content_of, evidence_of, state_at
from .ways import NoWay, Way, create, delete, update

MOST_WARNINGS = 50
"""Documents that others depend on, named one by one."""


@dataclass(slots=True)
class Skipped:
    """A document that nothing is done about."""

    step: RestoreStep
    exchange: ExchangeRow


@dataclass(slots=True)
class Survey:
    """Looks at the documents, one after the other."""

    archive: Archive
    history: History
    request: Request
    looker: Looker
    sender: Sender
    idmap: IdMap
    _absent: dict[str, bool] = field(default_factory=dict)

    def items(self, paths: Iterable[str]) -> tuple[list[Item], list[Skipped]]:
        """What is to be done, in the order in which it is: makers before users, and what is taken away last, the
        deepest first."""
        found: list[Item] = []
        skipped: list[Skipped] = []
        for path in paths:
            one = self._document(self.history.documents[path])
            if isinstance(one, Item):
                found.append(one)
            else:
                skipped.append(one)
        found.sort(
            key=lambda item: (item.do is Do.DELETE, -item.path.count("/") if item.do is Do.DELETE else item.first_at)
        )
        return found, skipped

    def needed(self, items: list[Item], chosen: set[str]) -> list[str]:
        """Sentences on documents that those to be made depend on, and that are neither there nor made."""
        others = {path: document for path, document in self.history.documents.items() if path not in chosen}
        if not others:
            return []
        keys = {own_key(path): path for path in others}
        keys.pop(None, None)
        said: dict[str, None] = {}
        for item in items:
            if item.do is Do.DELETE:
                continue
            for path in self._depends_on(item, keys, others):
                if len(said) < MOST_WARNINGS and self._is_absent(others[path]):
                    said[f"{item.path} depends on {path}, which is missing at the target and not asked for."] = None
        return [*said]

    def _depends_on(self, item: Item, keys: dict[Any, str], others: dict[str, Document]) -> set[str]:
        found = {path for path in parents(item.path) if path in others}
        for send in item.way.sends:
            if send.made:
                content = b"" if item.content is None else item.content.data
            else:
                short = send.like.request.size <= INLINE
                content = self.archive.body_bytes(send.like, "request") if short else b""
            for part in request_parts(item.path.encode("latin-1", "replace"), (), "application/json", content):
                path = keys.get(used_key(part))
                if path is not None and path != item.path:
                    found.add(path)
        return found

    def _is_absent(self, document: Document) -> bool:
        if document.path not in self._absent:
            wanted = state_at(self.archive, self.request.destination, document, self.request.at)
            live = self._look(document) if wanted.state is State.PRESENT else None
            self._absent[document.path] = live is not None and live.there is There.ABSENT
        return self._absent[document.path]

    def _look(self, document: Document) -> Live:
        return self._looks(document)[0]

    def _looks(self, document: Document) -> Sequence[Live]:
        try:
            return find(self.looker, self.sender, like_of(document), document.path, self.idmap)
        except Unsendable as error:
            raise BadInput(
                f"The target cannot be asked for {document.path}: {error}.",
                hint="Give --credential NAME=env:VARIABLE (or file:PATH, cmd:COMMAND), or --without-credentials. "
                "Nothing was sent.",
            ) from None

    def _document(self, document: Document) -> Item | Skipped:
        archive, path = self.archive, document.path
        wanted = state_at(archive, self.request.destination, document, self.request.at)
        kin = self.history.kin(path)
        content, evidence, lack = _content(archive, wanted)
        wanted = replace(wanted, unseen=_is_unseen(archive, wanted, content, kin))
        live, same = self._compared(document, content, kin)
        decision = decide(wanted.state, live, self.request.modes, same=same)
        if decision.do is Do.CANNOT and same is None and lack:
            decision = Decision(Do.CANNOT, lack)
        step = RestoreStep(path, decision.do, decision.why, digest=live.digest, evidence=evidence, shape=kin.shape)
        try:
            way = _way(archive, decision.do, wanted, content, kin)
        except NoWay as error:
            way, step = None, replace(step, do=Do.CANNOT, why=f"{decision.why}: {error}")
        if way is None:
            return Skipped(step, like_of(document))
        step = replace(step, how=way.how)
        shape = kin.shape
        first = way.sends[0].like.started_at if not way.sends[0].made else wanted.since
        kept = content if any(send.made for send in way.sends) else None  # the others come from the vault when they go
        return Item(path, decision.do, decision.why, way, step, kept, shape, first)

    def _compared(self, document: Document, content: Content | None, kin: Kin) -> tuple[Live, bool | None]:
        """What is there, and whether it is the content; where the document was counts only if it is."""
        found: list[tuple[Live, bool | None]] = []
        for live in self._looks(document):
            same: bool | None = None
            if live.there is There.PRESENT and live.answer is not None and content is not None:
                told = differences(content, live.answer, document.path, shape=kin.shape, idmap=self.idmap, now=live.at)
                same = not decides(told)
            found.append((live, same))
        return next((one for one in found[1:] if one[1]), found[0])


def like_of(document: Document) -> ExchangeRow:
    """The exchange whose headers a look at the document carries: the last read of it, else the last write."""
    reads = [event.row for event in document.events if event.reads and event.row.path == document.path]
    return (reads or [event.row for event in document.events])[-1]


def _content(archive: Archive, wanted: Wanted) -> tuple[Content | None, Evidence | None, str]:
    """The content, where it is, and, if there is none, why."""
    if wanted.state is not State.PRESENT:
        return None, None, ""
    try:
        evidence = evidence_of(wanted)
        return content_of(archive, evidence), evidence, ""
    except NoContent as error:
        return None, None, str(error)
    except (NotFound, Damaged) as error:
        return None, None, error.message.rstrip(".")


def _is_unseen(archive: Archive, wanted: Wanted, content: Content | None, kin: Kin) -> bool:
    """Whether somebody whose writes were not captured changed it after the last of those that were."""
    if wanted.event is None or not wanted.event.reads or content is None or not wanted.writes:
        return False
    try:
        left = evidence_of(Wanted(wanted.path, wanted.state, wanted.writes[-1]))
        return was_changed(content_of(archive, left), content, wanted.path, kin.shape)
    except (NoContent, NotFound, Damaged):
        return False  # what the writes left is not known, and the read tells what it was


def _way(archive: Archive, do: Do, wanted: Wanted, content: Content | None, kin: Kin) -> Way | None:
    if do is Do.CREATE:
        return create(archive, wanted, content, kin)
    if do is Do.UPDATE:
        return update(archive, wanted, content, kin)
    return delete(wanted, kin) if do is Do.DELETE else None
