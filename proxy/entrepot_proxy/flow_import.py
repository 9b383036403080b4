"""mitmproxy's flows, as its flow files hold them, turned into exchanges."""

from hashlib import sha256
from uuid import UUID

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ReverseMode

from entrepot_store.model import (
    Body,
    Exchange,
    Request,
    Response,
    WebSocketMessage,
    derived_tail,
    exchange_id,
)

from .faults import describe
from .headers import CONTENT_TYPE, HOST, TRACEPARENT, trace_id, wanted
from .naming import Target, address_text, plain, server_text
from .policy import Policy

ID_KEY = "entrepot_id"
"""Metadata of a flow that we exported: the id its exchange has, so that taking it in again changes nothing."""


def exchange_of(flow: http.HTTPFlow, policy: Policy) -> Exchange:
    """The exchange in a recorded flow; the same flow always gives the same id. Redacted as the policy says."""
    data = flow.request.data
    found = wanted(data.headers.fields)
    host = flow.client_conn.peername[0] if flow.client_conn.peername else "unknown"
    source = plain(policy.names.source(host, None))
    destination = policy.names.destination(plain(data.host), data.port) if data.host else "unknown"
    response = flow.response
    content_type = wanted(response.data.headers.fields).get(CONTENT_TYPE) if response else None
    status = response.data.status_code if response else None
    decision = policy.rules.decide(source, destination, data.method, data.path, content_type, status)
    redactor = decision.redactor
    target = Target(data.host, data.port, data.scheme, data.authority, http2=flow.request.is_http2)
    reverse = isinstance(flow.client_conn.proxy_mode, ReverseMode)
    authority = target.url_authority(found.get(HOST, b""), reverse=reverse, tls=flow.client_conn.tls)
    started_at = max(int(data.timestamp_start * 1_000_000), 0)
    error = describe(flow.error.msg) if flow.error else None
    if error is None and response is None:
        error = "failed: the recording ends before the response"
    exchange = Exchange(
        id=_id(flow, started_at),
        started_at=started_at,
        source=source,
        destination=destination,
        client_address=address_text(flow.client_conn.peername),
        server_address=server_text(flow.server_conn),
        rule=decision.rule,
        action=decision.action,
        retention_class=decision.retention_class,
        request=Request(
            method=data.method,
            scheme=target.url_scheme(reverse=reverse, tls=flow.client_conn.tls),
            authority=redactor.authority(authority),
            path=redactor.path(data.path),
            version=flow.request.http_version,
            headers=redactor.headers(data.headers.fields),
            body=_body(data.content),
            trailers=redactor.headers(data.trailers.fields) if data.trailers else (),
        ),
        error=error,
        request_us=_micros(data.timestamp_start, data.timestamp_end),
        trace_id=trace_id(found.get(TRACEPARENT)),
    )
    if response is not None:
        answer = response.data
        exchange.response = Response(
            version=response.http_version,
            status=answer.status_code,
            reason=answer.reason,
            headers=redactor.headers(answer.headers.fields),
            body=_body(answer.content),
            trailers=redactor.headers(answer.trailers.fields) if answer.trailers else (),
        )
        exchange.waiting_us = _micros(data.timestamp_end, answer.timestamp_start)
        exchange.response_us = _micros(answer.timestamp_start, answer.timestamp_end)
    if flow.websocket is not None:
        exchange.messages = [
            WebSocketMessage(int(one.timestamp * 1_000_000), one.from_client, one.is_text, one.content)
            for one in flow.websocket.messages
        ]
    return exchange


def _id(flow: http.HTTPFlow, started_at: int) -> UUID:
    exported = flow.metadata.get(ID_KEY)
    if isinstance(exported, str):
        try:
            return UUID(exported)
        except ValueError:
            pass  # somebody else's metadata under our name: the derived id serves
    data = flow.request.data
    url = flow.request.pretty_url.encode("utf-8", "surrogateescape")
    digest = sha256(data.content or b"").digest()
    return exchange_id(started_at, derived_tail(str(started_at).encode(), data.method, url, digest, flow.id.encode()))


def _body(content: bytes | None) -> Body:
    """A flow that streamed has no content: it is missing, and the body says so."""
    return Body(b"", None, 0, truncated=True) if content is None else Body.of(content)


def _micros(since: float | None, until: float | None) -> int:
    return max(int((until - since) * 1_000_000), 0) if since is not None and until is not None else 0
