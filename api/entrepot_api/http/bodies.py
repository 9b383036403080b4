"""`/v1/exchanges/{id}/request/body` and `…/response/body`: payloads as they were, streamed, by range, inert."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Any, BinaryIO, Literal
from uuid import UUID

from anyio import CancelScope
from fastapi import APIRouter, Depends, Header
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as ConnectionScope

from entrepot_store.catalog import MessageRow
from entrepot_store.errors import Damaged, NotFound

from ..tokens import Scope
from ..views.exchange import digest_text
from . import problems
from .auth import require
from .exchanges import Identifier
from .inert import inert_headers
from .problem import Problem
from .ranges import Span, is_fresh, range_applies, requested_span
from .services import Services, ServicesDep

router = APIRouter(prefix="/exchanges", tags=["exchanges"], dependencies=[Depends(require(Scope.READ))])

CHUNK = 64 * 1024

type Side = Literal["request", "response"]

_Range = Annotated[str | None, Header(alias="Range", description="One range of bytes.", examples=["bytes=0-99"])]
_IfRange = Annotated[str | None, Header(alias="If-Range")]
_IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]

_BYTES: dict[str, Any] = {"*/*": {}}  # no schema: any bytes under any type, as OpenAPI 3.1 writes it
_ETAG = {"ETag": {"description": "The digest of the body.", "schema": {"type": "string"}}}
_GET: dict[int | str, dict[str, Any]] = {
    200: {"description": "The body, with its recorded content type.", "content": _BYTES, "headers": _ETAG},
    206: {"description": "The range asked for.", "content": _BYTES, "headers": _ETAG},
    304: {"description": "The client has it."},
    **problems.responses(404, 416),
}
_HEAD: dict[int | str, dict[str, Any]] = {
    200: {"description": "The headers that GET would answer with.", "headers": _ETAG},
    304: {"description": "The client has it."},
    404: {"description": "No such exchange, or it has no such side."},
}


@router.get(
    "/{identifier}/request/body",
    operation_id="get_request_body",
    summary="Body of the request",
    response_class=Response,
    responses=_GET,
)
def get_request_body(
    identifier: Identifier,
    services: ServicesDep,
    range_: _Range = None,
    if_range: _IfRange = None,
    if_none_match: _IfNoneMatch = None,
) -> Response:
    """The body of the request after transfer and content decoding."""
    return _body(services, identifier, "request", range_=range_, if_range=if_range, if_none_match=if_none_match)


@router.get(
    "/{identifier}/response/body",
    operation_id="get_response_body",
    summary="Body of the response",
    response_class=Response,
    responses=_GET,
)
def get_response_body(
    identifier: Identifier,
    services: ServicesDep,
    range_: _Range = None,
    if_range: _IfRange = None,
    if_none_match: _IfNoneMatch = None,
) -> Response:
    """The body of the response after transfer and content decoding."""
    return _body(services, identifier, "response", range_=range_, if_range=if_range, if_none_match=if_none_match)


@router.head(
    "/{identifier}/request/body",
    operation_id="head_request_body",
    summary="Headers of the request's body",
    response_class=Response,
    responses=_HEAD,
)
def head_request_body(identifier: Identifier, services: ServicesDep, if_none_match: _IfNoneMatch = None) -> Response:
    """Size, type and digest of the request's body; the vault is not read."""
    return _head(services, identifier, "request", if_none_match)


@router.head(
    "/{identifier}/response/body",
    operation_id="head_response_body",
    summary="Headers of the response's body",
    response_class=Response,
    responses=_HEAD,
)
def head_response_body(identifier: Identifier, services: ServicesDep, if_none_match: _IfNoneMatch = None) -> Response:
    """Size, type and digest of the response's body; the vault is not read."""
    return _head(services, identifier, "response", if_none_match)


def _body(
    services: Services,
    identifier: UUID,
    side: Side,
    *,
    range_: str | None,
    if_range: str | None,
    if_none_match: str | None,
) -> Response:
    row = services.catalog.exchange(identifier)
    message = _side(row.request if side == "request" else row.response, identifier, side)
    headers = _headers(message, identifier, side)
    if is_fresh(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    span = requested_span(range_, message.size) if range_applies(if_range, headers["ETag"]) else None
    if span is not None and span.length <= 0:
        return _unsatisfiable(message.size)
    status, part = (200, Span(0, message.size)) if span is None else (206, span)
    if span is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{message.size}"
    headers["Content-Length"] = str(part.length)
    stack = ExitStack()
    # Opened here and not in the generator, so that a vault that is away still becomes a 503.
    stream = stack.enter_context(services.archive.body(row, side))
    return _BodyResponse(stack, _chunks(stream, part), status, headers)


def _head(services: Services, identifier: UUID, side: Side, if_none_match: str | None) -> Response:
    row = services.catalog.exchange(identifier)
    message = _side(row.request if side == "request" else row.response, identifier, side)
    headers = _headers(message, identifier, side)
    if is_fresh(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(headers={**headers, "Content-Length": str(message.size)})


def _side(message: MessageRow | None, identifier: UUID, side: Side) -> MessageRow:
    if message is None:
        raise NotFound(f"Exchange {identifier} has no {side}.", hint="Its `error` says why.")
    return message


def _headers(message: MessageRow, identifier: UUID, side: Side) -> dict[str, str]:
    return {
        **inert_headers(identifier, side, message.content_type),
        "Accept-Ranges": "bytes",
        "ETag": f'"{digest_text(message.digest)}"',
        "Repr-Digest": f"sha-256=:{b64encode(message.digest).decode()}:",
    }


def _unsatisfiable(size: int) -> Response:
    problem = Problem(
        type="about:blank",
        title="Range Not Satisfiable",
        status=416,
        detail=f"The body has {size} bytes; nothing of the range asked for is in it.",
    )
    return problems.ProblemResponse(problem, {"Content-Range": f"bytes */{size}"})


class _BodyResponse(StreamingResponse):
    """Closes what it streams from when it ends, also when the client goes away: an iterator that is merely dropped is
    closed whenever the garbage collector comes by, and until then keeps a file or a connection of the vault."""

    def __init__(self, stack: ExitStack, chunks: Iterator[bytes], status: int, headers: dict[str, str]) -> None:
        super().__init__(chunks, status_code=status, headers=headers)
        self._stack = stack

    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(self._stack.close)


def _chunks(stream: BinaryIO, span: Span) -> Iterator[bytes]:
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
