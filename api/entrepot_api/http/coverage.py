"""`/v1/coverage`: which traffic there is, and which of it is protected."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from entrepot_store.coverage.report import CoverageReport, FlowFilter

from ..tokens import Scope
from ..views import PageView
from ..views.coverage import FlowView, flow_view
from .auth import require
from .next_page import NEXT_PAGE, link_next
from .parameters import Limit
from .services import ServicesDep

router = APIRouter(prefix="/coverage", tags=["coverage"], dependencies=[Depends(require(Scope.READ))])

_LONGEST_CURSOR = 8192
"""It holds names, which may be long."""


@router.get("", operation_id="list_coverage", summary="List flows and what protects them", responses=NEXT_PAGE)
def list_coverage(
    *,
    request: Request,
    response: Response,
    services: ServicesDep,
    source: Annotated[list[str] | None, Query(alias="from", description="Product that sends.")] = None,
    destination: Annotated[list[str] | None, Query(alias="to", description="Product that is sent to.")] = None,
    covered: Annotated[
        bool | None, Query(description="Protected by the rules in force; or not, or not wholly.")
    ] = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(max_length=_LONGEST_CURSOR, description="`next` of the page before.")] = None,
) -> PageView[FlowView]:
    """Who sends what to whom, by destination, path template, method and source. Exchanges that a rule ignored are in
    no flow: they are counted in the ledger alone."""
    where = FlowFilter(source=tuple(source or ()), destination=tuple(destination or ()), covered=covered)
    page = CoverageReport(services.catalog.coverage, services.in_force()).page(where, limit=limit, cursor=cursor)
    link_next(request, response, page.next)
    return PageView[FlowView](items=[flow_view(flow) for flow in page.items], next=page.next)
