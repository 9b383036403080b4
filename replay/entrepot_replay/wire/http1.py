"""The Sender for HTTP/1.1 on a connection of its own, kept alive from step to step.

Everything here serves one question: if no whole answer comes, can the target have seen the request? No byte taken by
the connection means no (NotSent); anything else means that nobody knows (OutcomeUnknown).
"""

import ssl
import time
from contextlib import suppress

from ..answer import Answer, read_body
from ..errors import NotSent, OutcomeUnknown
from ..outgoing import Outgoing
from ..sender import IDLE_SECONDS, Timeouts
from ..target import Target
from .answer_head import AnswerHead, Malformed
from .channel import Channel
from .framing import AnswerReader, CutShort
from .request_body import body_pieces, in_chunks
from .request_head import RequestHead, request_head

CONTINUE_SECONDS = 1.0
"""How long a target that was asked whether to go on is waited for: many never answer that (RFC 9110 §10.1.1)."""
_TOGETHER = 128 * 1024
"""A body up to this many bytes leaves in one write with its head."""


class SpeaksHttp2(Exception):
    """TLS agreed on HTTP/2. Nothing was sent."""


class Http1Sender:
    """HTTP/1.1, over TLS if a context is given. Raises SpeaksHttp2 where the context offers that and the target takes
    it."""

    def __init__(self, target: Target, timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._timeouts = timeouts
        self._tls = tls
        self._channel: Channel | None = None
        self._last_used = 0.0

    def send(self, request: Outgoing) -> Answer:
        head = request_head(request)
        channel = self._channel
        if channel is not None and (time.monotonic() - self._last_used > IDLE_SECONDS or channel.readable()):
            self.close()
            channel = None
        fresh = channel is None
        if channel is None:
            channel = self._connect()
        began = time.monotonic()
        while True:
            exchange = _Exchange(channel, request, head, self._timeouts)
            try:
                answer, kept = exchange.run(began)
            except BaseException as error:
                self.close()
                if not isinstance(error, OSError):
                    raise
                if not exchange.untouched:
                    raise OutcomeUnknown(exchange.sentence(error)) from error
                if fresh:
                    raise NotSent("the connection was given up by the target") from error
                channel, fresh = self._connect(), True  # it had closed the idle connection a moment before
                continue
            if kept:
                self._last_used = time.monotonic()
            else:
                self.close()
            return answer

    def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _connect(self) -> Channel:
        channel = Channel.open(self._target, self._timeouts.connect, self._tls)
        if channel.protocol == "h2":
            channel.close()
            raise SpeaksHttp2
        self._channel = channel
        return channel


class _Exchange:
    """One request and its answer on one connection."""

    def __init__(self, channel: Channel, request: Outgoing, head: RequestHead, timeouts: Timeouts) -> None:
        self._channel = channel
        self._request = request
        self._head = head
        self._timeouts = timeouts
        self._deadline = float("inf")
        self._reader = AnswerReader(self._receive, to_head=request.method.upper() == b"HEAD")
        self._writing = True
        self.untouched = True
        """The connection took no byte, and the body has not been begun."""

    def run(self, began: float) -> tuple[Answer, bool]:
        """The answer, and whether the connection can be used again. Raises OutcomeUnknown, OSError, and what the
        request's body raises."""
        whole = self._write()
        self._writing = False
        self._deadline = time.monotonic() + self._timeouts.whole
        try:
            head = self._reader.head()
            body, size, digest, undecodable = read_body(head.headers, self._reader.body())
        except (Malformed, CutShort) as error:
            raise OutcomeUnknown(str(error)) from error
        answer = Answer(
            status=head.status,
            headers=head.headers,
            version=head.version,
            body=body,
            size=size,
            digest=digest,
            duration_us=round((time.monotonic() - began) * 1_000_000),
            undecodable=undecodable,
        )
        return answer, whole and head.kept and not self._head.closes and not self._reader.begun

    def sentence(self, error: OSError) -> str:
        """What a failed wait or operation means, for people."""
        if isinstance(error, TimeoutError):
            if self._writing:
                return "the target stopped reading"
            if time.monotonic() >= self._deadline:
                return f"the answer was not whole after {self._timeouts.whole:.0f} seconds"
            return "no answer in time"
        what = "before the request was sent" if self._writing else "before the answer was whole"
        return f"the connection broke {what}: {error.strerror or error}"

    # The request

    def _write(self) -> bool:
        """Sends the request; False if the target answered or hung up before it had it all: what it said counts, if it
        said anything."""
        body = self._request.body
        data = self._head.data
        held = isinstance(body, tuple) and self._request.length <= _TOGETHER
        if held and not self._head.chunked and not self._head.expects:
            return self._put(b"".join((data, *body)))
        if not self._put(data) or (self._head.expects and not self._told_to_go_on()):
            return False
        return self._pieces()

    def _pieces(self) -> bool:
        pieces = body_pieces(self._request, chunked=self._head.chunked)
        for piece in in_chunks(pieces) if self._head.chunked else pieces:
            if (self._channel.readable() and self._refused()) or not self._put(piece):
                return False
        return True

    def _put(self, data: bytes) -> bool:
        rest = memoryview(data)
        while rest:
            listening = not self.untouched and self._final() is None
            write = self._channel.write_or_see if listening else self._channel.write
            try:
                count = write(rest, self._timeouts.progress)
            except (BrokenPipeError, ConnectionResetError):
                if self.untouched and not self._channel.is_tls:
                    raise
                self.untouched = False
                return False  # a server may refuse a request half way and hang up: what it said is waiting
            except OSError:
                # A plain connection says so when it took nothing; TLS may have sent a part of what it was given.
                self.untouched = self.untouched and not self._channel.is_tls
                raise
            if count:
                self.untouched = False
                rest = rest[count:]
            elif self._refused():
                return False
        return True

    def _told_to_go_on(self) -> bool:
        """Waits for the word to send the body; False if the final answer, or the end, came instead."""
        until = time.monotonic() + CONTINUE_SECONDS
        while self._final() is None and not self._reader.interim:
            left = until - time.monotonic()
            if left <= 0 or not self._channel.readable(left):
                return True
            if not self._see():
                return False
        return self._final() is None

    def _refused(self) -> bool:
        """Takes what the target said before it had the whole request: True if it does not want the rest."""
        head = self._final()
        if head is None:
            if not self._see():
                return True
            head = self._final()
        return head is not None and (head.status >= 400 or not head.kept)

    def _see(self) -> bool:
        """Takes bytes that are there; False at the end of the connection."""
        with suppress(BlockingIOError, TimeoutError):
            return self._reader.more()
        return True

    def _final(self) -> AnswerHead | None:
        try:
            return self._reader.final_head()
        except Malformed as error:
            raise OutcomeUnknown(str(error)) from error

    # The answer

    def _receive(self) -> bytes:
        if self._writing:
            return self._channel.read(0)
        left = self._deadline - time.monotonic()
        return self._channel.read(min(self._timeouts.progress, left))
