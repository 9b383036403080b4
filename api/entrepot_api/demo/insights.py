"""Insights: combines preferences with orders into recommendations, a set of data that exists nowhere else.

`POST /v1/recommendations/{customer}` works one out and keeps it, `GET` shows it. Reads PREFERENCES_URL,
PREFERENCES_AUTHORIZATION and ORDERS_URL. Run as `python -m entrepot_api.demo.insights [PORT]`.
"""

import os
import sys
from typing import Any

from .client import call
from .orders import CATALOGUE
from .service import Answer, serve

_kept: dict[str, dict[str, Any]] = {}


def recommend(customer: str, preferences: dict[str, Any], orders: list[dict[str, Any]]) -> dict[str, Any]:
    """What the customer has not bought, from categories that they like or bought from, most liked first."""
    bought = {order["item"] for order in orders}
    spent = dict.fromkeys(CATALOGUE.values(), 0)
    for order in orders:
        spent[order["category"]] += order["cents"]
    liked = preferences["likes"]
    ranked = sorted(spent, key=lambda category: (category not in liked, -spent[category], category))
    items = [
        item
        for category in ranked
        if category in liked or spent[category]
        for item, its_category in CATALOGUE.items()
        if its_category == category and item not in bought
    ]
    if not preferences["personalised"]:
        items = []
    return {
        "customer": customer,
        "currency": preferences["currency"],
        "items": items,
        "spent_cents": sum(spent.values()),
    }


def handle(method: str, path: str, _content: Any) -> Answer:
    parts = path.strip("/").split("/")
    if len(parts) != 3 or parts[:2] != ["v1", "recommendations"]:
        return 404, {"error": "there is nothing here"}
    customer = parts[2]
    if method == "POST":
        authorization = os.environ["PREFERENCES_AUTHORIZATION"]
        record = call("GET", f"{os.environ['PREFERENCES_URL']}/{customer}", authorization=authorization)
        orders = call("GET", f"{os.environ['ORDERS_URL']}/v1/customers/{customer}/orders")
        _kept[customer] = recommend(customer, record["data"], orders["orders"])
    return (200, _kept[customer]) if customer in _kept else (404, {"error": "no recommendation yet"})


if __name__ == "__main__":
    serve(handle, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
