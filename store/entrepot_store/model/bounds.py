"""How much of a head is kept: a segment's reader has to hold the head of a record in memory, and bounds it.

A client may send any amount of header, and no proxy stops it. What is over the bound is left out and the message marked
as truncated, so that one bomb does not make the segment that it is in unreadable for all the others.
"""

from .exchange import Exchange, Headers, Request, Response

LONGEST_PART = 1024 * 1024
"""Bytes kept of a method, a path, an authority, a reason."""
LONGEST_HEADERS = 4 * 1024 * 1024
"""Bytes kept of all headers of a message; of its trailers as many again. In storage either may be there twice, once
readable and once exact."""


def cut_heads(exchange: Exchange) -> bool:
    """Cuts what is too long, in place, and marks the messages it cut. Says whether there was anything to cut."""
    found = _cut_request(exchange.request)
    return (exchange.response is not None and _cut_response(exchange.response)) or found


def _cut_request(request: Request) -> bool:
    before = (request.method, request.scheme, request.authority, request.path, request.headers, request.trailers)
    request.method = request.method[:LONGEST_PART]
    request.scheme = request.scheme[:LONGEST_PART]
    request.authority = request.authority[:LONGEST_PART]
    request.path = request.path[:LONGEST_PART]
    request.headers, request.trailers = _cut(request.headers), _cut(request.trailers)
    after = (request.method, request.scheme, request.authority, request.path, request.headers, request.trailers)
    request.body.truncated |= after != before
    return after != before


def _cut_response(response: Response) -> bool:
    before = response.reason, response.headers, response.trailers
    response.reason = response.reason[:LONGEST_PART]
    response.headers, response.trailers = _cut(response.headers), _cut(response.trailers)
    after = response.reason, response.headers, response.trailers
    response.body.truncated |= after != before
    return after != before


def _cut(headers: Headers) -> Headers:
    """The headers that fit, whole, in order."""
    kept = []
    left = LONGEST_HEADERS
    for name, value in headers:
        size = len(name) + len(value)
        if size <= left:
            kept.append((name, value))
            left -= size
    return headers if len(kept) == len(headers) else tuple(kept)
