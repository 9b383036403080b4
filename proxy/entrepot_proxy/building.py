"""Turns a finished capture into the record that is spooled: names, rule, redaction, packing.

Runs on the spool writer's thread, right before the group commit. Done one after the other for many captures it costs
half of what it costs between the events of as many connections.
"""

from collections.abc import Callable
from typing import Protocol

from mitmproxy import http

from entrepot_store.model import Action, Body, Exchange, Headers, Request, Response, cut_heads
from entrepot_store.model.bounds import LONGEST_PART
from entrepot_store.redact import Redact, redact_bodies
from entrepot_store.rules import Decision
from entrepot_store.spool.records import pack_exchange

from .capture import Capture
from .headers import TRACEPARENT, trace_id
from .naming import server_text
from .spool_writer import Made, Prepared, Ready

_NONE: Headers = ()


def prepare(pending: Capture | Ready | Made) -> Prepared | None:
    """The record of an ended capture, or None if its rule says that it is ignored."""
    if isinstance(pending, Ready):
        return Prepared(pending.record)
    if isinstance(pending, Made):
        return pending.prepared()
    capture = pending
    status = capture.response_data.status_code if capture.response_data else None
    decision = capture.decision or capture.final_decision(capture.content_type(), status)
    if decision.action is Action.IGNORE:
        return None
    if decision.redactor.bodies is not None:
        raise ValueError("its bodies were not looked into")
    return _packed(build(capture, decision, decision.redactor), capture)


def prepare_redacted(capture: Capture, key: bytes, redact: Redact) -> tuple[Prepared, list[str]]:
    """The record of an ended capture whose rule looks into bodies, and why what of it is withheld; on the thread of
    `redaction`. Raises RedactionFailed."""
    decision = capture.decision
    if decision is None or decision.redactor.bodies is None:
        raise ValueError("the capture's rule does not look into bodies")
    exchange = build(capture, decision, decision.redactor)
    raw = build(capture, decision, _UNTOUCHED)
    exchange, withheld = redact_bodies(exchange, raw, decision.redactor.bodies, key, redact)
    if withheld:
        capture.cut = True
    return _packed(exchange, capture), withheld


def _packed(exchange: Exchange, capture: Capture) -> Prepared:
    files = [exchange.request.body.file, exchange.response.body.file if exchange.response else None]
    record = pack_exchange(exchange)
    if len(record) > LONGEST_PART and cut_heads(exchange):
        capture.cut = True
        record = pack_exchange(exchange)
    return Prepared(record, tuple(name for name in files if name is not None), capture.cut)


class _Redacting(Protocol):
    """What of a Redactor is used here."""

    def authority(self, authority: bytes, /) -> bytes: ...

    def path(self, path: bytes, /) -> bytes: ...

    def headers(self, headers: Headers, /) -> Headers: ...


class _Untouched:
    """Takes nothing out."""

    def authority(self, authority: bytes, /) -> bytes:
        return authority

    def path(self, path: bytes, /) -> bytes:
        return path

    def headers(self, headers: Headers, /) -> Headers:
        return headers


_UNTOUCHED = _Untouched()


def build(capture: Capture, decision: Decision, redactor: _Redacting) -> Exchange:
    """The exchange; headers, path and authority as `redactor` leaves them, bodies as they are."""
    source, destination = capture.parties()
    ended = capture.request_end
    request = Request(
        capture.method,
        capture.scheme(),
        redactor.authority(capture.authority()),
        redactor.path(capture.path),
        capture.version.decode("latin-1"),
        redactor.headers(capture.request_headers),
        capture.request_body or _body(capture.request_content, whole=ended is not None),
        _trailers(capture.request_trailers, redactor.headers),
    )
    response = None
    waiting_us = response_us = 0
    data = capture.response_data
    if data is not None:
        response = Response(
            data.http_version.decode("latin-1"),
            data.status_code,
            data.reason,
            redactor.headers(capture.response_headers or _NONE),
            capture.response_body or _body(capture.response_content, whole=capture.error is None),
            _trailers(capture.response_trailers, redactor.headers),
        )
        begun, finished = capture.response_times
        # A destination may answer before it has read the whole request.
        waiting_us = _micros(ended or capture.started, begun)
        response_us = _micros(begun, finished)
    if decision.wire:
        request.body.wire = True
        if response is not None:
            response.body.wire = True
    return Exchange(
        capture.id,
        capture.started_at,
        source,
        destination,
        capture.caller.address,
        server_text(capture.flow.server_conn),
        decision.rule,
        decision.action,
        decision.retention_class,
        request,
        response,
        capture.error,
        _micros(capture.started, ended),
        waiting_us,
        response_us,
        trace_id(capture.found.get(TRACEPARENT)),
        capture.messages,
        capture.messages_missing,
    )


def _body(content: bytes | None, *, whole: bool) -> Body:
    # mitmproxy drops what it had buffered of a body when the peer stops in the middle, and holds nothing of one that
    # somebody else streamed.
    return Body(b"", None, 0, truncated=True) if content is None else Body(content, None, len(content), not whole)


def _trailers(trailers: http.Headers | None, redact: Callable[[Headers], Headers]) -> Headers:
    return redact(trailers.fields) if trailers else _NONE


def _micros(since: float, until: float | None) -> int:
    return max(int((until - since) * 1_000_000), 0) if until is not None else 0
