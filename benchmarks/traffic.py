"""Made-up API traffic for every benchmark: four products, three callers, keep-alive connections, JSON bodies.

Callers read documents, change them, add new ones and now and then ask for one that is not there. Seeded, so that
every run sees the same exchanges.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from entrepot_store.model import Action, Body, Exchange, Headers, Request, Response, exchange_id

from .documents import Documents, Json, dumps, timestamp

START = 1_763_800_000_000_000
"""2025-11-22, in microseconds."""
MEAN_STEP = 700
"""Microseconds between two exchanges on average: some 1,400 a second."""
POPULATION = {"customers": 2_000, "orders": 6_000, "preferences": 3_000, "accounts": 1_000}
_ADDRESSES = {
    "customers": "10.20.4.11:8080",
    "orders": "10.20.4.12:8080",
    "preferences": "10.20.4.13:9000",
    "accounts": "10.20.4.14:8080",
}


class Traffic:
    """`distinct` puts the time of the answer into every answer, so that no two bodies are equal; without it a document
    that was not changed reads the same every time, as it does in life."""

    def __init__(self, seed: int, *, distinct: bool) -> None:
        self._pick = random.Random(seed)
        self._distinct = distinct
        self._now = START
        self._documents = Documents(self._pick, START)
        self._held = {
            product: [self._documents.make(product) for _ in range(count)] for product, count in POPULATION.items()
        }
        self._ports = [self._pick.randrange(32768, 60999) for _ in range(16)]

    def __iter__(self) -> Iterator[Exchange]:
        products, weights = list(POPULATION), (25, 35, 30, 10)
        while True:
            self._now += 1 + int(self._pick.expovariate(1 / MEAN_STEP))
            self._documents.now = self._now
            yield self._exchange(self._pick.choices(products, weights=weights)[0])

    def _exchange(self, product: str) -> Exchange:
        pick = self._pick
        method, path, sent, status, answer = self._call(product)
        return Exchange(
            id=exchange_id(self._now, pick.randbytes(8)),
            started_at=self._now,
            source=pick.choices(["billing", "crm", "warehouse"], weights=(5, 3, 2))[0],
            destination=product,
            client_address=f"10.20.7.{pick.randrange(3) + 5}:{pick.choice(self._ports)}",
            server_address=_ADDRESSES[product],
            rule="everything",
            action=Action.PROTECT,
            retention_class="default",
            request=Request(
                method=method,
                scheme=b"http",
                authority=f"{product}.internal:8080".encode(),
                path=path.encode(),
                version="HTTP/1.1",
                headers=self._request_headers(product, sent),
                body=Body.of(sent),
            ),
            response=Response(
                version="HTTP/1.1",
                status=status,
                reason={200: b"OK", 201: b"Created", 204: b"No Content", 404: b"Not Found"}[status],
                headers=self._response_headers(status, answer),
                body=Body.of(answer),
            ),
            request_us=pick.randrange(80, 400),
            waiting_us=int(pick.lognormvariate(8.5, 0.7)),
            response_us=pick.randrange(50, 500),
        )

    def _call(self, product: str) -> tuple[bytes, str, bytes, int, bytes]:
        """Method, path, request body, status, response body."""
        pick = self._pick
        held = self._held[product]
        place = int(len(held) * pick.random() ** 2)  # some documents are asked for more often than others
        document = held[place]
        path = f"/v2/{product}/{_key(document)}"
        kind = pick.choices(["read", "replace", "add", "remove", "miss"], weights=(60, 22, 13, 2, 3))[0]
        if kind == "read":
            return b"GET", path, b"", 200, self._answer(document)
        if kind == "miss":
            missing = _key(self._documents.make(product))
            error = {"code": "not_found", "message": f"{product}/{missing} does not exist", "details": []}
            return b"GET", f"/v2/{product}/{missing}", b"", 404, dumps({"error": error})
        if kind == "remove":
            held[place] = self._documents.make(product)
            return b"DELETE", path, b"", 204, b""
        if kind == "add":
            held[place] = document = self._documents.make(product)
            sent = dumps(document)
            return b"POST", f"/v2/{product}", sent, 201, self._answer(document)
        self._documents.change(document)
        sent = dumps(document)
        document["revision"] = document.get("revision", 0) + 1
        return b"PUT", path, sent, 200, self._answer(document)

    def _answer(self, document: Json) -> bytes:
        if self._distinct:
            return dumps({"served_at": f"{timestamp(self._now)[:-1]}.{self._now % 1_000_000:06d}Z", **document})
        return dumps(document)

    def _request_headers(self, product: str, body: bytes) -> Headers:
        headers = [
            (b"Host", f"{product}.internal:8080".encode()),
            (b"User-Agent", b"python-requests/2.32.3"),
            (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
            (b"Accept", b"application/json"),
            (b"Connection", b"keep-alive"),
            (b"Authorization", b"{{secret:authorization:4f1c09d27be3a866}}"),
        ]
        if body:
            headers += [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))]
        return tuple(headers)

    def _response_headers(self, status: int, body: bytes) -> Headers:
        moment = datetime.fromtimestamp(self._now // 1_000_000, UTC)
        headers = [(b"Server", b"nginx/1.27.2"), (b"Date", moment.strftime("%a, %d %b %Y %H:%M:%S GMT").encode())]
        if body:
            headers += [
                (b"Content-Type", b"application/json; charset=utf-8"),
                (b"Content-Length", b"%d" % len(body)),
            ]
        headers += [
            (b"Connection", b"keep-alive"),
            (b"X-Request-Id", self._pick.randbytes(8).hex().encode()),
            (b"Strict-Transport-Security", b"max-age=31536000; includeSubDomains"),
            (b"X-Content-Type-Options", b"nosniff"),
            (b"Vary", b"Accept-Encoding"),
        ]
        if status == 200:
            headers.append((b"Cache-Control", b"private, max-age=0, must-revalidate"))
        return tuple(headers)


def generate_exchanges(seed: int = 1, *, distinct: bool = False) -> Iterator[Exchange]:
    """Exchanges without end, in the order of their start; the same ones for the same seed. With `distinct` no two
    bodies of documents are equal."""
    return iter(Traffic(seed, distinct=distinct))


def _key(document: Json) -> str:
    return str(document.get("user_id") or document.get("login") or document["id"])
