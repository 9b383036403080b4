"""Orders: who bought what. A product with data of its own, which it does not lose here.

`GET /v1/customers/{customer}/orders`. Run as `python -m entrepot_api.demo.orders [PORT]`.
"""

import sys
from typing import Any

from .service import Answer, serve

CATALOGUE = {
    "novel": "books",
    "atlas": "books",
    "teapot": "kitchen",
    "kettle": "kitchen",
    "trowel": "garden",
    "seeds": "garden",
    "lamp": "home",
    "rug": "home",
}
_ITEMS = tuple(CATALOGUE)


def orders_of(customer: str) -> list[dict[str, Any]]:
    """Always the same for the same customer: three orders, chosen by the letters of the name."""
    seed = sum(customer.encode())
    chosen = [_ITEMS[(seed * step) % len(_ITEMS)] for step in (1, 3, 5)]
    return [
        {"number": seed * 10 + position, "item": item, "category": CATALOGUE[item], "cents": 500 + seed % 97 * position}
        for position, item in enumerate(chosen, 1)
    ]


def handle(method: str, path: str, _content: Any) -> Answer:
    parts = path.strip("/").split("/")
    if method == "GET" and len(parts) == 4 and parts[:2] == ["v1", "customers"] and parts[3] == "orders":
        return 200, {"customer": parts[2], "orders": orders_of(parts[2])}
    return 404, {"error": "there is nothing here"}


if __name__ == "__main__":
    serve(handle, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
