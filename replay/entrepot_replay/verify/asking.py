"""Asks the target for one document, as it was asked for when it was recorded: mapped path, the recorded headers, the
credentials of the replay. Only GET is ever sent, so asking again does no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from urllib.parse import quote, unquote_plus

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.clock import Clock
from entrepot_store.errors import EntrepotError

from ..answer import Answer
from ..attempt import retry_after
from ..credentials import Credentials
from ..errors import NotSent, OutcomeUnknown, Unsendable
from ..flow import Key, Use
from ..flow.analysis import is_inside
from ..flow.headers import request_header_parts
from ..flow.names import role_of_field
from ..flow.reading import Place, used_key
from ..mapper import Mapped
from ..mapping import IdMap, Substitution, substitute
from ..options import RunOptions
from ..outgoing import build
from ..sender import Sender
from ..target import Target
from .expected import Expected
from .judge import Asked

_LEFT_OUT = frozenset(
    {b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range", b"range"}
    | {b"content-length", b"content-type", b"content-encoding", b"content-language", b"content-location"}
    | {b"content-md5", b"content-digest", b"repr-digest", b"digest", b"expect", b"idempotency-key", b"prefer"}
)
"""Conditions would be answered with 304, ranges with a part; the rest speaks of the body of a write."""
_BUSY = frozenset({429, 503})
_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 60.0


class TargetDown(Exception):
    """The target takes no connections, for longer than it is waited for. The text is the reason."""


class Unaskable(Exception):
    """This document cannot be asked for. The text is the reason."""


@dataclass(frozen=True, slots=True)
class Asker:
    """The same for all documents of a verification. Safe to share between threads; `stop` ends all waiting."""

    archive: Archive
    target: Target
    options: RunOptions
    credentials: Credentials
    idmap: IdMap
    clock: Clock
    stop: Event
    waiting: Callable[[str], None]
    """Hears why nothing moves, and an empty text when it does again."""

    def live_path(self, path: str) -> str:
        """Path and query with the live values in the place of recorded ones."""
        bare, mark, query = path.partition("?")
        live = self.idmap.translate(bare)
        if not mark:
            return live
        collection = Place.of(bare.encode("utf-8", "surrogatepass")).collection
        return f"{live}?{'&'.join(self._pair(pair, collection) for pair in query.split('&'))}"

    def ask(self, expected: Expected, sender: Sender) -> Asked | None:
        """None if `stop` was set before there was an answer. Raises Unaskable and TargetDown."""
        path = self.live_path(expected.path)
        try:
            row = self.archive.catalog.exchange(expected.asks)
        except EntrepotError as error:
            raise Unaskable(str(error)) from error
        began, tries = self.clock.monotonic(), 0
        while not self.stop.is_set():
            waited = self.clock.monotonic() - began
            try:
                answer = self._send(row, path, sender)
            except NotSent as error:
                if not error.passing or waited >= self.options.wait_for_target:
                    raise TargetDown(str(error)) from error
                self._wait(str(error), _PAUSE_SECONDS)
                continue
            except OutcomeUnknown as error:
                tries += 1
                if tries >= self.options.attempts:
                    raise Unaskable(f"no whole answer came: {error}") from error
                self._wait(str(error), _PAUSE_SECONDS)
                continue
            except (Unsendable, EntrepotError) as error:
                raise Unaskable(str(error)) from error
            now = self.clock.now()
            if answer.status in _BUSY and waited < self.options.wait_for_target:
                self._wait(f"the target answered {answer.status}", retry_after(answer, now) or _PAUSE_SECONDS)
                continue
            self.waiting("")
            return Asked(path, answer, now)
        return None

    def _wait(self, reason: str, seconds: float) -> None:
        self.waiting(reason)
        self.stop.wait(min(seconds, _LONGEST_PAUSE_SECONDS))

    def _send(self, row: ExchangeRow, path: str, sender: Sender) -> Answer:
        headers = self._headers(row, path)
        asks = replace(
            row,
            method="GET",
            status=200,
            path=path.partition("?")[0],
            request=replace(row.request, headers=tuple(headers), size=0, encoding="", truncated=False),
        )
        raw = quote(path, safe="!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").encode("ascii")
        return sender.send(
            build(
                asks,
                Mapped(raw, headers, b""),
                target=self.target,
                credentials=self.credentials,
                without_credentials=self.options.without_credentials,
                key="",
            )
        )

    def _headers(self, row: ExchangeRow, path: str) -> list[tuple[bytes, bytes]]:
        """The recorded ones with live values in their places: a session, a token inside base64."""
        kept = tuple((name, value) for name, value in row.request.headers if name.lower() not in _LEFT_OUT)
        changes: dict[str, Substitution] = {}
        for part in request_header_parts(kept, path):
            key = None if part.secret or is_inside(part.where, changes) else used_key(part)
            live = None if key is None else self.idmap.live(key)
            if key is not None and live is not None:
                changes[part.where] = Substitution(Use(part.where, key, part.text, None), live)
        return list(substitute(b"/", kept, None, list(changes.values())).headers)

    def _pair(self, pair: str, collection: str) -> str:
        name, equals, value = pair.partition("=")
        plain = unquote_plus(value)
        known = self.idmap.live(Key(role_of_field([unquote_plus(name)], collection), plain)) if plain else None
        live = self.idmap.translate(plain) if known is None else known
        return pair if live == plain else f"{name}{equals}{quote(live, safe='')}"
