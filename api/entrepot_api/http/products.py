"""`/v1/products`: the services that take part in exchanges."""

from fastapi import APIRouter, Depends

from ..tokens import Scope
from ..views import PageView, ProductView
from ..views.product import product_views
from .auth import require
from .services import ServicesDep

router = APIRouter(prefix="/products", tags=["products"], dependencies=[Depends(require(Scope.READ))])


@router.get("", operation_id="list_products", summary="List products")
def list_products(services: ServicesDep) -> PageView[ProductView]:
    """All products by name, configured or seen in the traffic. There is one page only."""
    views = product_views(services.catalog.products(), services.settings.product)
    return PageView[ProductView](items=views, next=None)
