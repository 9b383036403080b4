"""Fields that change at every look: timestamps, request ids, signatures. Learnt by comparing successive answers.

A field counts as noise if it differed in every pair of successive reads that had it, and its values are of a kind that
nobody sets: what a person changed at every look by chance should not be proposed. Everything read is bounded.
"""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from ..archive import Archive
from ..catalog.documents import DocumentFilter, DocumentRow, Effect
from ..catalog.filters import ExchangeFilter
from ..catalog.rows import ExchangeRow
from ..documents.canonical import is_json, parse_json
from ..errors import Damaged, NotFound
from ..jsonpaths import compile_path
from .segments import kind_of
from .shapes import DEEPEST, MOST_ITEMS, step

ENOUGH = 3
"""Pairs in which a field must have differed."""
MOST_DOCUMENTS = 20
"""Per rule, or URLs per flow."""
MOST_LOOKS = 6
"""Successive reads of each that are compared."""
_LISTED = 1000
"""Looks, or exchanges, that are listed to find them."""
_LONGEST = 256 * 1024
_MOST_LEAVES = 2000

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?.*|(Mon|Tue|Wed|Thu|Fri|Sat|Sun), .*\d\d:\d\d:\d\d.*")
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/_=.-]{16,}")
_NAMES = re.compile(
    r"(request|trace|correlation|span|transaction)_?-?id|etag|nonce|sig|signature|csrf|took|elapsed|latency|duration"
    r"(_?ms)?|uptime|(served|generated|fetched|rendered|server)_?(at|time|on)|timestamp|now",
    re.IGNORECASE,
)
_EPOCHS = ((1_000_000_000, 4_100_000_000), (1_000_000_000_000, 4_100_000_000_000))
"""Seconds, and milliseconds, of this century."""


@dataclass(slots=True, frozen=True)
class Noise:
    """A field, by JSONPath; it differed in `pairs` of as many. `looks_like` says what its values are."""

    path: str
    pairs: int
    looks_like: str


def of_documents(archive: Archive) -> dict[str, list[Noise]]:
    """By rule, over its documents."""
    histories: defaultdict[str, list[list[Any]]] = defaultdict(list)
    for document in archive.catalog.documents.iterate(DocumentFilter(deleted=False)):
        if (
            document.versions > ENOUGH
            and len(histories[document.rule]) < MOST_DOCUMENTS
            and is_json(document.media_type)
        ):
            histories[document.rule].append(list(_reads(archive, _exchanges_of(archive, document))))
    found = {rule: noisy(history) for rule, history in histories.items()}
    return {rule: noise for rule, noise in sorted(found.items()) if noise}


def of_flow(archive: Archive, destination: str, template: str) -> list[Noise]:
    """Over reads of the same URL, of a flow that no rule protects."""
    where = ExchangeFilter(destination=(destination,), method=("GET",), path_template=template, status=(200,))
    by_url: defaultdict[str, list[ExchangeRow]] = defaultdict(list)
    for row in archive.catalog.exchanges(where, limit=_LISTED).items:
        by_url[row.url].append(row)
    often = sorted(by_url.values(), key=len, reverse=True)[:MOST_DOCUMENTS]
    return noisy([list(_reads(archive, rows[:MOST_LOOKS][::-1])) for rows in often if len(rows) > 1])


def noisy(histories: Iterable[Sequence[Any]]) -> list[Noise]:
    """`histories` are the successive contents of one document each, parsed."""
    pairs: Counter[str] = Counter()
    differed: Counter[str] = Counter()
    kinds: dict[str, str | None] = {}
    for history in histories:
        for one, other in pairwise([_leaves(content) for content in history]):
            for path in one.keys() & other.keys():
                pairs[path] += 1
                differed[path] += one[path] != other[path]
                if one[path] != other[path] and kinds.get(path, "") is not None:
                    kinds[path] = _kind(path, [*one[path], *other[path]])
    return [
        Noise(path, pairs[path], kind)
        for path in sorted(pairs)
        if pairs[path] >= ENOUGH and differed[path] == pairs[path] and (kind := kinds.get(path)) and _compiles(path)
    ]


def _compiles(path: str) -> bool:
    """Whether a rule can name the field: not if its name is very long or holds control characters."""
    try:
        compile_path(path)
    except ValueError:
        return False
    return True


def _exchanges_of(archive: Archive, document: DocumentRow) -> Iterator[ExchangeRow]:
    """The last reads of a document, in order."""
    looks = islice(archive.catalog.documents.looks(document.id), _LISTED)
    contents = deque((look for look in looks if look.effect is Effect.CONTENT), maxlen=2 * MOST_LOOKS)
    for look in contents:
        try:
            row = archive.catalog.exchange(look.exchange)
        except NotFound:
            continue
        if row.method == "GET" and look.side == "response":
            yield row


def _reads(archive: Archive, rows: Iterable[ExchangeRow]) -> Iterator[Any]:
    """The answers that are JSON; others are passed over, as are those that are gone or do not read back."""
    for row in islice(rows, MOST_LOOKS):
        response = row.response
        if response is None or not is_json(response.content_type) or not 0 < response.size <= _LONGEST:
            continue
        try:
            yield parse_json(archive.body_bytes(row, "response"))
        except (NotFound, Damaged, ValueError, RecursionError):
            continue  # it can teach nothing; `entrepot verify` is where damage is reported


def _leaves(content: Any) -> dict[str, tuple[Any, ...]]:
    """Values by JSONPath; those of a list's items together."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    left = _MOST_LEAVES
    pending = [("$", content, DEEPEST)]
    while pending and left:
        path, value, depth = pending.pop()
        if isinstance(value, dict):
            if depth:
                pending.extend((path + step(name), inner, depth - 1) for name, inner in value.items())
        elif isinstance(value, list):
            if depth:
                pending.extend((f"{path}[*]", item, depth - 1) for item in value[:MOST_ITEMS])
        else:
            found[path].append(value)
            left -= 1
    return {path: tuple(values) for path, values in found.items() if path != "$"}


def _kind(path: str, values: Sequence[Any]) -> str | None:
    """What all these values look like, if it is something that machines make up."""
    found = {_kind_of_value(value) for value in values}
    if len(found) == 1 and None not in found:
        return found.pop()
    name = path.rpartition(".")[2]
    return "what its name says" if _NAMES.fullmatch(name) else None


def _kind_of_value(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return "a timestamp" if any(first <= value <= last for first, last in _EPOCHS) else None
    if not isinstance(value, str):
        return None
    if _TIME.fullmatch(value):
        return "a timestamp"
    kind = kind_of(value)
    if kind in {"uuid", "ulid"}:
        return "an id made for the occasion"
    return "a random or signed value" if kind in {"hash", "token"} or _RANDOM.fullmatch(value) else None
