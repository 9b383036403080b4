"""The HTTP API as a client sees it: a real server in a process of its own, over what a real shipper stored."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx
import pytest

from entrepot_api.tokens import create_token, secret_digest
from entrepot_store.clock import SystemClock
from entrepot_store.model import Gap
from tests.support.faces import RunningApi, running_api, stored, various_exchanges

FIELDS = [
    *("id", "started_at", "duration_ms", "source", "destination", "method", "url", "path", "status", "http_version"),
    *("rule", "class", "complete", "error", "trace_id", "request", "response"),
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    gap = Gap("w1", 1_763_800_000_000_000, 1_763_800_001_000_000, 3, "spool full")
    with (
        stored(tmp_path_factory.mktemp("api") / "data", various_exchanges(), gaps=[gap]) as found,
        running_api(found) as running,
    ):
        yield running


@pytest.fixture
def client(api: RunningApi) -> Iterator[httpx.Client]:
    with api.client() as client:
        yield client


def listed(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    response = client.get("/v1/exchanges", params=query)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


# Exchanges


def test_an_exchange_has_exactly_the_documented_fields(client: httpx.Client) -> None:
    exchange = listed(client, path="/v1/settings/3")[0]
    assert list(exchange) == FIELDS
    assert list(exchange["request"]) == list(exchange["response"]) == ["headers", "content_type", "size", "digest"]
    assert exchange["started_at"] == "2025-11-22T08:26:40.003000Z"
    assert exchange["duration_ms"] == 2.0
    assert (exchange["source"], exchange["destination"]) == ("billing", "orders")
    assert exchange["url"] == "http://orders.internal/v1/settings/3?full=1"
    assert exchange["class"] == "default"
    assert exchange["complete"] is True
    assert exchange["error"] is None
    assert exchange["request"]["headers"][1] == ["content-type", "application/json"]
    body = b'{"user": 3, "theme": "dark"}'
    assert exchange["request"]["size"] == len(body)
    assert exchange["request"]["digest"] == f"sha256:{sha256(body).hexdigest()}"
    assert client.get(f"/v1/exchanges/{exchange['id']}").json() == exchange


def test_one_that_nobody_answered_has_no_response(client: httpx.Client) -> None:
    exchange = listed(client, complete="false")[0]
    assert exchange["response"] is None
    assert exchange["status"] is None
    assert exchange["error"] == "connection refused"
    refused = problem(client.get(f"/v1/exchanges/{exchange['id']}/response/body"), 404)
    assert "no response" in refused["detail"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 18),
        ({"source": "billing"}, 18),
        ({"source": "nobody"}, 0),
        ({"source": ["nobody", "billing"]}, 18),
        ({"destination": "orders"}, 18),
        ({"method": "put"}, 18),
        ({"method": ["GET", "DELETE"]}, 0),
        ({"path": "/v1/settings/3"}, 1),
        ({"path": "/v1/settings"}, 0),
        ({"path_prefix": "/v1/settings/1"}, 8),
        ({"path_template": "/v1/settings/{user}"}, 17),
        ({"path_template": "/v1/**"}, 18),
        ({"status": "200"}, 17),
        ({"status": "2xx"}, 17),
        ({"status": ["404", "5xx"]}, 0),
        ({"content_type": "application/json"}, 16),
        ({"content_type": "application/*"}, 16),
        ({"since": "2025-11-22T08:26:40.015Z"}, 3),
        ({"until": "2025-11-22T08:26:40.015Z"}, 15),
        ({"since": "2025-11-22", "until": "2025-11-23"}, 18),
        ({"since": "1h"}, 0),
        ({"min_size": 1000}, 1),
        ({"max_size": 24}, 5),
        ({"complete": "true"}, 17),
        ({"complete": "false"}, 1),
        ({"rule": "settings"}, 18),
        ({"class": "config"}, 5),
        ({"class": "config", "path": "/v1/settings/3"}, 0),
        ({"trace_id": "none"}, 0),
    ],
)
def test_filters(client: httpx.Client, query: dict[str, Any], count: int) -> None:
    assert len(listed(client, **query)) == count


def test_pages_follow_each_other_by_body_and_by_link(client: httpx.Client) -> None:
    by_cursor: list[str] = []
    page = client.get("/v1/exchanges", params={"limit": 7, "order": "oldest", "method": "PUT"})
    by_link: list[str] = []
    while True:
        by_link += [item["id"] for item in page.json()["items"]]
        if "next" not in page.links:
            break
        assert page.json()["next"]
        page = client.get(page.links["next"]["url"])
    assert page.json()["next"] is None
    cursor = None
    while True:
        body = client.get(
            "/v1/exchanges", params={"limit": 7, "order": "oldest", **({"cursor": cursor} if cursor else {})}
        ).json()
        by_cursor += [item["id"] for item in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert by_link == by_cursor == sorted(by_link)
    assert len(by_link) == 18
    newest = [item["id"] for item in listed(client)]
    assert newest == by_link[::-1]


def test_ages_mean_the_same_moment_on_every_page(client: httpx.Client) -> None:
    page = client.get("/v1/exchanges", params={"since": "2000w", "until": "0s", "limit": 7})
    found = page.json()["items"]
    while "next" in page.links:
        page = client.get(page.links["next"]["url"])
        assert page.status_code == 200, page.text
        found += page.json()["items"]
    assert found == listed(client)
    cursor = client.get("/v1/exchanges", params={"since": "2000w", "limit": 1}).json()["next"]
    problem(client.get("/v1/exchanges", params={"since": "1999w", "limit": 1, "cursor": cursor}), 400)


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("limt=1", 400, "limt"),
        ("limit=0", 422, "limit"),
        ("limit=1001", 422, "limit"),
        ("limit=x", 422, "limit"),
        ("limit=1&limit=2", 400, "limit"),
        ("cursor=zzz", 400, "cursor"),
        ("cursor=", 400, "cursor"),
        ("cursor=.1", 400, "cursor"),
        ("cursor=zzz.99999999999999999", 400, "cursor"),
        ("status=20", 400, "status"),
        ("since=yesterday", 400, "since"),
        ("until=2026-02-30", 400, "until"),
        ("min_size=-1", 422, "min_size"),
        ("max_size=99999999999999999999", 422, "max_size"),
        ("complete=perhaps", 422, "complete"),
        ("order=random", 422, "order"),
        ("path_template=%7Bunclosed", 400, "template"),
        ("content_type=nonsense", 400, "media type"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(client: httpx.Client, query: str, status: int, named: str) -> None:
    refused = problem(client.get(f"/v1/exchanges?{query}"), status)
    assert named in refused["detail"]


def test_a_cursor_of_another_listing_is_refused(client: httpx.Client) -> None:
    cursor = client.get("/v1/exchanges", params={"limit": 1}).json()["next"]
    problem(client.get("/v1/exchanges", params={"cursor": cursor, "order": "oldest"}), 400)
    problem(client.get("/v1/exchanges", params={"cursor": cursor, "method": "GET"}), 400)


# Bodies


@pytest.fixture
def binary(client: httpx.Client) -> str:
    """The path of a body of 10,240 bytes that holds every byte there is."""
    return f"/v1/exchanges/{listed(client, min_size=1000)[0]['id']}/request/body"


def test_a_body_is_what_was_sent(client: httpx.Client, binary: str) -> None:
    response = client.get(binary)
    assert response.status_code == 200
    assert response.content == bytes(range(256)) * 40
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == "10240"
    assert response.headers["etag"] == f'"sha256:{sha256(response.content).hexdigest()}"'
    assert response.headers["cache-control"] == "private"
    assert response.headers["accept-ranges"] == "bytes"


def test_a_body_is_inert(client: httpx.Client) -> None:
    exchange = listed(client, path_prefix="/v1/\\x1b[31mred") or listed(client, limit=2)[1:]
    response = client.get(f"/v1/exchanges/{exchange[0]['id']}/response/body")
    assert response.content == b"\x1b[2J<script>alert(1)</script>"
    assert response.headers["content-type"] == "application/octet-stream"  # the recorded one breaks a header
    assert response.headers["content-disposition"].startswith("attachment; filename=")
    assert "passwd" not in response.headers["content-disposition"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"].startswith("sandbox")
    assert "set-cookie" not in response.headers
    assert "x-injected" not in response.headers


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-9", 0, 10), ("bytes=100-", 100, 10240), ("bytes=-5", 10235, 10240)]
)
def test_a_range(client: httpx.Client, binary: str, asked: str, start: int, end: int) -> None:
    response = client.get(binary, headers={"Range": asked})
    assert response.status_code == 206
    assert response.content == (bytes(range(256)) * 40)[start:end]
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/10240"
    assert response.headers["content-length"] == str(end - start)


def test_a_range_that_does_not_exist(client: httpx.Client, binary: str) -> None:
    response = client.get(binary, headers={"Range": "bytes=10240-"})
    problem(response, 416)
    assert response.headers["content-range"] == "bytes */10240"


def test_conditions(client: httpx.Client, binary: str) -> None:
    etag = client.head(binary).headers["etag"]
    fresh = client.get(binary, headers={"If-None-Match": etag})
    assert (fresh.status_code, fresh.content, fresh.headers["etag"]) == (304, b"", etag)
    assert client.head(binary, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(binary, headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get(binary, headers={"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert client.get(binary, headers={"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200


def test_head_says_what_get_would(client: httpx.Client, binary: str) -> None:
    head, get = client.head(binary), client.get(binary)
    assert head.content == b""
    ours = ("content-type", "content-length", "etag", "content-disposition", "accept-ranges", "repr-digest")
    assert {name: head.headers[name] for name in ours} == {name: get.headers[name] for name in ours}


def test_an_empty_body(client: httpx.Client) -> None:
    empty = f"/v1/exchanges/{listed(client, **{'class': 'config'})[0]['id']}/request/body"
    response = client.get(empty)
    assert (response.status_code, response.content) == (200, b"")
    problem(client.get(empty, headers={"Range": "bytes=0-"}), 416)


# The rest of the resources


def test_products_ledger_gaps_and_status(api: RunningApi, client: httpx.Client) -> None:
    products = client.get("/v1/products").json()["items"]
    assert [(item["name"], item["as_source"], item["as_destination"]) for item in products] == [
        ("billing", 18, 0),
        ("orders", 0, 18),
    ]
    (entry,) = client.get("/v1/ledger").json()["items"]
    assert (entry["seen"], entry["stored"], entry["balanced"]) == (18, 18, True)
    status = client.get("/v1/status").json()
    assert status["exchanges"] == 18
    assert status["parts"]["api"]["state"] == "running"
    assert status["vault"]["error"] is None


def test_a_gap_is_acknowledged_by_an_admin_once(api: RunningApi, client: httpx.Client) -> None:
    (gap,) = client.get("/v1/gaps").json()["items"]
    assert (gap["missing"], gap["reason"], gap["acknowledged_at"]) == (3, "spool full", None)
    path = f"/v1/gaps/{gap['id']}/acknowledge"
    assert problem(client.post(path), 403)["detail"] == "The token 'reader' lacks the scope admin."
    with api.client(api.admin) as admin:
        seen = admin.post(path).json()
        assert seen["acknowledged_by"] == "admin"
        assert admin.post(path).json() == seen
        problem(admin.post("/v1/gaps/00000000-0000-7000-8000-000000000000/acknowledge"), 404)
    assert client.get("/v1/gaps", params={"acknowledged": "false"}).json()["items"] == []
    assert len(client.get("/v1/gaps", params={"acknowledged": "true"}).json()["items"]) == 1


def test_health_needs_no_token(api: RunningApi) -> None:
    with httpx.Client(base_url=api.url) as anyone:
        assert anyone.get("/healthz").json() == {"status": "ok"}
        assert anyone.get("/readyz").json() == {"status": "ok"}
        metrics = anyone.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain")
        lines = metrics.text.splitlines()
        assert 'entrepot_ledger_exchanges_total{outcome="stored"} 18.0' in lines
        assert 'entrepot_part_up{part="api"} 1.0' in lines
        assert "entrepot_catalog_up 1.0" in lines
        assert any(line.startswith("entrepot_gaps_unacknowledged ") for line in lines)
        assert any(line.startswith("entrepot_seconds_behind ") for line in lines)
        assert "billing" not in metrics.text


# Who may


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer nonsense", "Basic dTpw", "Bearer ent_\xff"])
def test_without_a_valid_token_nothing_is_told(api: RunningApi, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    with httpx.Client(base_url=api.url, headers=headers) as client:
        for path in ("/v1/exchanges", "/v1/products", "/v1/status", "/v1/ledger", "/v1/gaps", "/v1/exchanges?limt=1"):
            response = client.get(path)
            problem(response, 401)
            assert response.headers["www-authenticate"].startswith('Bearer realm="entrepot"')


def test_revoked_and_expired_tokens_are_worthless(api: RunningApi) -> None:
    catalog, clock = api.stored.archive.catalog, SystemClock()
    row, secret = create_token(catalog, clock, name="soon revoked")
    with api.client(secret) as client:
        assert client.get("/v1/products").status_code == 200
        catalog.revoke_token(row.id, clock.now())
        assert "invalid_token" in client.get("/v1/products").headers["www-authenticate"]
    _, expired = create_token(catalog, clock, name="expired", expires_at=clock.now() - 1)
    with api.client(expired) as client:
        problem(client.get("/v1/products"), 401)


def test_only_the_digest_of_a_secret_is_kept(api: RunningApi) -> None:
    # Read by another process: closing the file in this one would drop the locks of its open connections.
    files = [str(path) for path in api.stored.settings.data.glob("catalog.sqlite*")]
    stored_bytes = subprocess.run(["cat", *files], capture_output=True, check=True).stdout
    assert secret_digest(api.read) in stored_bytes
    assert api.read.encode() not in stored_bytes


# Problems


def test_everything_that_goes_wrong_is_a_problem(client: httpx.Client) -> None:
    problem(client.get("/v1/nothing"), 404)
    problem(client.get("/"), 404)
    problem(client.get("/v1/exchanges/"), 404)  # no redirect by a name that the client chose
    problem(client.get("/v1/exchanges/nonsense"), 422)
    problem(client.get("/v1/exchanges/00000000-0000-7000-8000-000000000000"), 404)
    wrong_method = client.delete("/v1/exchanges")
    problem(wrong_method, 405)
    assert wrong_method.headers["allow"] == "GET"
    path = f"/v1/exchanges/{listed(client)[0]['id']}/request/body"
    assert client.post(path).headers["allow"] == "GET, HEAD"


def test_every_answer_with_captured_data_stays_out_of_caches(client: httpx.Client) -> None:
    assert client.get("/v1/exchanges").headers["cache-control"] == "no-store"
    assert client.get("/v1/nothing").headers["cache-control"] == "no-store"


def test_times_are_utc_with_microseconds(client: httpx.Client) -> None:
    for exchange in listed(client):
        text = exchange["started_at"]
        assert len(text) == len("2025-11-22T08:26:40.003000Z")
        assert datetime.fromisoformat(text).tzinfo == UTC
