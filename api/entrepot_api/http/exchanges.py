"""`/v1/exchanges`: what was captured, filtered and paged, and one exchange whole."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from entrepot_store.catalog import Order

from ..tokens import Scope
from ..views import ExchangeView, PageView, exchange_view
from . import problems
from .auth import require
from .parameters import FilterDep, Limit, OrderParameter, PagingDep
from .services import ServicesDep

router = APIRouter(prefix="/exchanges", tags=["exchanges"], dependencies=[Depends(require(Scope.READ))])

Identifier = Annotated[UUID, Path(description="The id of an exchange.")]


@router.get(
    "",
    operation_id="list_exchanges",
    summary="List exchanges",
    responses={
        200: {"headers": {"Link": {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}}},
    },
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
    if following is not None:
        # A relative reference: behind a balancer we do not know by which name and scheme we are reached.
        target = request.url.include_query_params(cursor=following)
        response.headers["Link"] = f'<{target.path}?{target.query}>; rel="next"'
    return PageView[ExchangeView](items=[exchange_view(row) for row in page.items], next=following)


@router.get("/{identifier}", operation_id="get_exchange", summary="One exchange", responses=problems.responses(404))
def get_exchange(identifier: Identifier, services: ServicesDep) -> ExchangeView:
    """One exchange, without its bodies."""
    return exchange_view(services.catalog.exchange(identifier))
