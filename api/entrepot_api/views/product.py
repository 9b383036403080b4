"""A product as JSON: configured, seen in the traffic, or both."""

from collections.abc import Iterable

from pydantic import Field

from entrepot_store.catalog import ProductRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.config import ProductConfig

from .base import Moment, View


class ProductView(View):
    """A product. `as_source` and `as_destination` count the exchanges it took part in."""

    name: str
    hosts: list[str] = Field(description="As configured; empty for a product that is known by its host only.")
    as_source: int = Field(ge=0)
    as_destination: int = Field(ge=0)
    first_seen: Moment | None
    last_seen: Moment | None


def product_view(row: ProductRow, configured: ProductConfig | None = None) -> ProductView:
    return ProductView(
        name=row.name,
        hosts=list(configured.hosts) if configured else [],
        as_source=row.as_source,
        as_destination=row.as_destination,
        first_seen=to_rfc3339(row.first_seen),
        last_seen=to_rfc3339(row.last_seen),
    )


def product_views(rows: Iterable[ProductRow], configured: Iterable[ProductConfig]) -> list[ProductView]:
    """All products by name: those seen, and those configured that no traffic has shown yet."""
    by_name = {product.name: product for product in configured}
    views = [product_view(row, by_name.pop(row.name, None)) for row in rows]
    views += [
        ProductView(
            name=product.name,
            hosts=list(product.hosts),
            as_source=0,
            as_destination=0,
            first_seen=None,
            last_seen=None,
        )
        for product in by_name.values()
    ]
    return sorted(views, key=lambda view: view.name)
