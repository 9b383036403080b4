"""How a stored payload is answered with: streamed, by range, conditionally, inert. Bodies of exchanges and contents of
documents are served by it."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO
from uuid import UUID

from anyio import CancelScope
from fastapi import Depends, Header
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as ConnectionScope

from entrepot_store.errors import Damaged

from ..views.exchange import digest_text
from . import problems
from .inert import inert_headers
from .problem import Problem
from .ranges import Span, is_fresh, range_applies, requested_span

CHUNK = 64 * 1024


@dataclass(slots=True, frozen=True)
class Payload:
    """What is answered with. `headers` say what it is (`payload_headers`); `open` streams `size` bytes."""

    size: int
    headers: dict[str, str]
    open: Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(slots=True, frozen=True)
class Conditions:
    """The request's headers that decide how much is answered with."""

    range: str | None
    if_range: str | None
    if_none_match: str | None


def _conditions(
    range_: Annotated[
        str | None, Header(alias="Range", description="One range of bytes.", examples=["bytes=0-99"])
    ] = None,
    if_range: Annotated[str | None, Header(alias="If-Range")] = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> Conditions:
    return Conditions(range_, if_range, if_none_match)


ConditionsDep = Annotated[Conditions, Depends(_conditions)]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]

_BYTES: dict[str, Any] = {"*/*": {}}  # no schema: any bytes under any type, as OpenAPI 3.1 writes it
_ETAG = {"ETag": {"description": "The digest of the body.", "schema": {"type": "string"}}}
GET: dict[int | str, dict[str, Any]] = {
    200: {"description": "The body, with its recorded content type.", "content": _BYTES, "headers": _ETAG},
    206: {"description": "The range asked for.", "content": _BYTES, "headers": _ETAG},
    304: {"description": "The client has it."},
    **problems.responses(404, 416),
}
"""What a GET of a payload answers with, for the description."""
HEAD: dict[int | str, dict[str, Any]] = {
    200: {"description": "The headers that GET would answer with.", "headers": _ETAG},
    304: {"description": "The client has it."},
    404: {"description": "There is no such payload."},
}


def payload_headers(identifier: UUID, side: str, media_type: str, digest: bytes) -> dict[str, str]:
    """Of every answer with a payload, a 304 included."""
    return {
        **inert_headers(identifier, side, media_type),
        "Accept-Ranges": "bytes",
        "ETag": f'"{digest_text(digest)}"',
        "Repr-Digest": f"sha-256=:{b64encode(digest).decode()}:",
    }


def get(payload: Payload, conditions: Conditions) -> Response:
    """Raises what opening the payload raises, as long as that can still be said by a status."""
    headers, size = dict(payload.headers), payload.size
    if is_fresh(conditions.if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    span = requested_span(conditions.range, size) if range_applies(conditions.if_range, headers["ETag"]) else None
    if span is not None and span.length <= 0:
        return _unsatisfiable(size)
    status, part = (200, Span(0, size)) if span is None else (206, span)
    if span is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    headers["Content-Length"] = str(part.length)
    stack = ExitStack()
    # Opened here and not in the generator, so that a vault that is away still becomes a 503.
    stream = stack.enter_context(payload.open())
    return PayloadResponse(stack, chunks(stream, part), status, headers)


def head(payload: Payload, if_none_match: str | None) -> Response:
    """The headers that `get` answers with; nothing is opened."""
    if is_fresh(if_none_match, payload.headers["ETag"]):
        return Response(status_code=304, headers=payload.headers)
    return Response(headers={**payload.headers, "Content-Length": str(payload.size)})


def _unsatisfiable(size: int) -> Response:
    problem = Problem(
        type="about:blank",
        title="Range Not Satisfiable",
        status=416,
        detail=f"The body has {size} bytes; nothing of the range asked for is in it.",
    )
    return problems.ProblemResponse(problem, {"Content-Range": f"bytes */{size}"})


class PayloadResponse(StreamingResponse):
    """Closes what it streams from when it ends, also when the client goes away: an iterator that is merely dropped is
    closed whenever the garbage collector comes by, and until then keeps a file or a connection of the vault."""

    def __init__(self, stack: ExitStack, pieces: Iterator[bytes], status: int, headers: dict[str, str]) -> None:
        super().__init__(pieces, status_code=status, headers=headers)
        self._stack = stack

    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(self._stack.close)


def chunks(stream: BinaryIO, span: Span) -> Iterator[bytes]:
    """The span of the stream, in pieces; memory does not grow with the body. Bodies are read from their beginning,
    because what is stored is compressed. A body that is shorter than its row says breaks the connection off, which the
    client sees by the Content-Length."""
    skip, left = span.start, span.length
    while left:
        chunk = stream.read(min(CHUNK, skip or left))
        if not chunk:
            raise Damaged(f"A stored body ends {left} bytes early.")
        if skip:
            skip -= len(chunk)
            continue
        left -= len(chunk)
        yield chunk
