"""HTTP out of an answer: what the client's conditions, ranges and codings make of it (RFC 9110), and what we say of it.

`Entrepot-Exchange` names the exchange that was served; `Entrepot-Simulated` says how an answer came about that was not
recorded as it is; `Entrepot-Left-Out` names headers that held secrets, `Entrepot-Secrets` a content that holds
references to some. Reads are Mementos (RFC 7089): URL, TimeGate and Memento are one, as in its section 4.1.3.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from email.utils import parsedate_to_datetime

from starlette.responses import Response

from entrepot_replay.simulate import Answer, Asked, Coding, choose, relocated
from entrepot_store.model import Headers

from ..http import memento
from ..http.payloads import CHUNK, PayloadResponse, chunks
from ..http.ranges import Span, is_fresh, range_applies, requested_span
from ..text import visible
from . import problems

_NOTHING = (b"Content-Length", b"0")
_OVER_ALL = (b"content-md5", b"content-digest", b"x-amz-checksum-", b"x-goog-hash")
"""Beginnings of the names of checksums that do not hold for a part."""
_OF_CONTENT = {b"content-type", b"content-length", b"content-range", b"content-language", b"content-disposition"}


def respond(asked: Asked, answer: Answer) -> Response:
    """Opens the content, and raises what that does, while it can still be said by a status."""
    recorded = relocated(answer.headers, answer.origin, asked.header(b"host"))
    headers = [*recorded, *_said(asked, answer)]
    if answer.made and answer.status == 404:
        return _with(problems.gone(answer), headers)
    content = answer.content
    if content is None:
        return _bare(answer.status, headers if asked.method == "HEAD" or answer.status == 204 else [*headers, _NOTHING])
    if asked.reads and answer.status == 200 and _is_fresh(asked, answer):
        return _bare(304, [pair for pair in headers if pair[0].lower() not in _OF_CONTENT])
    coding = choose(content, asked.header(b"accept-encoding"), plain=asked.header(b"range") is not None)
    span = None
    if asked.reads and answer.status == 200 and coding.as_stored:
        headers.append((b"Accept-Ranges", b"bytes"))
        span = _span(asked, answer, content.size)
        if span is not None and span.length <= 0:
            return _bare(416, [*_said(asked, answer), (b"Content-Range", b"bytes */%d" % content.size), _NOTHING])
    status, part = (answer.status, Span(0, content.size)) if span is None else (206, span)
    if span is not None:
        headers = [pair for pair in headers if not pair[0].lower().startswith(_OVER_ALL)]
        headers.append((b"Content-Range", b"bytes %d-%d/%d" % (span.start, span.end - 1, content.size)))
    if coding.sent:
        headers.append((b"Content-Encoding", ", ".join(coding.sent).encode("latin-1")))
    if coding.as_stored:
        headers.append((b"Content-Length", b"%d" % part.length))
    if asked.method == "HEAD":
        return _bare(status, headers)
    stack = ExitStack()
    stream = stack.enter_context(content.open())
    response = PayloadResponse(stack, _pieces(chunks(stream, part), coding), status, {})
    response.raw_headers = headers
    return response


def _span(asked: Asked, answer: Answer, size: int) -> Span | None:
    """Several ranges at once are answered with the whole, as a server may."""
    range_, if_range = (_text(asked.header(name)) for name in (b"range", b"if-range"))
    etag = _text(answer.header(b"etag")) or ""
    applies = if_range is None or (bool(etag) and not etag.startswith("W/") and range_applies(if_range, etag))
    return requested_span(range_, size) if applies and asked.method == "GET" else None


def _is_fresh(asked: Asked, answer: Answer) -> bool:
    """Whether the client has the content already: by the recorded tag, else by the recorded date (RFC 9110 §13.2.2)."""
    if_none_match = _text(asked.header(b"if-none-match"))
    if if_none_match is not None:
        etag = (_text(answer.header(b"etag")) or "").removeprefix("W/")
        return bool(etag or if_none_match.strip() == "*") and is_fresh(if_none_match, etag)
    since, modified = asked.header(b"if-modified-since"), answer.header(b"last-modified")
    if since is None or modified is None:
        return False
    try:
        return parsedate_to_datetime(modified.decode("latin-1")) <= parsedate_to_datetime(since.decode("latin-1"))
    except (ValueError, TypeError):
        return False  # no dates, or of unlike kinds: as if nothing had been asked


def _said(asked: Asked, answer: Answer) -> Headers:
    said = [(b"Entrepot-Exchange", str(answer.exchange).encode())]
    if answer.made:
        said.append((b"Entrepot-Simulated", visible(answer.made).encode("latin-1", "replace")))
    if answer.left_out:
        said.append((b"Entrepot-Left-Out", ", ".join(answer.left_out).encode("latin-1")))
    if answer.secrets:
        said.append((b"Entrepot-Secrets", b"content"))
    if asked.reads:
        url = f"{asked.path}?{asked.query}" if asked.query else asked.path
        said += [
            (b"Memento-Datetime", memento.http_date(answer.moment).encode()),
            (b"Link", memento.link(url, "original timegate").encode("ascii")),
            (b"Vary", b"accept-datetime"),
        ]
    return tuple(said)


def _pieces(stored: Iterator[bytes], coding: Coding) -> Iterator[bytes]:
    if coding.as_stored:
        yield from stored
        return
    for piece in coding.convert(stored):
        # What a coding gives out can be any length; a client that reads slowly must not hold more than this.
        for start in range(0, len(piece), CHUNK):
            yield piece[start : start + CHUNK]


def _with(response: Response, headers: list[tuple[bytes, bytes]]) -> Response:
    response.raw_headers = [*response.raw_headers, *headers]
    return response


def _bare(status: int, headers: list[tuple[bytes, bytes]]) -> Response:
    response = Response(status_code=status)
    response.raw_headers = headers
    return response


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
