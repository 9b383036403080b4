"""The capture addon: mitmproxy's hooks on one side, the spool on the other.

Uses documented hooks only, so it runs in the lean engine and in a stock mitmproxy alike. Its own files: `capture`
(one exchange under way), `building` (the record that becomes of it, on the spool writer's thread), `tee` (streamed
bodies), `held` and `redaction` (bodies in which a rule looks for secrets), `messages` (WebSocket), `naming`, `headers`
and `faults` (what the flow says, in our words), `guard` (no exception is lost), `refusal` (503), `strays` (traffic that
never becomes a flow or is not HTTP).

Every exchange ends in exactly one of: stored, ignored, truncated, failed. `_open` holds those that have not yet.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mitmproxy import http
from mitmproxy.connection import Client
from wsproto.frame_protocol import CloseReason

from entrepot_store.config import ProxySettings
from entrepot_store.model import Action, Exchange
from entrepot_store.redact import content_type_of, is_looked_into
from entrepot_store.spool.files import SpoolFolder
from entrepot_store.spool.records import pack_exchange

from .capture import Capture
from .counts import Counts
from .faults import CUT, WEBSOCKET_BROKEN, broken_off, describe_for
from .gaps import GapBook
from .guard import guarded
from .headers import CONTENT_TYPE, PROXY_AUTHORIZATION, TRANSFER_ENCODING, body_length, proxy_user, wanted
from .held import HeldBytes, HeldTee
from .messages import collect
from .naming import Caller, caller_of
from .policy import Policy
from .redaction import RedactionStage
from .refusal import refuse
from .reporter import Reporter
from .spool_writer import Ready, SpoolWriter
from .tee import BodyTee, Stream, TeeLimits

ORPHAN_SECONDS = 5.0
"""How long after its client has gone an exchange may still end by itself before it is recorded as it is."""


class CaptureAddon:
    """Captures every exchange that passes. All of it runs on the event loop."""

    def __init__(  # noqa: PLR0917 # made in one place, `session`, where every argument is named by its type
        self,
        policy: Policy,
        settings: ProxySettings,
        folder: SpoolFolder,
        writer: SpoolWriter,
        redaction: RedactionStage,
        held: HeldBytes,
        counts: Counts,
        gaps: GapBook,
        reporter: Reporter,
    ) -> None:
        self.policy = policy
        self.writer = writer
        self.redaction = redaction
        self.counts = counts
        self.gaps = gaps
        self.report = reporter
        self._buffer_bytes = settings.buffer_bytes
        self._limits = TeeLimits(settings.tee_memory_bytes, settings.max_body_bytes)
        self._redact_bytes = settings.redact_body_bytes
        self._held = held
        self._folder = folder
        self._open: dict[str, Capture] = {}
        self._callers: dict[str, Caller] = {}
        self._closed = False

    # Connections

    def client_connected(self, client: Client) -> None:
        self._callers[client.id] = caller_of(client)

    @guarded
    def client_disconnected(self, client: Client) -> None:
        caller = self._callers.pop(client.id, None)
        if caller is not None and caller.open:
            # Whatever mitmproxy still has to say about them, it says soon; some of its failures end without a hook.
            asyncio.get_running_loop().call_later(ORPHAN_SECONDS, self._record_orphans, client.id)

    def caller(self, client: Client) -> Caller:
        # Not kept when it is not known: the client has gone, and nobody would remove it again.
        return self._callers.get(client.id) or caller_of(client)

    # HTTP

    @guarded
    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Credentials come with the CONNECT only, and are those of everything inside the tunnel."""
        found = wanted(flow.request.data.headers.fields)
        self.caller(flow.client_conn).user = proxy_user(found.get(PROXY_AUTHORIZATION))

    @guarded
    def http_connect_error(self, flow: http.HTTPFlow) -> None:
        self.counts.saw()
        capture = self._begin(flow, wanted(flow.request.data.headers.fields))
        capture.answered = True
        reason = flow.server_conn.error or (flow.error.msg if flow.error else "the tunnel was not opened")
        self._finish(capture, describe_for(reason, flow.client_conn, flow.server_conn))

    @guarded
    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self.counts.saw()
        data = flow.request.data
        found = wanted(data.headers.fields)
        capture = self._begin(flow, found)
        self._open[flow.id] = capture
        length = body_length(found)
        if length is None:
            # Without a length an HTTP/1 request has no body unless it is chunked; an HTTP/2 request may have one.
            streams = TRANSFER_ENCODING in found or data.http_version == b"HTTP/2.0"
        else:
            streams = length > self._buffer_bytes
        # Somebody else may have asked for it: mitmproxy's `stream_large_bodies`, or another addon.
        streams = streams or bool(flow.request.stream)
        if PROXY_AUTHORIZATION in found and capture.caller.forward:
            del flow.request.headers["proxy-authorization"]
        if self.writer.failing is not None and capture.early_decision().on_failure == "closed":
            self._refuse_request(capture, streams)
        elif streams:
            held = capture.policy.redacts and capture.holds_request()
            capture.request_tee = self._tee(capture, "request", flow.request.stream, held=held)
            flow.request.stream = capture.request_tee

    @guarded
    def responseheaders(self, flow: http.HTTPFlow) -> None:
        capture = self._open.get(flow.id)
        response = flow.response
        if capture is None or response is None or capture.answered:
            return
        data = response.data
        capture.response_headers = headers = data.headers.fields
        if _has_no_body(capture.method, data.status_code):
            return
        found = wanted(headers)
        length = body_length(found)
        if length is None or length > self._buffer_bytes or response.stream:
            decision = capture.final_decision(found.get(CONTENT_TYPE), data.status_code)
            if decision.action is Action.IGNORE:
                response.stream = response.stream or True
            else:
                held = decision.redactor.bodies is not None and is_looked_into(content_type_of(headers))
                capture.response_tee = self._tee(capture, "response", response.stream, held=held)
                response.stream = capture.response_tee

    @guarded
    def response(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        if flow.websocket is not None:
            return None  # recorded when it ends
        capture = self._open.get(flow.id)
        if capture is None or capture.recording:
            return None
        if capture.answered:
            self._settle(capture)
            return None
        return self._finish(capture, broken_off(flow))

    @guarded
    def error(self, flow: http.HTTPFlow) -> None:
        capture = self._open.get(flow.id)
        if capture is None:
            if self._closed or "entrepot" in flow.metadata or flow.response is not None:
                return
            # It failed before its headers were announced: a CONNECT, or a request mitmproxy would not look at.
            self.counts.saw()
            capture = self._begin(flow, wanted(flow.request.data.headers.fields))
        flow.metadata["entrepot"] = "recorded"
        if capture.recording:
            return
        if capture.answered:
            self._settle(capture)
            return
        message = flow.error.msg if flow.error else "unknown"
        self._finish(capture, describe_for(message, flow.client_conn, flow.server_conn))

    # WebSocket

    @guarded
    def websocket_message(self, flow: http.HTTPFlow) -> None:
        collect(self._open.get(flow.id), flow)

    @guarded
    def websocket_end(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        capture = self._open.get(flow.id)
        if capture is None or capture.recording:
            return None
        return self._finish(capture, WEBSOCKET_BROKEN if _broke_off(flow) else None)

    # What the rest of the proxy asks

    def busy_clients(self) -> set[str]:
        """The ids of client connections that have an open exchange."""
        return {capture.caller.client.id for capture in self._open.values()}

    def cut(self) -> None:
        """Records everything still open as cut. What hooks bring afterwards is not captured any more."""
        self._closed = True
        for capture in list(self._open.values()):
            if not capture.recording:
                self._finish(capture, CUT)

    def record(self, exchange: Exchange) -> None:
        """Spools an exchange made elsewhere (`strays`); it is counted by the caller's `counts.saw()` before."""
        record = Ready(pack_exchange(exchange), exchange.started_at)
        self.writer.put(record, len(record.record))

    def hook_failed(self, hook: str, subject: Any, error: Exception) -> None:
        """An exception of ours: the exchange is counted as failed, and refused if its rule asks for that."""
        self.report(hook, error)
        reason = f"the capture failed in {hook}: {type(error).__name__}"
        if not isinstance(subject, http.HTTPFlow):
            return
        capture = self._open.get(subject.id)
        if capture is None:
            if hook in ("requestheaders", "http_connect_error"):
                self.counts.failed()
                self.gaps.note(reason)
            return
        if capture.recording:
            return
        self.counts.failed()
        self.gaps.note(reason, since=capture.started_at)
        closed = self._asks_for_refusal(capture)
        capture.discard()
        self._settle(capture)
        subject.metadata["entrepot"] = "failed"
        if closed:
            refuse(subject)

    # Inside

    def _asks_for_refusal(self, capture: Capture) -> bool:
        """Whether a capture that failed has to be refused, as far as that can be told after the failure."""
        try:
            return (capture.decision or capture.early_decision()).on_failure == "closed"
        except Exception as error:  # noqa: BLE001 # whatever broke the capture may break this too; then: if in doubt
            self.report("on_failure", error)
            return capture.policy.strict

    def _begin(self, flow: http.HTTPFlow, found: dict[bytes, bytes]) -> Capture:
        caller = self.caller(flow.client_conn)
        caller.open += 1
        return Capture(flow, self.policy, caller, found)

    def _tee(self, capture: Capture, side: str, stream: Stream | bool, *, held: bool) -> BodyTee:
        """`held`: it may not get to the disk before it was looked into."""
        then = None if isinstance(stream, bool) else stream
        if held:
            return HeldTee(self._redact_bytes, self._held, self.report, then)
        path = self._folder.body_path(f"{self.counts.worker}.{capture.id.hex}.{side}")
        return BodyTee(path, self._limits, self.writer.has_room, self.report, then)

    def _finish(self, capture: Capture, error: str | None) -> Awaitable[None] | None:
        """Hands the capture to the spool. Returns what to await if its record has to be on disk before traffic goes
        on."""
        size = capture.end(error)
        if capture.policy.strict or capture.policy.redacts:
            status = capture.response_data.status_code if capture.response_data else None
            decision = capture.final_decision(capture.content_type(), status)
            closed = decision.on_failure == "closed"
            if error is None and (closed or decision.durability == "sync"):
                return self._finish_strictly(capture, size, closed)
        capture.recording = True
        self._settle(capture)
        self._put(capture, size)
        return None

    def _put(self, capture: Capture, size: int, done: Callable[[bool], None] | None = None) -> bool:
        """As the writer's `put`, by way of redaction if the capture's rule looks into bodies."""
        decision = capture.decision
        if decision is None or decision.redactor.bodies is None or decision.action is Action.IGNORE:
            return self.writer.put(capture, size, done=done)
        entry = self.writer.admit(capture, size, done)
        if entry is None:
            return False
        self.redaction.submit(entry, capture)
        return True

    def _finish_strictly(self, capture: Capture, size: int, closed: bool) -> Awaitable[None]:
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[bool] = loop.create_future()
        capture.recording = True
        if not self._put(capture, size, lambda ok: _tell(loop, durable, ok)):
            durable.set_result(False)
        return self._wait_for_record(capture, durable, closed)

    async def _wait_for_record(self, capture: Capture, durable: "asyncio.Future[bool]", closed: bool) -> None:
        try:
            if not await durable and closed:
                refuse(capture.flow)
        finally:
            self._settle(capture)

    def _settle(self, capture: Capture) -> None:
        """The exchange has ended, one way or another."""
        capture.recording = True
        self._open.pop(capture.flow.id, None)
        capture.caller.open -= 1

    def _refuse_request(self, capture: Capture, streams: bool) -> None:
        """503 before anything is forwarded: the exchange does not take place, so nothing is missing."""
        self.counts.failed()
        capture.answered = True
        if not streams or capture.method in _BODILESS:
            refuse(capture.flow)
        elif capture.flow.killable:
            # mitmproxy would collect a body of any length in memory before it answers.
            capture.flow.kill()  # type: ignore[no-untyped-call] # mitmproxy is typed in part

    def _record_orphans(self, client_id: str) -> None:
        for capture in [one for one in self._open.values() if one.caller.client.id == client_id]:
            if capture.recording or self._closed:
                continue
            if capture.answered:
                self._settle(capture)
                continue
            capture.flow.metadata["entrepot"] = "orphan"
            gone = describe_for("Client disconnected.", capture.flow.client_conn, capture.flow.server_conn)
            try:
                self._finish(capture, gone)
            except Exception as error:  # noqa: BLE001 # a timer has nobody to raise to; it is counted and logged
                self.hook_failed("client_disconnected", capture.flow, error)


_BODILESS = frozenset((b"GET", b"HEAD", b"DELETE", b"OPTIONS"))
"""Methods whose requests have no body in practice, so that answering them needs no memory."""


def _has_no_body(method: bytes, status: int) -> bool:
    return method.upper() == b"HEAD" or status in (204, 304) or status < 200


def _broke_off(flow: http.HTTPFlow) -> bool:
    """Whether a WebSocket connection ended without a close frame: a message may have been cut."""
    return flow.websocket is not None and flow.websocket.close_code == CloseReason.ABNORMAL_CLOSURE


def _tell(loop: asyncio.AbstractEventLoop, durable: "asyncio.Future[bool]", ok: bool) -> None:
    """From the writer's thread. A loop that has ended has nobody left who waits."""

    def tell() -> None:
        if not durable.done():
            durable.set_result(ok)

    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)
