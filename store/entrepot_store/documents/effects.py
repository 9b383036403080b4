"""What one exchange says about which documents: the meaning of methods and statuses (RFC 9110), and where practice
differs, the reading that loses nothing.

    GET 200, 203                   the response is the content
    PUT 2xx                        the content is now the response if it shows the document, else the request
    PATCH 2xx                      the response if it shows the document, else a change whose outcome is not known
    POST 2xx with Location         a document at that place; 2xx with an id in the answer: at the path and the id.
                                   A place on another host counts if it lies below the path: behind a proxy, services
                                   name themselves as they know themselves
    POST 2xx without either        one more submission: a document of its own, named `POST /path`
    DELETE 200, 204                gone
    404, 410 to any of these       gone, which means something only if it was there before

A read shows what was true no earlier than it began, a write took effect no later than it ended; placed so, a read that
ran beside a write never seems to undo it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from ..catalog.documents import Effect, Side
from ..catalog.retention import ErasedRow
from ..catalog.rows import ExchangeRow, MessageRow
from ..model import Headers
from .canonical import is_json

type ReadJson = Callable[[Side], Any]
"""The parsed body of a side; None if it is not JSON, malformed, or too long to be parsed."""

_CREATED = (200, 201, 202, 203, 204)
_ID_FIELDS = ("id", "_id", "uuid", "uid", "guid", "key", "name")
_WRAPPERS = ("data", "result", "item", "resource")


@dataclass(slots=True, frozen=True)
class Said:
    """One statement: about the document at `path` and `query` (of the destination), valid at `at` (microseconds)."""

    path: str
    query: str
    effect: Effect
    side: Side
    at: int
    prefix: str = ""


def statements(row: ExchangeRow, read: ReadJson, erased: ErasedRow | None = None) -> Iterator[Said]:
    """What the exchange says. Nothing if it is incomplete: half a payload is no content.

    `erased` is what was erased of it. Which side its document's content was on is known from there, since the payloads
    that would show it may be gone; if it is not, it said nothing before either. What was deleted stays deleted."""
    if erased is None:
        if row.complete:
            yield from _statements(row, read, None)
    elif erased.content is not None:
        for said in _statements(row, read, erased.content):
            gone = said.side in erased.sides and said.effect is not Effect.TOMBSTONE
            yield replace(said, effect=Effect.ERASED) if gone else said


def _statements(row: ExchangeRow, read: ReadJson, known: Side | None) -> Iterator[Said]:
    """`known` is the side that the content is on, None if the payloads are to show it."""
    response = row.response
    if response is None or row.status is None:
        return
    query = row.url.partition("#")[0].partition("?")[2]
    began, ended = row.started_at, row.started_at + row.duration_us
    method = row.method.upper()
    if row.status in (404, 410):
        if method in ("GET", "HEAD", "DELETE", "PUT", "PATCH"):
            yield Said(row.path, query, Effect.TOMBSTONE, "response", began)
    elif method == "GET" and row.status in (200, 203):
        yield Said(row.path, query, Effect.CONTENT, "response", began)
    elif method == "DELETE" and row.status in (200, 204):
        yield Said(row.path, query, Effect.TOMBSTONE, "response", ended)
    elif method == "PUT" and row.status in _CREATED:
        shown = _shows(row, response, read, known)
        yield Said(row.path, query, Effect.CONTENT, "response" if shown else "request", ended)
    elif method == "PATCH" and row.status in _CREATED:
        if _shows(row, response, read, known):
            yield Said(row.path, query, Effect.CONTENT, "response", ended)
        else:
            yield Said(row.path, query, Effect.PATCH, "request", ended)
    elif method == "POST" and row.status in _CREATED:
        shown = _shows(row, response, read, known)
        yield _posted(row, query, read, "response" if shown else "request", ended)


def _posted(row: ExchangeRow, query: str, read: ReadJson, side: Side, at: int) -> Said:
    place = _location(row)
    if place is not None:
        return Said(*place, Effect.CONTENT, side, at)
    found = _id_in(read("response")) if row.status in (200, 201) else None
    # An id in an answer that shows nothing else may be the request's own number, unless the status says "created".
    if found is not None and (row.status == 201 or side == "response"):
        return Said(f"{row.path.rstrip('/')}/{quote(found, safe='')}", "", Effect.CONTENT, side, at)
    return Said(row.path, query, Effect.CONTENT, "request", at, prefix="POST ")


def names_its_document(row: ExchangeRow) -> bool:
    """Whether path and headers alone say which document it speaks of: not where an id in the answer may."""
    return row.method.upper() != "POST" or _location(row) is not None


def _location(row: ExchangeRow) -> tuple[str, str] | None:
    """Path and query of what a `POST` created, if a header says so."""
    location = None if row.response is None else _header(row.response.headers, b"location")
    return _place(row, location) if location is not None and row.status in (201, 202) else None


def _shows(row: ExchangeRow, response: MessageRow, read: ReadJson, known: Side | None) -> bool:
    """Whether the answer to a write is the document itself: it says so, or it is JSON that has all that was sent.

    `{"status": "ok"}` is not the document, and `{"id": 7, "name": "x", "revision": 3}` after `{"name": "x"}` is.
    """
    if known is not None:
        return known == "response"
    if response.size == 0 or row.status not in (200, 201):
        return False
    place = _header(response.headers, b"content-location")
    if place is not None and _place(row, place) == (row.path, row.url.partition("?")[2]):
        return True
    shown = read("response")
    if not isinstance(shown, dict):
        return False
    if row.request.size == 0:
        return True
    sent = read("request")
    if isinstance(sent, list):  # JSON Patch: a list of operations, which no answer repeats
        return row.method.upper() == "PATCH" and is_json(row.request.content_type)
    if not isinstance(sent, dict) or not sent:
        return False
    return sent.keys() <= shown.keys() or any(
        isinstance(inner := shown.get(name), dict) and sent.keys() <= inner.keys() for name in _WRAPPERS
    )


def _id_in(answer: Any) -> str | None:
    if not isinstance(answer, dict):
        return None
    for holder in (answer, *(answer.get(name) for name in _WRAPPERS)):
        if isinstance(holder, dict):
            for name in _ID_FIELDS:
                value = holder.get(name)
                if isinstance(value, str | int) and not isinstance(value, bool) and 0 < len(str(value)) <= 255:
                    return str(value)
    return None


def _place(row: ExchangeRow, place: bytes) -> tuple[str, str] | None:
    """Path and query of a place of the same service; None for one elsewhere, or that is no URL."""
    try:
        there = urlsplit(urljoin(row.url, place.decode("utf-8")))
        here = urlsplit(row.url)
        same_origin = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
    except ValueError:
        return None
    path = there.path or "/"
    if not (same_origin or path == row.path or path.startswith(row.path.rstrip("/") + "/")):
        return None
    return path, there.query


def _header(headers: Headers, name: bytes) -> bytes | None:
    return next((value for field, value in headers if field.lower() == name), None)
