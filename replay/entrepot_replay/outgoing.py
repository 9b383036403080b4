"""Makes the request to send out of the recorded one: what is kept, what is made anew, what is put back.

Kept byte by byte: method, path and query, every end-to-end header with its case, order and duplicates, and the body.
Made anew: Host, the length, and everything that belonged to the recorded connection (RFC 9110 §7.6.1) or to a proxy.
Put back: the content coding that storage had undone, and secrets for their references.
Added: an `Idempotency-Key`, the same at every attempt, where the recording had none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID, uuid5

from entrepot_store.catalog import ExchangeRow
from entrepot_store.redact import Reference

from .credentials import Credentials
from .encode import encode_bytes
from .errors import Unsendable
from .mapper import Mapped
from .selection import READS, WRITES
from .target import Target

CONNECTION_HEADERS = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
        b"expect",
        b"host",
        b"content-length",
    }
)
DIGEST_HEADERS = frozenset({b"content-md5", b"content-digest", b"repr-digest", b"digest"})
"""Checksums over the body as it was on the wire: they no longer hold once its bytes were made anew."""

_SENDABLE = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(slots=True)
class Outgoing:
    """A request as it will be sent. `body` yields `length` bytes; an in-memory body is a tuple of one piece."""

    method: bytes
    path: bytes
    headers: list[tuple[bytes, bytes]]
    body: Iterable[bytes]
    length: int


def recorded_path(row: ExchangeRow) -> bytes | None:
    """Path and query as bytes out of the row; None when the text in it does not tell them for sure."""
    if not row.url.isascii() or "\\" in row.url:
        return None
    _, _, rest = row.url.partition("://")
    _, slash, path = rest.partition("/")
    return (slash + path).encode("ascii") if slash else b"/"


def idempotency_key(replay: UUID, seq: int) -> str:
    """The key of a step: the same at every attempt and in every run of its replay, and nowhere else."""
    return str(uuid5(replay, str(seq)))


def build(
    row: ExchangeRow,
    mapped: Mapped,
    *,
    target: Target,
    credentials: Credentials,
    without_credentials: bool,
    key: str,
    streamed: tuple[Iterable[bytes], int] | None = None,
) -> Outgoing:
    """The request to send. `streamed` is a body too long for memory, already coded, with its length in bytes.

    Raises Unsendable when a secret is missing and `without_credentials` is not given.
    """
    method = row.method.upper()
    if streamed is not None:
        body, length = streamed
    else:
        coded = encode_bytes(mapped.body or b"", row.request.encoding)
        body, length = ((coded,) if coded else ()), len(coded)
    path, missing = credentials.path(mapped.path)
    headers = _kept(mapped.headers, anew=bool(row.request.encoding) or mapped.changed)
    headers = _filled(headers, credentials, missing, without_credentials)
    recorded_length = next((name for name, _ in mapped.headers if name.lower() == b"content-length"), None)
    if length or recorded_length or method in WRITES:
        headers.append((recorded_length or b"Content-Length", b"%d" % length))
    if method not in READS and not any(name.lower() == b"idempotency-key" for name, _ in headers):
        headers.append((b"Idempotency-Key", key.encode()))
    headers.insert(0, (b"Host", target.authority.encode()))
    return Outgoing(
        row.method.encode("ascii", "replace"), _on_the_wire(target.prefix.encode() + path), headers, body, length
    )


def _kept(recorded: Iterable[tuple[bytes, bytes]], *, anew: bool) -> list[tuple[bytes, bytes]]:
    """The recorded end-to-end headers. `anew`: the body's bytes may not be those of the recording."""
    recorded = list(recorded)
    dropped = CONNECTION_HEADERS | {
        token.strip().lower()
        for name, value in recorded
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    if anew:
        dropped |= DIGEST_HEADERS
    return [
        (name, value)
        for name, value in recorded
        if (lower := name.lower()) not in dropped and not lower.startswith(b"proxy-")
    ]


def _filled(
    headers: list[tuple[bytes, bytes]], credentials: Credentials, missing: list[Reference], without: bool
) -> list[tuple[bytes, bytes]]:
    """The headers with their secrets; those whose secret nobody gave are left out, if that is allowed."""
    filled = []
    for name, recorded in headers:
        value, absent = credentials.header(name, recorded)
        missing = [*missing, *absent]
        if not absent:
            filled.append((name, value))
    if missing and not without:
        raise Unsendable(f"there is no credential for {missing[0].name}:{missing[0].digest}")
    return filled


def _on_the_wire(path: bytes) -> bytes:
    """Bytes that no HTTP client may put into a request line are escaped; a server decodes both to the same path."""
    if path.isascii() and not any(byte <= 0x20 or byte == 0x7F for byte in path):
        return path
    return quote(path, safe=_SENDABLE).encode("ascii")
