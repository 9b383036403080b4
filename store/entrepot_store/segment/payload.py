"""Bodies made ready for storing: content coding undone within bounds, digest and size taken over what is stored."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Self

from ..content import Limits, Undecodable, content_codings, undo_bytes, undo_stream
from ..errors import NotFound
from ..model import Body, Request, Response
from .shape import HeaderShape, header_shape

LIMITS = Limits()
CHUNK = 256 * 1024
IN_MEMORY = 1024 * 1024
"""Decoded bodies up to this are held in memory, longer ones in a file next to the segment being written."""

_IN_MEMORY_LIMITS = Limits(max_bytes=IN_MEMORY, free_bytes=IN_MEMORY)
EMPTY_DIGEST = sha256(b"").digest()


@dataclass(slots=True)
class Payload:
    """A body as it will be stored: in `data`, or as the first `size` bytes of `path`.

    `encoding` is the content coding that was undone (`gzip, br`); `kept` is why one was not, and is empty if none was
    there or it was undone.
    """

    size: int
    digest: bytes
    data: bytes | None = None
    path: Path | None = None
    truncated: bool = False
    encoding: str = ""
    kept: str = ""

    @classmethod
    def of(cls, data: bytes) -> Self:
        return cls(len(data), sha256(data).digest(), data)

    def chunks(self) -> Iterator[bytes]:
        """Raises NotFound if the file is gone or shorter than `size`."""
        if self.data is not None:
            yield self.data
        elif self.path is not None:
            yield from _read(self.path, self.size)


@dataclass(slots=True)
class Prepared:
    """What is stored of a message: its payload, and the shape of the headers that stand over it."""

    payload: Payload
    shape: HeaderShape


def prepare(message: Request | Response, bodies: Path, workspace: Path) -> Prepared:
    """Reads the body once or twice, never whole if it is a file; decoded files are made in `workspace`.

    Raises NotFound if the body's file is gone or shorter than the body says.
    """
    shape = header_shape(message.headers)
    return Prepared(_payload(message, shape, bodies, workspace), shape)


def _payload(message: Request | Response, shape: HeaderShape, bodies: Path, workspace: Path) -> Payload:
    body = message.body
    codings = content_codings(message.headers) if shape.encoded and not body.decoded else ()
    if body.data is not None:
        data = body.data
        if not data:
            return Payload(0, EMPTY_DIGEST, b"", truncated=body.truncated, encoding=body.decoded)
        if not codings:
            return Payload(len(data), sha256(data).digest(), data, truncated=body.truncated, encoding=body.decoded)
        return _undo(data, None, body, codings, workspace)
    if body.file is None:
        raise ValueError("a body holds neither data nor the name of a file")
    path = bodies / body.file
    if codings:
        return _undo(None, path, body, codings, workspace)
    return _as_held(None, path, body, encoding=body.decoded)


def _undo(data: bytes | None, path: Path | None, body: Body, codings: tuple[str, ...], workspace: Path) -> Payload:
    encoding = ", ".join(codings)
    if body.truncated:
        # What is behind the cut cannot be decoded, and half a decoded body would pass for more than it is.
        return _as_held(data, path, body, kept="truncated")
    try:
        if data is not None and len(data) <= IN_MEMORY:
            try:
                decoded = undo_bytes(data, codings, _IN_MEMORY_LIMITS)
            except Undecodable:
                pass  # malformed, or merely too long for memory: the bounded way below decides
            else:
                return Payload(len(decoded), sha256(decoded).digest(), decoded, encoding=encoding)
        chunks = iter((data,)) if data is not None else _read(_given(path), body.size)
        return _to_file(chunks, codings, encoding, workspace)
    except Undecodable as error:
        return _as_held(data, path, body, kept=str(error))


def _to_file(chunks: Iterator[bytes], codings: tuple[str, ...], encoding: str, workspace: Path) -> Payload:
    digest, size = sha256(), 0
    with NamedTemporaryFile(dir=workspace, prefix="decoded-", delete=False) as target:
        path = Path(target.name)
        try:
            for piece in undo_stream(chunks, codings, LIMITS):
                digest.update(piece)
                size += len(piece)
                target.write(piece)
        except Undecodable:
            path.unlink()
            raise
    return Payload(size, digest.digest(), path=path, encoding=encoding)


def _as_held(data: bytes | None, path: Path | None, body: Body, *, encoding: str = "", kept: str = "") -> Payload:
    if data is not None:
        return Payload(len(data), sha256(data).digest(), data, truncated=body.truncated, encoding=encoding, kept=kept)
    digest = sha256()
    for chunk in _read(_given(path), body.size):
        digest.update(chunk)
    return Payload(body.size, digest.digest(), path=path, truncated=body.truncated, encoding=encoding, kept=kept)


def _given(path: Path | None) -> Path:
    assert path is not None  # noqa: S101 - for the type checker: a body without data has a file
    return path


def _read(path: Path, size: int) -> Iterator[bytes]:
    with _opened(path) as stream:
        left = size
        while left:
            chunk = stream.read(min(CHUNK, left))
            if not chunk:
                raise NotFound(
                    f"{path} ends {left} bytes before the body it holds.",
                    hint="The spool's bodies folder was changed from outside.",
                )
            left -= len(chunk)
            yield chunk


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"{path} is gone.", hint="The spool's bodies folder was changed from outside.") from error
    with stream:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        yield stream
