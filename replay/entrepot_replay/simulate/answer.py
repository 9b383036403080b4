"""What a client is answered with: status, headers and content out of what was found.

Kept are the recorded headers with their case, order and duplicates. Made anew: the date, the length, the coding, and
all that belonged to the recorded connection. Left out, and said so: headers that hold references to secrets.
"""

import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import BinaryIO, Protocol
from uuid import UUID

from entrepot_store.archive import Archive
from entrepot_store.catalog import MessageRow
from entrepot_store.catalog.documents import Effect
from entrepot_store.clock import to_rfc3339
from entrepot_store.content import content_codings
from entrepot_store.documents.coded import codings_of
from entrepot_store.documents.representation import represent
from entrepot_store.errors import Damaged, NotFound
from entrepot_store.model import Headers
from entrepot_store.redact import find_references

from ..answer import header
from ..outgoing import CONNECTION_HEADERS, DIGEST_HEADERS
from .found import Found, Recorded, State
from .origin import origin_of

SCANNED = 1024 * 1024
"""Bytes of a content in which references are looked for before it is sent."""

_ANEW = CONNECTION_HEADERS | {
    *(b"date", b"age", b"memento-datetime", b"alt-svc", b"upgrade", b"content-encoding", b"accept-ranges"),
    *(b"proxy-authenticate", b"proxy-authentication-info", b"proxy-connection", b"nel", b"report-to"),
}
_OF_A_STATE = (b"etag", b"last-modified")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Open(Protocol):
    def __call__(self) -> AbstractContextManager[BinaryIO]: ...


@dataclass(slots=True, frozen=True)
class Content:
    """`size` bytes, which are under `codings` (first applied first; none for most), and were under `recorded` once."""

    size: int
    open: Open
    codings: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Answer:
    """`headers` are without length, coding and date. `content` None: there is none. `moment` is when it was so,
    `duration_us` how long the recorded answer took, both in microseconds. `left_out` names headers that hold secrets;
    `secrets` says that the content holds references, too. `made` says how it came about if it is no recorded answer.
    `origin` is where the exchange went to, `http://orders.internal`.
    """

    status: int
    headers: Headers
    content: Content | None
    exchange: UUID
    moment: int
    duration_us: int
    left_out: tuple[str, ...] = ()
    secrets: bool = False
    made: str = ""
    origin: str = ""

    def header(self, name: bytes) -> bytes | None:
        """All values of the header with this lower-case name, joined as one list; None if it is not there."""
        return header(self.headers, name)


class Unanswerable(Exception):
    """What was found cannot be given as an answer; the text is the reason."""


def make_answer(archive: Archive, found: Found) -> Answer:
    """Raises Unanswerable, and what reading the vault raises."""
    answer = _recorded(archive, found) if isinstance(found, Recorded) else _state(archive, found)
    content = answer.content
    if content is not None and content.size <= SCANNED and not content.codings:
        with content.open() as stream:
            data = stream.read()
        held = replace(content, open=lambda: nullcontext(BytesIO(data)))
        answer = replace(answer, content=held, secrets=bool(find_references(data)))
    return replace(answer, origin=origin_of(found.row.url))


def _recorded(archive: Archive, found: Recorded) -> Answer:
    row = found.row
    response = row.response
    if response is None or row.status is None:
        raise Unanswerable("no answer was recorded")
    headers, left_out = _sendable(response.headers, anew=bool(response.encoding))
    bodiless = row.status in (204, 304) or row.method.upper() == "HEAD"
    content = None if bodiless else _content(response, partial(archive.body, row, "response"))
    if row.method.upper() == "HEAD" and (length := header(response.headers, b"content-length")) is not None:
        headers = (*headers, (b"Content-Length", length))
    return Answer(row.status, headers, content, row.id, found.moment, row.duration_us, left_out)


def _state(archive: Archive, found: State) -> Answer:
    row = found.row
    wrote = f"{row.method} at {to_rfc3339(found.moment)}"
    if found.effect is Effect.TOMBSTONE:
        return Answer(404, (), None, row.id, found.moment, row.duration_us, made=f"gone since the {wrote}")
    kept = () if row.response is None else row.response.headers
    headers, left_out = _sendable(tuple((name, value) for name, value in kept if name.lower() in _OF_A_STATE))
    if found.version is not None:
        try:
            shown = represent(archive, found.version)
        except (NotFound, Damaged) as error:
            raise Unanswerable(error.message) from error
        content = Content(shown.size, shown.open)
        media_type = shown.media_type
    elif found.effect is Effect.PATCH:
        lost = "the outcome was not shown" if row.complete else "not all of that was captured or is still kept"
        raise Unanswerable(f"the {wrote} changed it, and {lost}")
    else:
        message = row.request if found.side == "request" else row.response
        if message is None or message.truncated:
            raise Unanswerable(f"of the {wrote} not everything was captured")
        content = _content(message, partial(archive.body, row, found.side))
        media_type = message.content_type
    sent = media_type.encode("latin-1", "replace")
    if sent and not _UNSENDABLE.search(sent):
        headers = ((b"Content-Type", sent.strip(b" \t")), *headers)
    return Answer(200, headers, content, row.id, found.moment, row.duration_us, left_out, made=f"left by the {wrote}")


def _content(message: MessageRow, open_: Open) -> Content:
    return Content(message.size, open_, codings_of(message), content_codings(message.headers))


def _sendable(recorded: Headers, *, anew: bool = False) -> tuple[Headers, tuple[str, ...]]:
    """The headers to send, and the names of those left out for the secrets in them. `anew`: the bytes of the content
    are not those of the recording, and digests over them do not hold."""
    dropped = _ANEW | (DIGEST_HEADERS if anew else frozenset())
    dropped |= {
        token.strip().lower()
        for name, value in recorded
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    kept: list[tuple[bytes, bytes]] = []
    left_out: list[str] = []
    for name, value in recorded:
        if (
            name.lower() in dropped
            or (anew and name.lower().startswith(b"x-amz-checksum-"))
            or not _NAME.fullmatch(name)
            or _UNSENDABLE.search(value)
        ):
            continue
        if find_references(value):
            left_out.append(name.decode("ascii"))
        else:
            kept.append((name, value.strip(b" \t")))
    return tuple(kept), tuple(dict.fromkeys(left_out))
