"""`/v1/exchanges`: what was captured, filtered and paged, and one exchange whole."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from entrepot_store.catalog import Order

from ..tokens import Scope
from ..views import ExchangeView, PageView, exchange_view
from . import problems
from .auth import require
from .next_page import NEXT_PAGE, link_next
from .parameters import FilterDep, Limit, OrderParameter, PagingDep
from .services import ServicesDep
from .strict import BY_FIELDS

router = APIRouter(prefix="/exchanges", tags=["exchanges"], dependencies=[Depends(require(Scope.READ))])

Identifier = Annotated[UUID, Path(description="The id of an exchange.")]


@router.get(
    "",
    operation_id="list_exchanges",
    summary="List exchanges",
    responses=NEXT_PAGE,
    openapi_extra={BY_FIELDS: True},
)
def list_exchanges(
    *,
    request: Request,
    response: Response,
    services: ServicesDep,
    where: FilterDep,
    paging: PagingDep,
    limit: Limit = 100,
    order: OrderParameter = Order.NEWEST,
) -> PageView[ExchangeView]:
    """Exchanges that meet every given condition; several values of one parameter are alternatives."""
    page = services.catalog.exchanges(where, limit=limit, cursor=paging.cursor, order=order)
    following = paging.next(page.next)
    link_next(request, response, following)
    return PageView[ExchangeView](items=[exchange_view(row) for row in page.items], next=following)


@router.get("/{identifier}", operation_id="get_exchange", summary="One exchange", responses=problems.responses(404))
def get_exchange(identifier: Identifier, services: ServicesDep) -> ExchangeView:
    """One exchange, without its bodies."""
    return exchange_view(services.catalog.exchange(identifier))
