"""One exchange while it is under way: what was seen of it so far, and the Exchange that becomes of it."""

from collections.abc import Callable
from uuid import UUID

from mitmproxy import http

from entrepot_store.model import Body, Exchange, Headers, Request, Response, WebSocketMessage
from entrepot_store.rules import Decision

from .naming import server_text
from .tee import BodyTee

_EMPTY: Headers = ()


class Capture:
    """Facts of an exchange as its hooks bring them. Headers are noted before any addon of mitmproxy changes them."""

    __slots__ = (
        "answered", "authority", "client_address", "client_id", "cut", "decision", "destination", "early", "flow",
        "id", "messages", "messages_bytes", "messages_missing", "method", "path", "recording", "request_headers",
        "request_tee", "response_headers", "response_tee", "scheme", "source", "started_at", "trace", "version",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 # once per exchange: keywords cost time
        self,
        flow: http.HTTPFlow,
        identifier: UUID,
        started_at: int,
        source: str,
        destination: str,
        client_address: str,
        scheme: bytes,
        authority: bytes,
        early: Decision,
        trace: str | None,
    ) -> None:
        data = flow.request.data
        self.flow = flow
        self.id = identifier
        self.started_at = started_at
        self.source = source
        self.destination = destination
        self.client_address = client_address
        self.client_id = flow.client_conn.id
        self.method = data.method
        self.scheme = scheme
        self.authority = authority
        self.path = data.path
        self.version = flow.request.http_version
        self.request_headers: Headers = data.headers.fields
        self.response_headers: Headers | None = None
        self.request_tee: BodyTee | None = None
        self.response_tee: BodyTee | None = None
        self.early = early
        self.decision: Decision | None = None
        """The rule's final word; known from the response's head on."""
        self.trace = trace
        self.messages: list[WebSocketMessage] = []
        self.messages_bytes = 0
        self.messages_missing = 0
        self.answered = False
        """The response is the proxy's own, not the destination's."""
        self.recording = False
        """The record is on its way; nothing else may become of this capture."""
        self.cut = False
        """A bound of ours cut it: it counts as truncated."""

    def discard(self) -> None:
        """Forgets the bodies; their files are removed."""
        for tee in (self.request_tee, self.response_tee):
            if tee is not None:
                tee.discard()
        self.messages.clear()

    def exchange(self, decision: Decision, error: str | None) -> Exchange:
        """The whole exchange, redacted as the decision says. Ends the tees."""
        flow = self.flow
        redactor = decision.redactor
        request_data = flow.request.data
        started, ended = request_data.timestamp_start, request_data.timestamp_end
        request = Request(
            self.method,
            self.scheme,
            redactor.authority(self.authority),
            redactor.path(self.path),
            self.version,
            redactor.headers(self.request_headers),
            self._body(self.request_tee, request_data.content, ended is not None),
            _trailers(request_data.trailers, redactor.headers),
        )
        response = None
        request_us = waiting_us = response_us = 0
        if ended is not None:
            request_us = _micros(started, ended)
        if flow.response is not None and not self.answered:
            data = flow.response.data
            # A response that mitmproxy refused as malformed comes without its `responseheaders` hook.
            headers = self.response_headers if self.response_headers is not None else data.headers.fields
            whole = error is None
            response = Response(
                flow.response.http_version,
                data.status_code,
                data.reason,
                redactor.headers(headers),
                self._body(self.response_tee, data.content, whole),
                _trailers(data.trailers, redactor.headers),
            )
            # A destination may answer before it has read the whole request.
            waiting_us = _micros(ended or started, data.timestamp_start)
            if data.timestamp_end is not None:
                response_us = _micros(data.timestamp_start, data.timestamp_end)
        return Exchange(
            self.id,
            self.started_at,
            self.source,
            self.destination,
            self.client_address,
            server_text(flow.server_conn),
            decision.rule,
            decision.action,
            decision.retention_class,
            request,
            response,
            error,
            request_us,
            waiting_us,
            response_us,
            self.trace,
            self.messages,
            self.messages_missing,
        )

    def _body(self, tee: BodyTee | None, content: bytes | None, whole: bool) -> Body:
        if content is not None:
            if tee is not None:
                tee.discard()  # it was set for a body that turned out to be empty and never streamed
            return Body(content, None, len(content), not whole)
        if tee is not None:
            if tee.cut:
                self.cut = True
            return tee.finish()
        # mitmproxy drops what it had buffered of a body when the peer stops in the middle.
        return Body(b"", None, 0, not whole)


def _trailers(trailers: http.Headers | None, redact: Callable[[Headers], Headers]) -> Headers:
    return redact(trailers.fields) if trailers else _EMPTY


def _micros(since: float, until: float) -> int:
    return max(int((until - since) * 1_000_000), 0)
