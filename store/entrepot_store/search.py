"""Looks for a text inside payloads, by reading them: for what no rule indexes. Bounded, and says what it did not read.

Each distinct payload is read once. A text is also found as JSON spells it (`\\u00e9` for é, `\\"` for a quote).
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from .archive import Archive, Side
from .catalog import ExchangeFilter, ExchangeRow, Order
from .content import Limits, Undecodable, undo_stream
from .documents.coded import codings_of
from .errors import BadInput, Damaged, NotFound

MOST_EXCHANGES = 10_000
MOST_BYTES = 4 * 1024**3
_CHUNK = 1024 * 1024
_LIMITS = Limits()

type _Known = dict[tuple[bytes, tuple[str, ...]], bool]
"""Whether a payload, by its digest and the codings it is under, has the text."""


@dataclass(slots=True)
class Scan:
    """What a search found and how much of what it was asked for it read.

    `read` of `total` exchanges were looked into, `size` bytes of payloads read for it. `unreadable` are exchanges with
    a payload that could not be read, each with the reason.
    """

    total: int
    found: list[ExchangeRow] = field(default_factory=list)
    read: int = 0
    size: int = 0
    unreadable: list[tuple[UUID, str]] = field(default_factory=list)

    @property
    def unread(self) -> int:
        return self.total - self.read


def search(
    archive: Archive,
    where: ExchangeFilter,
    text: str,
    *,
    order: Order = Order.NEWEST,
    most: int = MOST_EXCHANGES,
    most_bytes: int = MOST_BYTES,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scan:
    """Exchanges that match and have the text in the body of their request or response. Stops behind `most` exchanges
    or `most_bytes` bytes read. Raises BadInput for an empty text, and what catalog and vault raise."""
    if not text:
        raise BadInput("There is no text to look for.")
    needles = tuple({spelling.encode("utf-8", "surrogateescape") for spelling in _spellings(text)})
    scan = Scan(archive.catalog.count(where))
    known: _Known = {}
    for row in archive.catalog.iterate(where, order):
        if scan.read >= most or scan.size >= most_bytes:
            break
        scan.read += 1
        progress(scan.read, min(scan.total, most))
        if any(_holds(archive, row, side, needles, known, scan) for side in ("request", "response")):
            scan.found.append(row)
    return scan


def _spellings(text: str) -> tuple[str, ...]:
    return text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


def _holds(  # noqa: PLR0917 - one step of `search`, with what it carries along
    archive: Archive, row: ExchangeRow, side: Side, needles: tuple[bytes, ...], known: _Known, scan: Scan
) -> bool:
    message = row.request if side == "request" else row.response
    if message is None or message.size == 0:
        return False
    codings = codings_of(message)
    place = (message.digest, codings)
    if place not in known:
        try:
            known[place] = _in_body(archive, row, side, needles, codings)
        except (Damaged, NotFound) as error:
            scan.unreadable.append((row.id, error.message))
            return False
        scan.size += message.size
    return known[place]


def _in_body(
    archive: Archive, row: ExchangeRow, side: Side, needles: tuple[bytes, ...], codings: tuple[str, ...]
) -> bool:
    """Also under a content coding that the body was kept under; if that does not come off, in the bytes as they are."""
    with archive.body(row, side) as stream:
        chunks = iter(lambda: stream.read(_CHUNK), b"")
        try:
            return _among(undo_stream(chunks, codings, _LIMITS) if codings else chunks, needles)
        except Undecodable:
            pass
    return _in_body(archive, row, side, needles, ())


def _among(chunks: Iterable[bytes], needles: tuple[bytes, ...]) -> bool:
    overlap = max(map(len, needles)) - 1
    tail = b""
    for chunk in chunks:
        window = tail + chunk
        if any(needle in window for needle in needles):
            return True
        tail = window[-overlap:] if overlap else b""
    return False
