"""`/v1/timegate/{url}`: the version of a URL that held at the time in `Accept-Datetime` (RFC 7089)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request
from starlette.responses import Response

from entrepot_store.errors import BadInput, NotFound

from ..document_names import find_by_url
from ..time_travel import first, latest
from ..tokens import Scope
from . import memento, problems
from .auth import require
from .services import Services, ServicesDep
from .strict import QUERY_OF_URL

router = APIRouter(prefix="/timegate", tags=["memento"], dependencies=[Depends(require(Scope.READ))])

Original = Annotated[
    str,
    Path(
        description="The URL as its product has it, with its query, as it is or percent-encoded as a whole.",
        examples=["http://orders.internal/v1/settings/7"],
    ),
]
AcceptDatetime = Annotated[
    str | None,
    Header(alias="Accept-Datetime", examples=["Sat, 22 Nov 2025 08:26:40 GMT"], description="Without it, the latest."),
]

_VARY = {"Vary": "accept-datetime"}
_FOUND: dict[str, Any] = {
    "description": "The address of the version, and of all others.",
    "headers": {
        "Location": {"description": "The content of the version.", "schema": {"type": "string"}},
        "Link": {"description": "`original`, `timemap`, `first`, `last`, `memento`.", "schema": {"type": "string"}},
        "Vary": {"description": "`accept-datetime`", "schema": {"type": "string"}},
    },
}
_GET: dict[int | str, dict[str, Any]] = {302: _FOUND, **problems.responses(404)}
_HEAD: dict[int | str, dict[str, Any]] = {302: _FOUND, 404: {"description": "No document is known under the URL."}}


@router.get(
    "/{url:path}",
    operation_id="get_timegate",
    summary="The version of a URL at a time",
    status_code=302,
    response_class=Response,
    responses=_GET,
    openapi_extra={QUERY_OF_URL: True},
)
def get_timegate(
    request: Request, services: ServicesDep, url: Original, accept_datetime: AcceptDatetime = None
) -> Response:
    """Redirects to the version that held at that time: before the first to the first, in the future to the last."""
    return _answer(request, services, accept_datetime)


@router.head(
    "/{url:path}",
    operation_id="head_timegate",
    summary="Where the version of a URL at a time is",
    status_code=302,
    response_class=Response,
    responses=_HEAD,
    openapi_extra={QUERY_OF_URL: True},
)
def head_timegate(
    request: Request, services: ServicesDep, url: Original, accept_datetime: AcceptDatetime = None
) -> Response:
    """As GET, which has no body either."""
    return _answer(request, services, accept_datetime)


def _answer(request: Request, services: Services, accept_datetime: str | None) -> Response:
    try:
        return _redirect(request, services, accept_datetime)
    except (NotFound, BadInput) as error:
        return problems.ProblemResponse(problems.problem_for(error), _VARY)


def _redirect(request: Request, services: Services, accept_datetime: str | None) -> Response:
    documents = services.catalog.documents
    original = memento.url_below(request, "timegate")
    at = None if accept_datetime is None else memento.accept_datetime(accept_datetime)
    document = find_by_url(documents, services.in_force(), original)
    begun, last = first(documents, document), latest(documents, document)
    chosen = last if at is None else documents.version_at(document.id, at) or begun
    links = memento.timemap_links(original) + memento.memento_links(begun, last, chosen)
    location = memento.version_path(document.id, chosen.id)
    headers = {"Location": location, "Link": ", ".join(links), "Cache-Control": "no-store", **_VARY}
    return Response(status_code=302, headers=headers)
