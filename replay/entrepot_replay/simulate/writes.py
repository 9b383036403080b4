"""Which recorded writes one that is asked is: the method, the path, the query, and the body by what counts of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from entrepot_store.catalog import ExchangeRow
from entrepot_store.documents.coded import codings_of, uncoded
from entrepot_store.errors import NotFound
from entrepot_store.jsonpaths import Path
from entrepot_store.model import safe_text

from ..answer import header
from .asked import Asked, fields_of, query_of
from .captures import Captures
from .found import Missing
from .hot_paths import Trace, query_mark
from .likeness import Likeness, fields_likeness
from .payload import LONGEST, Match, Payload, compare
from .usable import PASSING, unusable
from .variants import preference, refusal

_OPERATION = (b"x-amz-target", b"soapaction", b"x-http-method-override", b"x-http-method", b"x-method-override")
"""Headers that name what is to be done where all is done under one URL with one method."""
_MOST_BODIES = 200
"""Distinct recorded bodies that are read out of the vault to be compared with one that is asked."""


@dataclass(frozen=True, slots=True)
class Writes:
    """`ignored` are names of query fields, `ignore` JSONPaths of body fields that tell nothing apart; `key` is the
    redaction key, if it is known."""

    captures: Captures
    ignored: frozenset[bytes] = frozenset()
    ignore: Sequence[Path] = ()
    key: bytes | None = None

    def matching(self, asked: Asked, until: int, missing: Missing) -> list[ExchangeRow]:
        """The recorded writes that match best, in the order of time; fills `missing` with what does not match."""
        return self._best(asked, until, Missing(), identical=True) or self._best(asked, until, missing, identical=False)

    def _best(self, asked: Asked, until: int, missing: Missing, *, identical: bool) -> list[ExchangeRow]:
        """`identical`: only those with the very same body, and a lasting answer: then no other body has to be read."""
        found: dict[tuple[int, ...], list[ExchangeRow]] = {}
        bodies: dict[tuple[bytes, str], tuple[Match, str]] = {}
        for row in self._alike(asked, until, missing, identical=identical):
            # What tells of the moment (a fault, a limit) is the answer only for want of another one.
            lasting = row.status not in PASSING
            if identical and not (lasting and row.request.digest == asked.digest):
                continue
            match, where = self._body(row, asked, bodies)
            why = f"its body differs in {where}" if match is Match.DIFFERENT else ""
            why = why or unusable(row, self.captures.archive) or refusal(row, asked, self.key)
            if why:
                missing.add(row, why)
                continue
            rank = (lasting, match, preference(row, asked, self.key)[0], _conditions(row.request.headers, asked))
            found.setdefault(rank, []).append(row)
        return found[max(found)][::-1] if found else []

    def _alike(self, asked: Asked, until: int, missing: Missing, *, identical: bool) -> Iterable[ExchangeRow]:
        """Newest first."""
        query = query_mark(fields_of(asked.query, self.ignored))
        bodies: set[bytes] = set()

        def meant(trace: Trace) -> bool:
            """Its body is the same, or is to be compared by content."""
            if trace.method != asked.method or trace.query not in (query, None):
                return False
            if not identical and len(bodies) < _MOST_BODIES:
                bodies.add(trace.digest)
            return trace.digest in bodies or trace.digest == asked.digest[:8]

        for row in self.captures.of_paths(asked.paths, until, meant):
            if row.method != asked.method:
                missing.add(row, f"it is a {row.method}")
                continue
            recorded, now = fields_of(query_of(row.url), self.ignored), fields_of(asked.query, self.ignored)
            if fields_likeness(recorded, now, self.key) is Likeness.NONE:
                missing.add(row, f"its query is {query_of(row.url) or 'empty'}")
                continue
            operation = _other_operation(row, asked)
            if operation:
                missing.add(row, operation)
                continue
            yield row

    def _body(
        self, row: ExchangeRow, asked: Asked, known: dict[tuple[bytes, str], tuple[Match, str]]
    ) -> tuple[Match, str]:
        request = row.request
        if request.truncated:
            return Match.DIFFERENT, "what was cut off or erased of it"
        if request.digest == asked.digest:
            return Match.IDENTICAL, ""
        if request.size == 0 or not asked.body or max(request.size, len(asked.body)) > LONGEST:
            return Match.DIFFERENT, "its bytes"
        place = request.digest, request.content_type
        if place not in known:
            if len(known) >= _MOST_BODIES:
                return Match.DIFFERENT, f"its bytes; only the {_MOST_BODIES} newest bodies are compared by content"
            known[place] = self._compare(row, asked, asked.body)
        return known[place]

    def _compare(self, row: ExchangeRow, asked: Asked, body: bytes) -> tuple[Match, str]:
        try:
            recorded = self.captures.archive.body_bytes(row, "request")
        except NotFound:
            return Match.DIFFERENT, "what is not stored any more"
        recorded = uncoded(recorded, codings_of(row.request), LONGEST)
        now = Payload((asked.header(b"content-type") or b"").decode("latin-1"), body)
        try:
            return compare(Payload(row.request.content_type, recorded), now, self.ignore, self.key)
        except (ValueError, RecursionError):
            return Match.DIFFERENT, "its bytes; it is nested too deeply to be compared by content"


def _other_operation(row: ExchangeRow, asked: Asked) -> str:
    """Which other operation it is, if it is one."""
    for name in _OPERATION:
        recorded = header(row.request.headers, name)
        if recorded != asked.header(name):
            return f"its {name.decode()} is {'absent' if recorded is None else safe_text(recorded)[:100]}"
    return ""


def _conditions(recorded: Iterable[tuple[bytes, bytes]], asked: Asked) -> bool:
    """Whether the preconditions (`If-Match` and the like) are the recorded ones."""
    names = (b"if-match", b"if-none-match", b"if-unmodified-since")
    values = {name.lower(): value for name, value in recorded}
    return all(values.get(name) == asked.header(name) for name in names)
