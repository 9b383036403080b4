"""Makes the request to send out of the recorded one: what is kept, what is made anew, what is put back.

Kept byte by byte: method, path and query, every end-to-end header with its case, order and duplicates, and the body.
Made anew: Host, the length, everything that belonged to the recorded connection (RFC 9110 §7.6.1) or to a proxy, hashes
over a body that is not the recorded one, and, last of all, the signature of a signed request.
Put back: the content coding that storage had undone, and secrets for their references.
Added: an `Idempotency-Key`, the same at every attempt, where the recording had none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID, uuid5

from entrepot_store.catalog import ExchangeRow

from .aws_chunked import is_framed, unframed
from .credentials import Credentials, Filling, Signature
from .credentials.signing import sign
from .digests import DIGEST_HEADERS as DIGEST_HEADERS  # noqa: PLC0414 - also found here
from .digests import is_digest_header, remade, sha256_hex
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

_SENDABLE = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(slots=True)
class Outgoing:
    """A request as it will be sent. `body` yields `length` bytes, as often as it is read; an in-memory body is a tuple
    of one piece.

    `again` makes the request to send instead if the target refuses this one with a status for which a credential in
    it is to be made anew; it gives None if that is not so, or cannot help. `settle` takes the answer to such a request.
    """

    method: bytes
    path: bytes
    headers: list[tuple[bytes, bytes]]
    body: Iterable[bytes]
    length: int
    again: Callable[[int], "Outgoing | None"] | None = None
    settle: Callable[[int], None] | None = None


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
    """The request to send. `streamed` is a body too long for memory, already coded, with its length in bytes; it must
    be readable more than once.

    Raises Unsendable when a secret is missing and `without_credentials` is not given; and BadInput, NotSent and
    Unsendable as the making of a credential does.
    """
    method = row.method.upper()
    recorded_headers, body, length = _content(row, mapped, streamed)
    anew = bool(row.request.encoding) or mapped.changed or _is_redacted(recorded_headers)
    kept = _kept(recorded_headers, asks=streamed is not None)
    if anew:
        kept = remade(kept, body)
    recorded_length = next((name for name, _ in mapped.headers if name.lower() == b"content-length"), None)

    def filled() -> Outgoing:
        filling = credentials.filling(row.path)
        signature = Signature.of(mapped.headers, mapped.path)
        keys = None if signature is None else filling.keys(signature)
        unsigned = None if keys is None else signature
        path, headers = _filled(kept, mapped.path, filling, unsigned, without=without_credentials)
        if length or recorded_length or method in WRITES:
            headers.append((recorded_length or b"Content-Length", b"%d" % length))
        if method not in READS and not any(name.lower() == b"idempotency-key" for name, _ in headers):
            headers.append((b"Idempotency-Key", key.encode()))
        headers.insert(0, (b"Host", target.authority.encode()))
        wire_method, path = row.method.encode("ascii", "replace"), _on_the_wire(target.prefix.encode() + path)
        if signature is not None and keys is not None:
            origin = f"{target.scheme}://{target.authority}"
            path, headers = sign(
                keys,
                signature,
                method=wire_method,
                origin=origin,
                path=path,
                headers=headers,
                digest=lambda: sha256_hex(body),
            )

        def again(status: int) -> Outgoing | None:
            # What was refused with this very status when it was recorded is not refused for its credential.
            return filled() if status != row.status and filling.refused(status) else None

        return Outgoing(wire_method, path, headers, body, length, again, filling.settle)

    return filled()


def _content(
    row: ExchangeRow, mapped: Mapped, streamed: tuple[Iterable[bytes], int] | None
) -> tuple[list[tuple[bytes, bytes]], Iterable[bytes], int]:
    """Headers, body and its length, the body coded as it was on the wire but for Amazon's framing."""
    if streamed is not None:
        body, length = streamed
    else:
        coded = encode_bytes(mapped.body or b"", row.request.encoding)
        body, length = ((coded,) if coded else ()), len(coded)
    if not is_framed(mapped.headers):
        return list(mapped.headers), body, length
    headers, plain, length = unframed(mapped.headers, body)
    # A framed body has no hash of its own; where nobody signs, that of the plain one is as true.
    digest = sha256_hex(plain).encode()
    headers = [(name, digest if name.lower() == b"x-amz-content-sha256" else value) for name, value in headers]
    return headers, plain if streamed is not None else tuple(plain), length


def _is_redacted(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether redaction changed the body, and hid the hashes over it."""
    return any(b"{{secret:" in value and is_digest_header(name) for name, value in headers)


def _kept(recorded: Iterable[tuple[bytes, bytes]], *, asks: bool) -> list[tuple[bytes, bytes]]:
    """The recorded end-to-end headers. `asks`: with `Expect: 100-continue`, if the recording has it. A short body is
    sent at once: waiting to be told to go on takes longer than sending it."""
    recorded = list(recorded)
    dropped = CONNECTION_HEADERS | {
        token.strip().lower()
        for name, value in recorded
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    if asks:
        dropped -= {b"expect"}
    return [
        (name, value)
        for name, value in recorded
        if (lower := name.lower()) not in dropped and not lower.startswith(b"proxy-")
    ]


def _filled(
    kept: list[tuple[bytes, bytes]], path: bytes, filling: Filling, signature: Signature | None, *, without: bool
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Path and headers with their secrets; headers whose secret nobody gave are left out, if that is allowed. What
    `signature` replaces is left as it is."""
    path, missing = filling.query(path)
    if signature is not None:
        missing = [reference for reference in missing if not signature.replaces_field(reference.name)]
    headers = []
    for name, recorded in kept:
        if b"{{secret:" not in recorded or (signature is not None and signature.replaces_header(name)):
            headers.append((name, recorded))
            continue
        value, absent = filling.header(name, recorded)
        missing = [*missing, *absent]
        if not absent:
            headers.append((name, value))
    if missing and not without:
        raise Unsendable(f"there is no credential for {missing[0].name}:{missing[0].digest}")
    return path, headers


def _on_the_wire(path: bytes) -> bytes:
    """Bytes that no HTTP client may put into a request line are escaped; a server decodes both to the same path."""
    if path.isascii() and not any(byte <= 0x20 or byte == 0x7F for byte in path):
        return path
    return quote(path, safe=_SENDABLE).encode("ascii")
