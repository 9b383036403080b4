"""The shortest way to a document's content at the moment, or why there is none.

Recorded writes come first, because they are what a client really sent: the last PUT and the changes after it, or the
POST that made it and what followed. Where they do not lead there, a PUT or PATCH is made of the content itself, with
the fields that clients send and the headers of a recorded one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.errors import Damaged, NotFound
from entrepot_store.redact import find_references

from ..bodies import INLINE, captured
from ..jsondiff import parse_json
from .history import Event, Kin
from .making import made_body
from .wanted import Content, Wanted


@dataclass(frozen=True, slots=True)
class Send:
    """One request. `like` is the exchange that is sent as it was recorded or, where `made`, whose headers are sent with
    a body made of the document's content (none for DELETE)."""

    method: str
    like: ExchangeRow
    made: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """The requests in their order, and how they bring it back, for people. `keeps_path`: the document will be where it
    was."""

    sends: tuple[Send, ...]
    how: str
    keeps_path: bool = True


class NoWay(Exception):
    """There is none; the text is the reason."""


def create(archive: Archive, wanted: Wanted, content: Content | None, kin: Kin) -> Way:
    """How to make a document that is missing. Raises NoWay, and what the vault raises when it is away."""
    reasons = _cut(archive, wanted)
    if _by_put(wanted.writes) and not wanted.unseen:
        if not (why := _unfit_of(archive, wanted.writes)):
            return Way(_recorded(wanted.writes), _how(wanted.writes))
        reasons.append(why)
    if kin.creates and kin.put is not None:
        if not (why := _unmakeable(content, kin)):
            return Way((Send("PUT", kin.put, made=True),), "PUT of its content: its like were created by PUT")
        reasons.append(why)
    if wanted.made:
        if not (why := _unfit_of(archive, wanted.made)):
            return Way(_recorded(wanted.made), _how(wanted.made), keeps_path=False)
        reasons.append(why)
    if not reasons:
        reasons.append("no write that made it was ever recorded" if kin.put or kin.patch else _NEVER)
    raise NoWay(reasons[0])


def update(archive: Archive, wanted: Wanted, content: Content | None, kin: Kin) -> Way:
    """How to bring a document that is there back to its content. Raises as `create`."""
    reasons = _cut(archive, wanted)
    if _by_put(wanted.writes) and not wanted.unseen:
        if not (why := _unfit_of(archive, wanted.writes)):
            return Way(_recorded(wanted.writes), _how(wanted.writes))
        reasons.append(why)
    why = _unmakeable(content, kin)
    if kin.put is not None and not why:
        return Way((Send("PUT", kin.put, made=True),), "PUT of its content")
    if kin.patch is not None and not why and not kin.patch.request.content_type.startswith(_JSON_PATCH):
        return Way((Send("PATCH", kin.patch, made=True),), "PATCH with its content; fields added since stay")
    if kin.put is None and kin.patch is None:
        reasons.append("no PUT or PATCH of it or its like was ever recorded" if wanted.made else _NEVER)
    raise NoWay(reasons[0] if reasons else why)


def delete(wanted: Wanted, kin: Kin) -> Way:
    """How to take a document away. Raises NoWay."""
    like = kin.delete or kin.put or kin.patch or (wanted.event.row if wanted.event else None)
    if like is None:
        raise NoWay(_NEVER)
    return Way((Send("DELETE", like, made=True),), "DELETE")


_NEVER = "no write of it was ever recorded"
_JSON_PATCH = "application/json-patch+json"


def unfit(archive: Archive, row: ExchangeRow) -> str:
    """Why a recorded write cannot be sent again; empty if it can. Looks into the stored body."""
    message = row.request
    if message.truncated or not row.complete:
        return f"its {row.method} was {_why_incomplete(archive, row)}"
    if message.size > INLINE:
        return ""
    try:
        if find_references(archive.body_bytes(row, "request")):
            return f"its {row.method} holds redacted fields"
    except (NotFound, Damaged) as error:
        return f"the body of its {row.method} cannot be read: {error}"
    return ""


def _why_incomplete(archive: Archive, row: ExchangeRow) -> str:
    erased = archive.catalog.retention.erased([row.id]).get(row.id)
    if erased is not None and erased.request:
        return "erased"
    try:
        withheld = captured(archive, row).request.body.withheld
    except (NotFound, Damaged):
        withheld = ""
    return f"withheld by redaction: {withheld}" if withheld else "not captured whole"


def _cut(archive: Archive, wanted: Wanted) -> list[str]:
    """Why its last write is not known, if it is not."""
    cut = next((event for event in (wanted.event, *wanted.changes) if event is not None and not event.whole), None)
    return [] if cut is None else [unfit(archive, cut.row)]


def _unfit_of(archive: Archive, events: Iterable[Event]) -> str:
    return next((why for event in events if (why := unfit(archive, event.row))), "")


def _unmakeable(content: Content | None, kin: Kin) -> str:
    """Why no request can be made of the content; empty if one can."""
    if content is None:
        return "its content is not known"
    if content.long:
        return "its content is too long for a request to be made of it"
    if find_references(content.data):
        return "its content holds redacted fields"
    if parse_json(content.media_type, content.data) is not None and not content.sent and not kin.shape.known:
        return "nothing that was recorded tells which of its fields clients send"
    try:
        made_body(content, kin.shape)
    except ValueError as error:
        return f"no request can be made of its content: {error}"
    return ""


def _by_put(writes: tuple[Event, ...]) -> bool:
    return bool(writes) and writes[0].row.method.upper() == "PUT"


def _recorded(events: Iterable[Event]) -> tuple[Send, ...]:
    return tuple(Send(event.row.method.upper(), event.row) for event in events)


def _how(events: tuple[Event, ...]) -> str:
    first = "the recorded POST that made it" if events[0].row.method.upper() == "POST" else "its recorded PUT"
    more = len(events) - 1
    return first if not more else f"{first} and {more} later write{'s' if more > 1 else ''}"
