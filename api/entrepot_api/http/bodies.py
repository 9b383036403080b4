"""`/v1/exchanges/{id}/request/body` and `…/response/body`: payloads as they were (`payloads` serves them)."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from entrepot_store.errors import NotFound

from ..tokens import Scope
from . import payloads
from .auth import require
from .exchanges import Identifier
from .payloads import ConditionsDep, IfNoneMatch, Payload
from .services import Services, ServicesDep

router = APIRouter(prefix="/exchanges", tags=["exchanges"], dependencies=[Depends(require(Scope.READ))])

type Side = Literal["request", "response"]


@router.get(
    "/{identifier}/request/body",
    operation_id="get_request_body",
    summary="Body of the request",
    response_class=Response,
    responses=payloads.GET,
)
def get_request_body(identifier: Identifier, services: ServicesDep, conditions: ConditionsDep) -> Response:
    """The body of the request after transfer and content decoding."""
    return payloads.get(_payload(services, identifier, "request"), conditions)


@router.get(
    "/{identifier}/response/body",
    operation_id="get_response_body",
    summary="Body of the response",
    response_class=Response,
    responses=payloads.GET,
)
def get_response_body(identifier: Identifier, services: ServicesDep, conditions: ConditionsDep) -> Response:
    """The body of the response after transfer and content decoding."""
    return payloads.get(_payload(services, identifier, "response"), conditions)


@router.head(
    "/{identifier}/request/body",
    operation_id="head_request_body",
    summary="Headers of the request's body",
    response_class=Response,
    responses=payloads.HEAD,
)
def head_request_body(identifier: Identifier, services: ServicesDep, if_none_match: IfNoneMatch = None) -> Response:
    """Size, type and digest of the request's body; the vault is not read."""
    return payloads.head(_payload(services, identifier, "request"), if_none_match)


@router.head(
    "/{identifier}/response/body",
    operation_id="head_response_body",
    summary="Headers of the response's body",
    response_class=Response,
    responses=payloads.HEAD,
)
def head_response_body(identifier: Identifier, services: ServicesDep, if_none_match: IfNoneMatch = None) -> Response:
    """Size, type and digest of the response's body; the vault is not read."""
    return payloads.head(_payload(services, identifier, "response"), if_none_match)


def _payload(services: Services, identifier: UUID, side: Side) -> Payload:
    row = services.catalog.exchange(identifier)
    message = row.request if side == "request" else row.response
    if message is None:
        raise NotFound(f"Exchange {identifier} has no {side}.", hint="Its `error` says why.")
    headers = payloads.payload_headers(identifier, side, message.content_type, message.digest)
    return Payload(message.size, headers, lambda: services.archive.body(row, side))
