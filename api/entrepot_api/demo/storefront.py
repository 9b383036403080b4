"""The storefront: customers sign up, set preferences, change their minds, leave; it asks insights what to show them.

Reads PREFERENCES_ROOT, PREFERENCES_AUTHORIZATION and INSIGHTS_URL. Run as `python -m entrepot_api.demo.storefront`.
"""

import os
from typing import Any

from .client import call
from .orders import CATALOGUE

BUCKET, COLLECTION = "shop", "preferences"
CUSTOMERS = ("ada", "bela", "chen", "dora", "emil", "fatima", "gus", "hana", "ivo", "june", "kofi", "lena")
LEFT = ("gus", "june")
"""Customers who leave again: their records must not come back."""
_CURRENCIES = ("EUR", "GBP", "JPY")


def main() -> None:
    root, authorization = os.environ["PREFERENCES_ROOT"], os.environ["PREFERENCES_AUTHORIZATION"]

    def preferences(method: str, path: str, content: Any = None) -> Any:
        return call(method, f"{root}/v1/{path}", content, authorization=authorization)

    records = f"buckets/{BUCKET}/collections/{COLLECTION}/records"
    preferences("GET", "__heartbeat__")
    preferences("PUT", f"buckets/{BUCKET}", {"data": {"owner": "storefront"}})
    preferences("PUT", f"buckets/{BUCKET}/groups/support", {"data": {"members": ["basicauth:support"]}})
    preferences(
        "PUT",
        f"buckets/{BUCKET}/collections/{COLLECTION}",
        {"data": {"about": "what customers chose"}, "permissions": {"read": ["system.Authenticated"]}},
    )
    for number, customer in enumerate(CUSTOMERS):
        chosen = _first_choice(number)
        if number % 3:
            preferences("PUT", f"{records}/{customer}", {"data": chosen})
        else:
            preferences("POST", records, {"data": {"id": customer, **chosen}})
    for number, customer in enumerate(CUSTOMERS):
        preferences("GET", f"{records}/{customer}")
        if number % 2:
            preferences("PATCH", f"{records}/{customer}", {"data": {"theme": "dark", "text_size": 14 + number}})
        if number % 4 == 0:
            changed = {**_first_choice(number + 1), "note": "Grüße, 漢字 and \u202eleft"}
            preferences("PUT", f"{records}/{customer}", {"data": changed})
    for customer in CUSTOMERS:
        call("POST", f"{os.environ['INSIGHTS_URL']}/v1/recommendations/{customer}")
    for customer in LEFT:
        preferences("DELETE", f"{records}/{customer}")


def _first_choice(number: int) -> dict[str, Any]:
    categories = sorted(set(CATALOGUE.values()))
    return {
        "currency": _CURRENCIES[number % len(_CURRENCIES)],
        "likes": sorted({categories[number % 4], categories[(number * 3 + 1) % 4]}),
        "personalised": number % 5 != 4,
        "newsletter": {"weekly": number % 2 == 0, "topics": [number, number * 1.5, None]},
    }


if __name__ == "__main__":
    main()
