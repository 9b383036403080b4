"""Puts what redaction makes of bodies, messages and values into an exchange whose known places are redacted already."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from ..content import content_codings
from ..model import Body, Exchange, Headers, Request, Response, WebSocketMessage
from .body_redactor import UNCHANGED, Redacted
from .body_rules import BodyRules, content_type_of, is_looked_into
from .job import Job, Result
from .process import RedactionFailed
from .reference import reference_for

CUT_OFF = "it was cut off, and what is secret in the rest of it cannot be told"
NOT_IN_MEMORY = "it was not held in memory"

_DIGESTS = frozenset(
    (b"content-md5", b"digest", b"content-digest", b"repr-digest", b"x-amz-content-sha256", b"x-goog-hash")
)
"""Headers that are hashes over a body: guesses at what was taken out of it could be tried against them."""
_CHECKSUM = b"x-amz-checksum-"
"""So are those whose names begin like this, but for the few that only say how."""
_HOW = frozenset((b"x-amz-checksum-algorithm", b"x-amz-checksum-mode", b"x-amz-checksum-type"))

type Redact = Callable[[BodyRules, Job], Result]
type _Message = Request | Response


def redact_bodies(
    exchange: Exchange, raw: Exchange, rules: BodyRules, key: bytes, redact: Redact
) -> tuple[Exchange, list[str]]:
    """The exchange as it may be kept, and why bodies or messages of it are withheld, once for each.

    `raw` is the exchange before its headers and path were redacted; `redact` does the work, as
    `RedactionProcess.redact` does. A body that might hold a secret afterwards is withheld. Raises RedactionFailed if
    that cannot even be told of the path and the headers: then nothing of the exchange may be kept.
    """
    sides: list[_Message] = [exchange.request, *([exchange.response] if exchange.response else [])]
    # All of it before anything is replaced: the values may change what a body says it is.
    hindrances = [_hindrance(side) for side in sides]
    asked = [side for side, why in zip(sides, hindrances, strict=True) if side.body.data and not why]
    job = Job(
        [(side.body.data or b"", content_type_of(side.headers), _codings(side)) for side in asked],
        [message.data for message in exchange.messages],
        list(zip(_values(raw), _values(exchange), strict=True)) if rules.regex else [],
    )
    result = _work(rules, job, redact)
    if result.values:
        exchange = _with_values(exchange, iter(result.values))
    withheld: list[str] = []
    done = iter(result.bodies)
    found = [
        Redacted(withheld=why) if why else next(done) if side.body.data else UNCHANGED
        for side, why in zip(sides, hindrances, strict=True)
    ]
    request = _kept(exchange.request, found[0], key, withheld)
    response = _kept(exchange.response, found[1], key, withheld) if exchange.response else None
    messages = [_message(*pair, withheld) for pair in zip(exchange.messages, result.messages, strict=True)]
    exchange = replace(
        exchange,
        request=request,
        response=response,
        messages=[message for message in messages if message is not None],
        messages_missing=exchange.messages_missing + messages.count(None),
    )
    return exchange, withheld


def _work(rules: BodyRules, job: Job, redact: Redact) -> Result:
    if not (job.bodies or job.messages or job.values):
        return Result()
    try:
        return redact(rules, job)
    except RedactionFailed as error:
        lost = Redacted(withheld=str(error))
        # What a body made impossible may still be done for the values.
        values = redact(rules, Job(values=job.values)).values if job.values else ()
        return Result([lost] * len(job.bodies), [lost] * len(job.messages), values)


def _hindrance(side: _Message) -> str:
    """Why the body cannot be looked into, though it has to be."""
    body = side.body
    if body.data is None:
        return NOT_IN_MEMORY if is_looked_into(content_type_of(side.headers)) else ""
    return CUT_OFF if body.data and body.truncated and is_looked_into(content_type_of(side.headers)) else ""


def _codings(side: _Message) -> tuple[str, ...]:
    return () if side.body.decoded else content_codings(side.headers)


def _kept[M: (Request, Response)](side: M, redacted: Redacted, key: bytes, withheld: list[str]) -> M:
    reason = side.body.withheld or redacted.withheld
    if reason:
        withheld.append(reason)
        body = Body(b"", None, 0, truncated=True, withheld=reason)
    elif redacted.data is not None:
        body = replace(
            side.body,
            data=redacted.data,
            size=len(redacted.data),
            decoded=side.body.decoded or ", ".join(content_codings(side.headers)),
        )
    else:
        return side
    return replace(side, body=body, headers=_undigested(side.headers, key), trailers=_undigested(side.trailers, key))


def _undigested(headers: Headers, key: bytes) -> Headers:
    return tuple(
        (name, reference_for(key, name.decode("latin-1"), value) if _is_digest(name.lower()) else value)
        for name, value in headers
    )


def _is_digest(lower: bytes) -> bool:
    return lower in _DIGESTS or (lower.startswith(_CHECKSUM) and lower not in _HOW)


def _message(message: WebSocketMessage, redacted: Redacted, withheld: list[str]) -> WebSocketMessage | None:
    if redacted.withheld:
        withheld.append(redacted.withheld)
        return None
    return message if redacted.data is None else replace(message, data=redacted.data)


def _values(exchange: Exchange) -> Iterator[bytes]:
    """Everything else that peers wrote freely, in an order that `_with_values` knows."""
    request, response = exchange.request, exchange.response
    yield request.path
    yield (exchange.error or "").encode("utf-8", "surrogateescape")
    yield from (value for headers in (request.headers, request.trailers) for _, value in headers)
    if response is not None:
        yield response.reason
        yield from (value for headers in (response.headers, response.trailers) for _, value in headers)


def _with_values(exchange: Exchange, values: Iterator[bytes]) -> Exchange:
    request, response = exchange.request, exchange.response
    path, error = next(values), next(values).decode("utf-8", "surrogateescape")
    request = replace(
        request, path=path, headers=_filled(request.headers, values), trailers=_filled(request.trailers, values)
    )
    if response is not None:
        response = replace(
            response,
            reason=next(values),
            headers=_filled(response.headers, values),
            trailers=_filled(response.trailers, values),
        )
    return replace(exchange, request=request, response=response, error=None if exchange.error is None else error)


def _filled(headers: Headers, values: Iterator[bytes]) -> Headers:
    return tuple((name, value) for (name, _), value in zip(headers, islice(values, len(headers)), strict=True))
