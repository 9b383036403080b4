"""The Sender on httpcore, for HTTP/2. What goes wrong is translated here, once.

httpcore and not httpx, because it leaves the order and the duplicates of headers alone.
"""

import ssl
import time
from collections.abc import Iterable, Iterator

import httpcore

from ..answer import Answer, read_body
from ..errors import NotSent, OutcomeUnknown, Unsendable
from ..outgoing import Outgoing
from ..sender import IDLE_SECONDS, Timeouts
from ..target import Target
from .request_body import body_pieces


class HttpcoreSender:
    """HTTP/2 where the target speaks TLS and offers it, else HTTP/1.1, which is then never used for a second request:
    what a hostile target sends behind its answer would be the answer to that one."""

    def __init__(self, target: Target, timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._timeouts = timeouts
        self._tls = tls
        limits = {"connect": timeouts.connect, "read": timeouts.progress, "write": timeouts.progress}
        self._extensions = {"timeout": limits, "trace": self._trace}
        self._left = False
        self._connection: httpcore.HTTPConnection | None = None

    def send(self, request: Outgoing) -> Answer:
        began = time.monotonic()
        self._left = False
        try:
            connection = self._connected()
            url = httpcore.URL(
                scheme=self._target.scheme.encode(),
                host=self._target.host.encode(),
                port=self._target.port,
                target=request.path,
            )
            chunked = any(name.lower() == b"transfer-encoding" for name, _ in request.headers)
            live = httpcore.Request(
                request.method,
                url,
                headers=request.headers,
                content=body_pieces(request, chunked=chunked),
                extensions=self._extensions,
            )
            response = connection.handle_request(live)
            try:
                # The stream of a response to the synchronous API is iterable; its declared type covers both APIs.
                pieces: Iterable[bytes] = response.stream  # type: ignore[assignment]
                headers = tuple(response.headers)
                held, size, digest, undecodable = read_body(headers, self._in_time(pieces, began))
            finally:
                response.close()
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            self.close()
            raise NotSent(_sentence(error), passing=not isinstance(error.__cause__, ssl.SSLError)) from error
        except httpcore.ConnectionNotAvailable as error:
            self.close()
            raise NotSent("the connection was given up by the target") from error
        except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol) as error:
            self.close()
            if self._left:
                raise OutcomeUnknown(_sentence(error)) from error
            raise Unsendable(f"it cannot be put on the wire: {error}") from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            self.close()
            raise OutcomeUnknown(_sentence(error)) from error
        except BaseException:
            self.close()
            raise
        version = response.extensions.get("http_version", b"HTTP/1.1").decode("ascii", "replace")
        if version != "HTTP/2":
            self.close()
        return Answer(
            status=response.status,
            headers=headers,
            version=version,
            body=held,
            size=size,
            digest=digest,
            duration_us=round((time.monotonic() - began) * 1_000_000),
            undecodable=undecodable,
        )

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> httpcore.HTTPConnection:
        connection = self._connection
        if connection is not None and (not connection.is_idle() or connection.has_expired()):
            self.close()
            connection = None
        if connection is None:
            origin = httpcore.Origin(self._target.scheme.encode(), self._target.host.encode(), self._target.port)
            connection = self._connection = httpcore.HTTPConnection(
                origin,
                ssl_context=self._tls,
                keepalive_expiry=IDLE_SECONDS,
                http2=self._target.scheme == "https",
            )
        return connection

    def _trace(self, event: str, _info: dict[str, object]) -> None:
        """httpcore tells how far it is. A protocol error from here on is no longer one of a request that never left."""
        if event.endswith("send_request_headers.complete"):
            self._left = True

    def _in_time(self, pieces: Iterable[bytes], began: float) -> Iterator[bytes]:
        for piece in pieces:
            if time.monotonic() - began > self._timeouts.whole:
                raise OutcomeUnknown(f"the answer was not whole after {self._timeouts.whole:.0f} seconds")
            yield piece


def _sentence(error: Exception) -> str:
    """The reason as a person would say it; httpcore's own text is often empty."""
    kind = type(error).__name__
    said = {
        "ConnectTimeout": "no connection in time",
        "ReadTimeout": "no answer in time",
        "WriteTimeout": "the target stopped reading",
        "ReadError": "the connection broke before the answer was whole",
        "WriteError": "the connection broke before the request was sent",
    }.get(kind, "")
    detail = str(error.__cause__ or error).strip()
    return ": ".join(part for part in (said, detail if kind != "ReadTimeout" else "") if part) or kind
