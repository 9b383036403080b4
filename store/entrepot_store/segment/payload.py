"""Bodies made ready for storing: content coding undone within bounds, digest and size taken over what is stored.

A body is read twice, once here for its digest and once when it is written. Long ones are streamed both times, and
decoded both times: that costs processor time, which there is, instead of space on the spool's disk, which there may
not be.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Self

from ..content import Limits, Undecodable, content_codings, undo_bytes, undo_stream
from ..errors import NotFound
from ..model import Body, Request, Response
from .shape import HeaderShape, header_shape

LIMITS = Limits()
WIRE = "wire"
"""Why a content coding is kept that its rule wants kept."""
IN_MEMORY = 1024 * 1024
"""Decoded bodies up to this are held in memory."""

_IN_MEMORY_LIMITS = Limits(max_bytes=IN_MEMORY, free_bytes=IN_MEMORY)
_CHUNK = 256 * 1024
_EMPTY_DIGEST = sha256(b"").digest()

type Source = Callable[[], Iterator[bytes]]


@dataclass(slots=True)
class Payload:
    """A body as it is stored: in `data`, or out of `source`, which can be read again and again.

    `encoding` is the content coding that was undone (`gzip, br`); `kept` is why one was not, and is empty if none was
    there or it was undone. `withheld` is why redaction let nothing of the body be kept.
    """

    size: int
    digest: bytes
    data: bytes | None = None
    source: Source | None = None
    truncated: bool = False
    encoding: str = ""
    kept: str = ""
    withheld: str = ""

    @classmethod
    def of(cls, data: bytes) -> Self:
        return cls(len(data), sha256(data).digest(), data)

    def chunks(self) -> Iterator[bytes]:
        """Raises NotFound if the file behind it is gone or not what it was."""
        if self.data is not None:
            yield self.data
        elif self.source is not None:
            try:
                yield from self.source()
            except Undecodable as error:  # it could be decoded when its digest was taken
                raise _changed(f"A spooled body is not what it was: {error}.") from error


@dataclass(slots=True)
class Prepared:
    """What is stored of a message: its payload, and the shape of the headers that stand over it."""

    payload: Payload
    shape: HeaderShape


def prepare(message: Request | Response, bodies: Path) -> Prepared:
    """Takes size and digest of the message's body as it is to be stored; `bodies` is where `Body.file` names live.

    Raises NotFound if the body's file is gone or shorter than the body says.
    """
    shape, body = header_shape(message.headers), message.body
    if body.data == b"":
        payload = Payload(0, _EMPTY_DIGEST, b"", truncated=body.truncated, encoding=body.decoded)
        payload.withheld = body.withheld
        return Prepared(payload, shape)
    codings = content_codings(message.headers) if shape.encoded and not body.decoded else ()
    if codings and body.wire:
        return Prepared(_as_held(body, bodies, WIRE), shape)
    return Prepared(_decoded(body, codings, bodies) if codings else _as_held(body, bodies), shape)


def _as_held(body: Body, bodies: Path, kept: str = "") -> Payload:
    payload = Payload.of(body.data) if body.data is not None else _measured(_source(body, bodies))
    payload.truncated, payload.encoding, payload.kept = body.truncated, body.decoded, kept
    return payload


def _decoded(body: Body, codings: tuple[str, ...], bodies: Path) -> Payload:
    if body.truncated:
        # What is behind the cut cannot be decoded, and half a decoded body would pass for more than it is.
        return _as_held(body, bodies, "truncated")
    payload = _decoded_in_memory(body, codings)
    if payload is None:
        source = _source(body, bodies)
        try:
            payload = _measured(lambda: undo_stream(source(), codings, LIMITS))
        except Undecodable as error:
            return _as_held(body, bodies, str(error))
    payload.encoding = ", ".join(codings)
    return payload


def _decoded_in_memory(body: Body, codings: tuple[str, ...]) -> Payload | None:
    if body.data is None or len(body.data) > IN_MEMORY:
        return None
    try:
        return Payload.of(undo_bytes(body.data, codings, _IN_MEMORY_LIMITS))
    except Undecodable:
        return None  # malformed, or merely too long for memory: decoding it as a stream tells


def _measured(source: Source) -> Payload:
    digest, size = sha256(), 0
    for chunk in source():
        digest.update(chunk)
        size += len(chunk)
    return Payload(size, digest.digest(), source=source)


def _source(body: Body, bodies: Path) -> Source:
    if body.data is not None:
        return partial(iter, (body.data,))
    if body.file is None:
        raise ValueError("a body holds neither data nor the name of a file")
    return partial(_read, bodies / body.file, body.size)


def _read(path: Path, size: int) -> Iterator[bytes]:
    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise _changed(f"{path} is gone.") from error
    with stream:
        left = size
        while left:
            chunk = stream.read(min(_CHUNK, left))
            if not chunk:
                raise _changed(f"{path} ends {left} bytes before the body it holds.")
            left -= len(chunk)
            yield chunk


def _changed(message: str) -> NotFound:
    return NotFound(message, hint="The spool's bodies folder was changed from outside.")
