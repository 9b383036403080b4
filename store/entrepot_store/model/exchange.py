"""One captured exchange, as bytes saw it on the wire, and the decision a rule took on it.

These types travel proxy → spool → shipper → segment and back out to replay and export. Header names and values,
methods and paths stay bytes, because hostile or broken peers send what no text encoding holds; text for people is
made at the faces (`text.py`). The catalog has its own row type (`entrepot_store.catalog.rows`), without bodies.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

type Headers = tuple[tuple[bytes, bytes], ...]
"""Raw header lines in wire order: case, order and duplicates are kept. Names and values exclude the colon and CRLF."""


class Action(StrEnum):
    """What a rule does with a matching exchange."""

    PROTECT = "protect"
    CAPTURE = "capture"
    IGNORE = "ignore"


@dataclass(slots=True)
class Body:
    """A payload after transfer decoding, before content decoding (`Content-Encoding` still applies, but see `decoded`).

    Exactly one of `data` and `file` holds the bytes: `data` when they fit in memory, else `file`, the name of a file
    in the spool's `bodies/` folder. `size` counts the bytes held; `truncated` says the peer sent more than is held.
    `decoded` names the `Content-Encoding` that does not apply to the bytes any more although the headers still name it
    (`gzip`): bodies that come out of a segment or out of a HAR file are like that. Empty for bytes as on the wire.
    `withheld` is why a rule's redaction let none of it be kept (it holds nothing then, and is truncated). `wire` asks
    that its content coding is not undone for storing (`fidelity = "wire"`).
    """

    data: bytes | None = b""
    file: str | None = None
    size: int = 0
    truncated: bool = False
    decoded: str = ""
    withheld: str = ""
    wire: bool = False

    @classmethod
    def of(cls, data: bytes) -> "Body":
        return cls(data=data, size=len(data))


@dataclass(slots=True)
class Request:
    """A request as the proxy received it.

    `scheme`, `authority` (host[:port] as the client named the server) and `path` (with the query, from the first `/`)
    make the URL. `version` is `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`; HTTP/2 pseudo headers are not among `headers`.
    """

    method: bytes
    scheme: bytes
    authority: bytes
    path: bytes
    version: str
    headers: Headers
    body: Body = field(default_factory=Body)
    trailers: Headers = ()

    @property
    def url(self) -> bytes:
        # "OPTIONS *" asks about the server as a whole: its URL has no path (RFC 9110, section 7.1).
        return b"%s://%s%s" % (self.scheme, self.authority, b"" if self.path == b"*" else self.path)


@dataclass(slots=True)
class Response:
    """A response as the proxy received it from the destination. `reason` is empty in HTTP/2."""

    version: str
    status: int
    reason: bytes
    headers: Headers
    body: Body = field(default_factory=Body)
    trailers: Headers = ()


@dataclass(slots=True)
class WebSocketMessage:
    """One WebSocket message; `at` is microseconds since the epoch. Text messages are held as UTF-8."""

    at: int
    from_client: bool
    text: bool
    data: bytes


@dataclass(slots=True)
class Exchange:
    """One request with its response or its error.

    Times: `started_at` is microseconds since the epoch when the request's first byte arrived; `request_us`,
    `waiting_us` and `response_us` are the microseconds spent receiving the request, waiting for the response's first
    byte, and receiving the response (0 where it did not come to that).
    `error` is the reason why the exchange did not end with a whole response (refused, reset, timed out, malformed).
    `complete` is true when nothing of it is known to be missing.
    """

    id: UUID
    started_at: int
    source: str
    destination: str
    client_address: str
    server_address: str
    rule: str
    action: Action
    retention_class: str
    request: Request
    response: Response | None = None
    error: str | None = None
    request_us: int = 0
    waiting_us: int = 0
    response_us: int = 0
    trace_id: str | None = None
    messages: list[WebSocketMessage] = field(default_factory=list)
    messages_missing: int = 0

    @property
    def duration_us(self) -> int:
        return self.request_us + self.waiting_us + self.response_us

    @property
    def complete(self) -> bool:
        return (
            self.error is None
            and self.response is not None
            and not self.request.body.truncated
            and not self.response.body.truncated
            and not self.messages_missing
        )
