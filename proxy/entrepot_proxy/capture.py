"""One exchange while it is under way: what its hooks saw of it.

On the event loop only what cannot wait is done: noting what mitmproxy or other addons change later. Names, rules,
redaction and packing are `building`'s, on the spool writer's thread, many exchanges at a time.
"""

import os
from collections import deque
from uuid import UUID

from mitmproxy import http

from entrepot_store.model import Body, Headers, WebSocketMessage, exchange_id
from entrepot_store.redact import is_looked_into
from entrepot_store.rules import Decision

from .headers import CONTENT_TYPE, HOST, PROXY_AUTHORIZATION, proxy_user
from .naming import Caller, Target, plain
from .policy import Policy
from .tee import BodyTee

OVERHEAD = 8 * 1024
"""What a capture takes in memory beside its bodies, roughly; it counts against the queue to the spool."""


_ENTROPY_BYTES = 4096
_entropy: deque[bytes] = deque()


def _tail() -> bytes:
    """Eight random bytes, asked of the system many at a time: every system call hands the interpreter to the other
    thread, which is then slow to give it back."""
    try:
        return _entropy.pop()
    except IndexError:
        fresh = os.urandom(_ENTROPY_BYTES)
        _entropy.extend(fresh[start : start + 8] for start in range(8, _ENTROPY_BYTES, 8))
        return fresh[:8]


class Capture:
    """Facts of an exchange as its hooks bring them. `end` is the last of the event loop's methods to be called."""

    __slots__ = (
        "answered", "caller", "cut", "decision", "error", "flow", "found", "identifier", "identity", "messages",
        "messages_bytes", "messages_missing", "method", "path", "policy", "recording", "request_body",
        "request_content", "request_end", "request_headers", "request_tee", "request_trailers", "response_body",
        "response_content", "response_data", "response_headers", "response_tee", "response_times",
        "response_trailers", "started", "target", "version",
    )  # fmt: skip

    def __init__(self, flow: http.HTTPFlow, policy: Policy, caller: Caller, found: dict[bytes, bytes]) -> None:
        """`found` are the request's headers that `headers.wanted` gives."""
        data = flow.request.data
        version = data.http_version
        self.flow = flow
        self.policy = policy
        self.caller = caller
        self.found = found
        self.started: float = data.timestamp_start
        self.method = data.method
        self.path = data.path
        self.version = version
        self.target = Target(data.host, data.port, data.scheme, data.authority, version == b"HTTP/2.0")
        self.request_headers: Headers = data.headers.fields
        self.response_headers: Headers | None = None
        self.response_data: http.ResponseData | None = None
        self.request_tee: BodyTee | None = None
        self.response_tee: BodyTee | None = None
        self.request_body: Body | None = None
        self.response_body: Body | None = None
        self.decision: Decision | None = None
        self.identifier: UUID | None = None
        self.identity: tuple[str, str] | None = None
        self.messages: list[WebSocketMessage] = []
        self.messages_bytes = 0
        self.messages_missing = 0
        self.error: str | None = None
        self.answered = False
        """The response is the proxy's own, not the destination's."""
        self.recording = False
        """Its record is on its way; nothing else may become of this capture."""
        self.cut = False
        """A bound of ours cut it: it counts as truncated."""

    @property
    def started_at(self) -> int:
        return int(self.started * 1_000_000)

    @property
    def id(self) -> UUID:
        if self.identifier is None:
            self.identifier = exchange_id(self.started_at, _tail())
        return self.identifier

    def parties(self) -> tuple[str, str]:
        """Source and destination, by name."""
        if self.identity is None:
            caller, names = self.caller, self.policy.names
            if caller.listener is not None:
                # Nobody but its address says who calls a reverse listener: the same for all of the connection.
                if caller.parties is None or caller.parties[0] is not names:
                    caller.parties = names, (plain(names.source(caller.host, None)), caller.listener)
                self.identity = caller.parties[1]
                return self.identity
            user = caller.user
            if user is None and caller.forward:
                user = proxy_user(self.found.get(PROXY_AUTHORIZATION))
            destination = names.destination(plain(self.target.host), self.target.port)
            self.identity = plain(names.source(caller.host, user)), destination
        return self.identity

    def early_decision(self) -> Decision:
        """The strictest that may become of it, before there is a response."""
        return self.policy.rules.decide_early(*self.parties(), self.method, self.path)

    def final_decision(self, content_type: bytes | None, status: int | None) -> Decision:
        if self.decision is None:
            self.decision = self.policy.rules.decide(*self.parties(), self.method, self.path, content_type, status)
        return self.decision

    def holds_request(self) -> bool:
        """Whether the request's body must not get to a disk before it was looked into."""
        content_type = self.found.get(CONTENT_TYPE, b"").decode("latin-1")
        rules = self.policy.rules
        return is_looked_into(content_type) and rules.may_redact_bodies(*self.parties(), self.method, self.path)

    def authority(self) -> bytes:
        tls = self.caller.client.tls
        return self.target.url_authority(self.found.get(HOST, b""), reverse=self.caller.reverse, tls=tls)

    def scheme(self) -> bytes:
        return self.target.url_scheme(reverse=self.caller.reverse, tls=self.caller.client.tls)

    def end(self, error: str | None) -> int:
        """Notes the rest, as it is now, and ends the tees. Returns how much memory the capture takes, roughly."""
        flow = self.flow
        request = flow.request.data
        self.error = error
        self.request_end = request.timestamp_end
        self.request_content = request.content
        self.request_trailers = request.trailers
        size = OVERHEAD + self.messages_bytes + len(self.path)
        for _, value in self.request_headers:
            size += len(value)
        if request.content is not None:
            size += len(request.content)
        if self.request_tee is not None:
            self.request_body = self._end_tee(self.request_tee, request.content)
            size += self.request_tee.held
        response = flow.response
        if response is not None and not self.answered:
            data = self.response_data = response.data
            self.response_content = data.content
            self.response_trailers = data.trailers
            self.response_times = data.timestamp_start, data.timestamp_end
            if self.response_headers is None:
                # mitmproxy refuses a malformed response without its `responseheaders` hook.
                self.response_headers = data.headers.fields
            for _, value in self.response_headers:
                size += len(value)
            if data.content is not None:
                size += len(data.content)
            if self.response_tee is not None:
                self.response_body = self._end_tee(self.response_tee, data.content)
                size += self.response_tee.held
        return size

    def _end_tee(self, tee: BodyTee, content: bytes | None) -> Body | None:
        if content is not None:
            tee.discard()  # it was set for a body that turned out not to stream
            return None
        if tee.cut:
            self.cut = True
        return tee.finish()

    def content_type(self) -> bytes | None:
        for name, value in self.response_headers or ():
            if name.lower() == CONTENT_TYPE:
                return value
        return None

    def discard(self) -> None:
        """Forgets the bodies; their files are removed."""
        for tee in (self.request_tee, self.response_tee):
            if tee is not None:
                tee.discard()
        self.messages.clear()
