"""Asks the target what is there: a GET of one document, with the headers and credentials of what was recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from entrepot_store.catalog import ExchangeRow
from entrepot_store.clock import Clock

from ..answer import Answer
from ..credentials import Credentials
from ..digests import is_digest_header
from ..errors import OutcomeUnknown
from ..flow import Use, request_parts
from ..flow.reading import used_key
from ..mapper import Mapped
from ..mapping import IdMap, Substitution, substitute
from ..outgoing import Outgoing, build
from ..sender import Sender
from ..target import Target

CONDITIONS = frozenset({b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range"})
ABSENT = frozenset({403, 404, 410})
"""403 too: services that tell nobody what they do not have refuse to show it (Kinto's buckets, S3 without the right to
list). What is there after all keeps the document safe then: `If-None-Match`, and the refusal to write it."""
_OF_THE_BODY = frozenset({b"content-type", b"content-encoding", b"content-language", b"range", b"idempotency-key"})


class There(StrEnum):
    """What a look found. `UNREADABLE`: the target would not say."""

    PRESENT = "present"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Live:
    """What stands at `path` now; `etag` and `digest` tell whether it is the same at the next look."""

    path: bytes
    there: There
    answer: Answer | None = None
    reason: str = ""
    at: int = 0

    @property
    def etag(self) -> bytes | None:
        """The strong validator, which alone may go into `If-Match` (RFC 9110 §13.1.1)."""
        value = None if self.answer is None else self.answer.header(b"etag")
        return None if value is None or value.startswith(b"W/") else value

    @property
    def digest(self) -> str:
        return "" if self.answer is None or self.there is not There.PRESENT else self.answer.digest.hex()


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at one target. As thread-safe as the senders it is given: one thread, one sender."""

    target: Target
    credentials: Credentials
    clock: Clock
    without_credentials: bool = False

    def look(self, sender: Sender, like: ExchangeRow, path: bytes) -> Live:
        """`like` is a recorded exchange with the document or its like, whose headers are sent. Raises NotSent, and
        Unsendable and BadInput for credentials; a look of which no answer comes is asked once more."""
        now = self.clock.now()
        text = path.decode("latin-1")
        row = replace(
            like,
            method="GET",
            path=text.partition("?")[0],
            request=replace(like.request, size=0, encoding="", content_type=""),
        )
        headers = bare_headers(like)
        request = build(
            row,
            Mapped(path, headers, b""),
            target=self.target,
            credentials=self.credentials,
            without_credentials=self.without_credentials,
            key="",
        )
        try:
            answer = _asked_twice(sender, request)
        except OutcomeUnknown as error:
            return Live(path, There.UNREADABLE, reason=f"no answer to GET: {error}", at=now)
        if answer.status in ABSENT:
            return Live(path, There.ABSENT, answer, f"GET was answered {answer.status}", at=now)
        if answer.status in (200, 203):
            return Live(path, There.PRESENT, answer, at=now)
        return Live(path, There.UNREADABLE, answer, f"GET was answered {answer.status}", at=now)


def _asked_twice(sender: Sender, request: Outgoing) -> Answer:
    """A connection may have been closed meanwhile, and reading twice does no harm."""
    try:
        return sender.send(request)
    except OutcomeUnknown:
        return sender.send(request)


def bare_headers(row: ExchangeRow) -> list[tuple[bytes, bytes]]:
    """The recorded headers of a request without those that speak of its body or set conditions."""
    return [
        (name, value)
        for name, value in row.request.headers
        if (lower := name.lower()) not in CONDITIONS and lower not in _OF_THE_BODY and not is_digest_header(name)
    ]


def live_path(path: str, idmap: IdMap) -> bytes:
    """The path with every id in it that has another value now."""
    raw = path.encode("latin-1", "replace")
    changes: list[Substitution] = []
    for part in request_parts(raw, (), "", None):
        key = used_key(part)
        live = None if key is None else idmap.live(key)
        if key is not None and live is not None and live != part.text:
            changes.append(Substitution(Use(part.where, key, part.text, None), live))
    return substitute(raw, (), None, changes).path if changes else raw


def find(looker: Looker, sender: Sender, like: ExchangeRow, path: str, idmap: IdMap) -> Sequence[Live]:
    """The look at where the document should be now and, if that is another place, at where it was: the id map may be
    of a service that has been emptied since."""
    mapped, recorded = live_path(path, idmap), path.encode("latin-1", "replace")
    first = looker.look(sender, like, mapped)
    if first.there is There.PRESENT or mapped == recorded:
        return [first]
    return [first, looker.look(sender, like, recorded)]
