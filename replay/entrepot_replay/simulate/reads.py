"""What a GET or HEAD is answered with: the state of the resource as of a moment, or the states it went through.

As of a moment, what decides is the last thing that the recording says about the resource: a read (its answer), or a
write (what it left behind, as `entrepot_store.documents.effects` reads it) that no read followed. Documents of the
catalog know more, such as what a POST elsewhere created, and are asked too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.documents import DocumentRow, Effect
from entrepot_store.documents.identity import document_key
from entrepot_store.errors import NotFound
from entrepot_store.model import safe_text

from .asked import Asked, fields_of, query_of
from .captures import Captures
from .found import Found, Missing, Recorded, State
from .hot_paths import Trace, query_mark
from .likeness import Likeness, fields_likeness
from .usable import PASSING, unusable
from .variants import BEST, has_variants, preference, quality, refusal

_BESIDE = 15
"""Rows behind the first that says something: a write that began earlier may have ended later."""
_PARENTS = 200
"""Newest exchanges of the path above that are asked whether they created the resource."""
_MOST_BESIDE = 200
"""Rows behind the first that are looked at for an answer that suits the client better."""
_STATES = frozenset({*range(200, 300), 300, 301, 302, 303, 307, 308, 404, 410} - {206})


@dataclass(frozen=True, slots=True)
class Reader:
    """`ignored` are names of query fields that tell nothing apart; `chosen` sets of query fields by which some rule
    names documents; `key` is the redaction key, if it is known."""

    captures: Captures
    ignored: frozenset[bytes] = frozenset()
    chosen: Sequence[frozenset[str]] = ()
    key: bytes | None = None

    def as_of(self, asked: Asked, until: int, missing: Missing) -> Found | None:
        """The state of the resource at `until` (microseconds, inclusive). Fills `missing` with what does not fit."""
        claims, fallback = self._claims(asked, until, missing)
        last = max((claim.moment for claim in claims), default=None)
        best = self._decisive(claims, asked)
        version = self._version(asked, until)
        if version is not None and (last is None or version.moment > last or _is_patch(best)):
            return version
        if best is None and fallback is None:
            best = self._created(asked, until)
        return best or fallback

    def _decisive(self, claims: list[Found], asked: Asked) -> Found | None:
        """The last write, unless reads followed it: of these each shows what holds, in one variant or another, and the
        newest counts of the variant that suits the client best."""
        changed = max((claim.moment for claim in claims if isinstance(claim, State)), default=-1)
        reads = [claim for claim in claims if isinstance(claim, Recorded) and claim.moment >= changed]
        shown = [preference(read.row, asked, self.key) for read in reads if has_variants(read.row)]
        suiting = [
            read for read in reads if not has_variants(read.row) or preference(read.row, asked, self.key) == max(shown)
        ]
        return max(suiting or claims, key=lambda claim: claim.moment, default=None)

    def states(self, asked: Asked, since: int, until: int, missing: Missing, *, own: bool) -> list[Recorded]:
        """The answers to reads between two moments (inclusive), in order, each that differs from the one before it;
        `own`: up to the next write."""
        found: list[Recorded] = []
        for path in asked.paths:
            for row in self.captures.following(path, since, until):
                if not self._same_query(row, asked):
                    continue
                if row.method.upper() not in ("GET", "HEAD"):
                    if own and _succeeded(row) and any(True for _ in self._changes(row, asked)):
                        break
                    continue
                if self._fits(row, asked, missing) and row.status not in PASSING:
                    found.append(Recorded(row, row.started_at))
            if found:
                break
        return [one for i, one in enumerate(found) if not i or not _same_answer(found[i - 1].row, one.row)]

    def begun(self, asked: Asked) -> int | None:
        """When something was first known of the resource by its own URL; None if nothing is."""
        for path in asked.paths:
            for row in self.captures.following(path, 0, self.captures.at):
                if not self._same_query(row, asked):
                    continue
                if row.method.upper() in ("GET", "HEAD"):
                    if self._fits(row, asked, Missing()):
                        return row.started_at
                elif (change := next(self._changes(row, asked), None)) is not None:
                    return change.moment
        return None

    def _claims(self, asked: Asked, until: int, missing: Missing) -> tuple[list[Found], Recorded | None]:
        """The last things said about the resource, and an answer for want of a better one."""
        claims: list[Found] = []
        fallback: Recorded | None = None
        beside = 0
        settled = False
        query = query_mark(fields_of(asked.query, self.ignored))
        told = {"GET", "HEAD", "PUT", "PATCH", "DELETE"}

        def meant(trace: Trace) -> bool:
            return trace.method in told and trace.query in (query, None)

        for row in self.captures.of_paths(asked.paths, until, meant):
            beside += bool(claims)
            if beside > (_BESIDE if settled else _MOST_BESIDE):
                break
            if not self._same_query(row, asked):
                missing.add(row, f"its query is {query_of(row.url) or 'empty'}")
                continue
            method = row.method.upper()
            if method in ("PUT", "PATCH", "DELETE"):
                said = [one for one in self._changes(row, asked) if one.moment <= until]
                settled = settled or bool(said)
                claims += said
            elif method not in ("GET", "HEAD"):
                missing.add(row, f"it is a {row.method}")
            elif self._fits(row, asked, missing):
                if row.status in _STATES and method == "GET":
                    claims.append(Recorded(row, row.started_at))
                    settled = settled or not has_variants(row) or preference(row, asked, self.key) == BEST
                elif fallback is None or (fallback.row.status in PASSING and row.status not in PASSING):
                    fallback = Recorded(row, row.started_at)
        return claims, fallback

    def _fits(self, row: ExchangeRow, asked: Asked, missing: Missing) -> bool:
        """Whether the answer of a recorded read may be given to this one."""
        if row.method.upper() == "HEAD" and asked.method != "HEAD":
            why = "it is a HEAD, whose answer has no body"
        elif row.status == 304 and _header(row, b"if-none-match") != (asked.header(b"if-none-match") or b"-"):
            why = "it was answered 304 to a client that had the content"
        elif row.status == 206 and _header(row, b"range") != (asked.header(b"range") or b"-"):
            why = f"it was answered with a part, {safe_text(_header(row, b'range'))[:100]}"
        else:
            why = unusable(row, self.captures.archive) or refusal(row, asked, self.key)
        if why:
            missing.add(row, why)
        return not why

    def _changes(self, row: ExchangeRow, asked: Asked) -> Iterator[State]:
        if not row.complete:
            if _succeeded(row):
                deleted = row.method.upper() == "DELETE"  # which holds, whatever is missing of its bodies
                effect = Effect.TOMBSTONE if deleted else Effect.PATCH
                yield State(row, row.started_at + row.duration_us, effect, "request")
            return
        for said in self.captures.statements(row):
            if said.path == row.path and not said.prefix:
                state = State(row, said.at, said.effect, said.side)
                if said.effect is not Effect.CONTENT or _acceptable(state, asked):
                    yield state

    def _created(self, asked: Asked, until: int) -> State | None:
        """What a POST to the path above says of the resource that it made; looked for where nothing else is known."""
        if asked.query:
            return None
        for path in asked.paths:
            parent = path.rstrip("/").rpartition("/")[0]
            rows = self.captures.of_paths((parent, f"{parent}/"), until) if parent else iter(())
            for row in islice(rows, _PARENTS):
                for said in self.captures.statements(row) if row.method.upper() == "POST" else ():
                    if said.path == path and not said.prefix and said.at <= until:
                        state = State(row, said.at, said.effect, said.side)
                        if _acceptable(state, asked):
                            return state
        return None

    def _version(self, asked: Asked, until: int) -> State | None:
        """The document's version that held at the moment, where the catalog knows the document."""
        archive = self.captures.archive
        document = self._document(asked)
        version = None if document is None else archive.catalog.documents.version_at(document.id, until)
        if version is None or (version.size and not quality(asked.header(b"accept"), version.media_type)):
            return None
        try:
            row = archive.catalog.exchange(version.exchange)
        except NotFound:
            return None
        if row.method.upper() == "GET" and refusal(row, asked, self.key):
            return None
        return State(row, version.at, version.effect, version.side, version)

    def _document(self, asked: Asked) -> DocumentRow | None:
        documents = self.captures.archive.catalog.documents
        for path in asked.paths:
            keys = [document_key(path, asked.query), *(document_key(path, asked.query, some) for some in self.chosen)]
            for key in dict.fromkeys(keys):
                try:
                    return documents.find(self.captures.destination, key)
                except NotFound:
                    continue
        return None

    def _same_query(self, row: ExchangeRow, asked: Asked) -> bool:
        recorded, now = fields_of(query_of(row.url), self.ignored), fields_of(asked.query, self.ignored)
        return fields_likeness(recorded, now, self.key) is not Likeness.NONE


def _is_patch(found: Found | None) -> bool:
    return isinstance(found, State) and found.effect is Effect.PATCH


def _acceptable(state: State, asked: Asked) -> bool:
    message = state.row.request if state.side == "request" else state.row.response
    return message is not None and bool(quality(asked.header(b"accept"), message.content_type))


def _succeeded(row: ExchangeRow) -> bool:
    return row.status is not None and 200 <= row.status < 300


def _same_answer(one: ExchangeRow, other: ExchangeRow) -> bool:
    before, after = one.response, other.response
    return one.status == other.status and before is not None and after is not None and before.digest == after.digest


def _header(row: ExchangeRow, name: bytes) -> bytes:
    return next((value for found, value in row.request.headers if found.lower() == name), b"")
