"""Made-up API documents: customers, orders, preferences and accounts as services of today return them.

Modelled on what public APIs answer with: a few dozen keys, identifiers that come back in links, many defaults, nulls
and enumerations, and between them the names, numbers and texts that differ. 570 bytes to 2 KB each.
"""

import json
import random
from datetime import UTC, datetime
from typing import Any

type Json = dict[str, Any]


def _words(text: str, separator: str | None = None) -> list[str]:
    return [word.strip() for word in text.split(separator) if word.strip()]


SMALLEST, LARGEST = 570, 2048

FIRST = _words("""
Ada Alan Amara Ana Anders Anita Aylin Bashir Beatriz Bo Carlos Chen Chidi Clara Dana Daniel Deepa Dmitri Elena
Emeka Emma Erik Fatima Felix Freya Gabriel Giulia Grace Hana Hassan Hugo Ines Ingrid Ivan Jack Jakub James
Jana Javier Jonas Julia Kai Karim Katarzyna Kenji Lars Laura Leila Leon Liam Lucia Luis Magnus Maja Mara Marco
Maria Mateo Mei Mila Mohammed Nadia Naomi Nikolai Nina Noah Nora Olga Oliver Omar Oscar Pablo Paula Pedro
Petra Priya Rafael Ravi Rosa Sadia Sam Sara Sven Sofia Tariq Theo Thomas Tomas Uma Valentina Victor Wei Yara
Yuki Yusuf Zainab Zoe
""")
LAST = _words("""
Abbott Adeyemi Ahmed Almeida Andersson Bauer Becker Bianchi Brown Castro Chen Cohen Costa Cruz Diaz Dubois
Eriksen Evans Fernandez Fischer Garcia Gomez Gonzalez Gupta Haddad Hansen Harris Hoffmann Ibrahim Ito Ivanov
Jackson Jansen Johansson Jones Kaya Khan Kim Kowalski Kumar Larsen Lee Lehmann Lopez Martin Martinez Meyer
Moreau Moretti Mueller Nakamura Nguyen Nielsen Novak Okafor Oliveira Olsen Park Patel Pereira Petrov Popescu
Ramirez Reyes Ricci Rossi Sanchez Santos Sato Schmidt Schneider Silva Singh Smith Sokolov Suzuki Svensson
Tanaka Taylor Torres Tran Vargas Wagner Walker Wang Weber White Williams Wilson Wojcik Yilmaz Zhang Zimmermann
""")
WORDS = _words("""
account address agreed amount annual approved archive average before billing branch budget call campaign
cancelled capacity change channel charge client closed collected confirmed contact contract copy corrected
country credit customer daily deadline delivery department deposit discount document due early estimate
expected export final first follow forecast freight goods holiday imported insurance internal invoice item
keep large last late legal letter limit local manual margin meeting minimum missing monthly net new next
notice offer office open order original overdue paid parcel partial payment pending phone pickup plan
preferred previous price priority project quantity quarter quote rate ready received reference refund region
reminder renewal report request return review route sales sample schedule second sent service shipment small
special standard stock store supplier support tax team terms total transfer unit update urgent vendor waiting
warehouse week weight yearly
""")
ITEMS = [
    f"{color} {item}"
    for color in ["Black", "White", "Blue", "Green", "Oak", "Steel", "Large", "Small"]
    for item in [
        "Desk",
        "Chair",
        "Lamp",
        "Shelf",
        "Cable",
        "Monitor Arm",
        "Notebook",
        "Keyboard",
        "Mouse",
        "Dock",
        "Bag",
        "Bottle",
        "Headset",
    ]
]
CITIES = _words("""
Amsterdam Athens Barcelona Berlin Bergen Bologna Brno Chicago Cork Dakar Gdansk Geneva Ghent Hamburg Helsinki
Kyoto Lagos Leeds Lisbon Lyon Malmo Milan Nairobi Osaka Porto Prague Pune Quito Riga Seattle Seoul Split Tartu
Toronto Turin Utrecht Valencia Vienna Vilnius Zurich
""")
STREETS = _words(
    """
Bahnhofstrasse,High Street,Rue de la Paix,Via Roma,Calle Mayor,Storgatan,Park Avenue,Mill Lane,
""",
    separator=",",
)
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def dumps(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def timestamp(micros: int) -> str:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Documents:
    """Makes documents; `now` is the present in microseconds."""

    def __init__(self, pick: random.Random, now: int) -> None:
        self._pick = pick
        self.now = now

    def make(self, product: str) -> Json:
        """A new document of a product (`customers`, `orders`, `preferences`, `accounts`), 570 bytes to 2 KB long."""
        kinds = {
            "customers": self.customer,
            "orders": self.order,
            "preferences": self.preferences,
            "accounts": self.account,
        }
        while True:
            document = kinds[product]()
            if SMALLEST <= len(dumps(document)) <= LARGEST - 64:  # room for what later changes add
                return document

    def change(self, document: Json) -> None:
        """What an update does: a field or two, and the time of it."""
        pick = self._pick
        document["updated_at"] = timestamp(self.now)
        if "notifications" in document:
            topic = pick.choice(sorted(document["notifications"]))
            document["notifications"][topic]["email"] = not document["notifications"][topic]["email"]
        elif "line_items" in document:
            document["fulfillment_status"] = pick.choice(["unfulfilled", "partial", "fulfilled", "restocked"])
            document["note"] = self.sentence()
        elif "followers_url" in document:
            document["public_repos"] += 1
            document["bio"] = self.sentence()
        else:
            document["balance"] = pick.randrange(-200_000, 900_000)
            document["phone"] = self.phone()

    def customer(self) -> Json:
        pick = self._pick
        first, last = self.name()
        identifier = self.token("cus_")
        return {
            "id": identifier,
            "object": "customer",
            "address": self.address(),
            "balance": pick.randrange(-200_000, 900_000, 50),
            "created": timestamp(self.now - pick.randrange(10**13)),
            "currency": pick.choice(["eur", "eur", "usd", "sek", "gbp"]),
            "default_source": None,
            "delinquent": pick.random() < 0.1,
            "description": self.sentence(),
            "discount": None,
            "email": f"{first}.{last}@example.com".lower(),
            "invoice_prefix": "".join(pick.choice("ABCDEF0123456789") for _ in range(8)),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": True,
            "metadata": {
                "erp_id": str(pick.randrange(10_000_000)),
                "segment": pick.choice(["retail", "b2b", "public"]),
            },
            "name": f"{first} {last}",
            "next_invoice_sequence": pick.randrange(1, 400),
            "phone": self.phone(),
            "preferred_locales": [pick.choice(["en-GB", "de-DE", "fr-FR", "sv-SE"])],
            "shipping": {"address": self.address(), "name": f"{first} {last}", "phone": None},
            "subscriptions": {
                "object": "list",
                "data": [],
                "has_more": False,
                "total_count": 0,
                "url": f"/v1/customers/{identifier}/subscriptions",
            },
            "tax_exempt": pick.choice(["none", "none", "exempt", "reverse"]),
            "test_clock": None,
            "updated_at": timestamp(self.now - pick.randrange(10**12)),
        }

    def order(self) -> Json:
        pick = self._pick
        identifier = pick.randrange(10**12, 10**13)
        first, last = self.name()
        items = [self._line_item() for _ in range(pick.randrange(1, 5))]
        total = sum(float(item["price"]) * item["quantity"] for item in items)
        return {
            "id": identifier,
            "admin_graphql_api_id": f"gid://shop/Order/{identifier}",
            "cancel_reason": None,
            "cancelled_at": None,
            "confirmed": True,
            "contact_email": f"{first}.{last}@example.com".lower(),
            "created_at": timestamp(self.now - pick.randrange(10**13)),
            "currency": "EUR",
            "financial_status": pick.choice(["paid", "paid", "pending", "refunded"]),
            "fulfillment_status": None,
            "line_items": items,
            "name": f"#{pick.randrange(1000, 99_999)}",
            "note": None,
            "shipping_address": self.address(),
            "tags": ", ".join(pick.sample(["export", "gift", "priority", "wholesale"], pick.randrange(3))),
            "taxes_included": False,
            "total_discounts": "0.00",
            "total_price": f"{total:.2f}",
            "updated_at": timestamp(self.now - pick.randrange(10**12)),
        }

    def _line_item(self) -> Json:
        pick = self._pick
        return {
            "id": pick.randrange(10**12, 10**13),
            "gift_card": False,
            "name": pick.choice(ITEMS),
            "price": f"{pick.choice([4, 9, 14, 19, 24, 49, 79, 129, 199, 349])}.{pick.choice([10, 50, 90, 99])}",
            "product_exists": True,
            "quantity": pick.randrange(1, 6),
            "requires_shipping": True,
            "sku": f"{pick.choice('ABCDEFGH')}{pick.randrange(100, 999)}-{pick.randrange(10):02d}",
            "tax_lines": [{"rate": 0.19, "title": "VAT"}],
            "total_discount": "0.00",
        }

    def preferences(self) -> Json:
        pick = self._pick
        return {
            "user_id": pick.randrange(10_000_000),
            "locale": pick.choice(["en-GB", "en-US", "de-DE", "fr-FR", "sv-SE", "pt-PT", "ja-JP"]),
            "timezone": f"Europe/{pick.choice(CITIES)}",
            "theme": pick.choice(["light", "dark", "system"]),
            "density": pick.choice(["comfortable", "compact"]),
            "notifications": {
                topic: {
                    "email": pick.random() < 0.5,
                    "push": pick.random() < 0.3,
                    "digest": pick.choice(["off", "daily"]),
                }
                for topic in ("orders", "invoices", "messages", "security", "news", "reports")
            },
            "shortcuts": {"search": "/", "new": "n", "save": "ctrl+s"},
            "dashboard": [
                {
                    "widget": pick.choice(WORDS),
                    "x": pick.randrange(3) * 4,
                    "y": row * 2,
                    "w": 4,
                    "h": 2,
                    "hidden": False,
                }
                for row in range(pick.randrange(2, 8))
            ],
            "signature": " ".join(self.name()),
            "beta": False,
            "updated_at": timestamp(self.now - pick.randrange(10**12)),
        }

    def account(self) -> Json:
        pick = self._pick
        first, last = self.name()
        login = f"{first}{last}{pick.randrange(100)}".lower()
        base = f"https://accounts.internal/users/{login}"
        return {
            "login": login,
            "id": pick.randrange(100_000_000),
            "avatar_url": f"https://avatars.internal/u/{pick.randrange(100_000_000)}?v=4",
            "url": base,
            "followers_url": f"{base}/followers",
            "following_url": f"{base}/following{{/other_user}}",
            "starred_url": f"{base}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{base}/subscriptions",
            "organizations_url": f"{base}/orgs",
            "repos_url": f"{base}/repos",
            "events_url": f"{base}/events{{/privacy}}",
            "received_events_url": f"{base}/received_events",
            "type": "User",
            "site_admin": False,
            "name": f"{first} {last}",
            "company": None,
            "blog": "",
            "location": pick.choice(CITIES),
            "email": None,
            "hireable": None,
            "bio": None,
            "public_repos": pick.randrange(300),
            "followers": pick.randrange(2000),
            "following": pick.randrange(200),
            "created_at": timestamp(self.now - pick.randrange(10**14)),
            "updated_at": timestamp(self.now - pick.randrange(10**12)),
        }

    def address(self) -> Json:
        pick = self._pick
        return {
            "city": pick.choice(CITIES),
            "country": pick.choice(["CH", "DE", "ES", "FR", "GB", "IT", "JP", "SE", "US"]),
            "line1": f"{pick.choice(STREETS)} {pick.randrange(1, 220)}",
            "line2": None,
            "postal_code": str(pick.randrange(10_000, 99_999)),
            "state": None,
        }

    def name(self) -> tuple[str, str]:
        return self._pick.choice(FIRST), self._pick.choice(LAST)

    def phone(self) -> str:
        return f"+{self._pick.randrange(30, 50)} {self._pick.randrange(10**8, 10**9)}"

    def token(self, prefix: str) -> str:
        return prefix + "".join(self._pick.choice(_BASE62) for _ in range(14))

    def sentence(self) -> str:
        words = (self._pick.choice(WORDS) for _ in range(self._pick.randrange(3, 9)))
        return " ".join(words).capitalize() + "."
