"""Index fields and texts inside payloads, asked for on the command line and over HTTP."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from entrepot_api.http import create_app
from entrepot_api.tokens import create_token
from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.sql import open_catalog
from entrepot_store.clock import SystemClock
from entrepot_store.config import Settings
from entrepot_store.errors import BadInput
from entrepot_store.search import search
from entrepot_store.vault import open_vault
from entrepot_store.vault.directory import DirectoryVault
from tests.support.captured import Recording, archive_of
from tests.support.faces import run_cli

CONFIG = """
[[rule]]
name = "orders"
path = "/v1/orders/{id}"
action = "protect"
index = { customer = "$.customer", total = "$.total" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recording = Recording()
    for number in range(12):
        body = json.dumps({"customer": f"c{number % 3}", "total": number * 10, "note": f'ACMÉ "{number}"'})
        recording.add("PUT", f"/v1/orders/{number}", body.encode(), status=204, answer=b"")
    archive_of(tmp_path, recording.exchanges).catalog.close()
    (tmp_path / "entrepot.toml").write_text(CONFIG)
    return tmp_path


type Run = Callable[..., str]


@pytest.fixture
def run(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def ran(*arguments: str) -> str:
        done = run_cli(capfdbinary, *arguments, "--data", folder, "--config", folder / "entrepot.toml")
        assert done.code == 0, done.err
        return done.out

    return ran


def numbers(output: str) -> list[int]:
    return sorted(int(item.get("path", item.get("key")).rpartition("/")[2]) for item in json.loads(output)["items"])


def test_old_captures_are_found_after_reindexing(run: Run) -> None:
    by_customer = ("exchanges", "--json", "--field", "customer=c1")
    assert numbers(run(*by_customer)) == []
    assert json.loads(run("reindex", "--json")) == {"segments": 1, "looks": 12, "fields": 24, "damaged": []}
    assert numbers(run(*by_customer)) == [1, 4, 7, 10]
    assert numbers(run(*by_customer, "--field", "total>=70")) == [7, 10]
    assert numbers(run("documents", "--json", "--field", "total<25")) == [0, 1, 2]


def test_texts_in_bodies_and_what_was_not_read(run: Run) -> None:
    for text in ('"note"', 'ACMÉ "7"', 'ACM\\u00c9 \\"7'):
        found = json.loads(run("exchanges", "--json", "--contains", text))
        assert numbers(json.dumps(found)) == ([7] if "7" in text else list(range(12)))
        assert (found["read"], found["unread"], found["unreadable"]) == (12, 0, [])
    assert json.loads(run("exchanges", "--json", "--contains", "x", "--scan", "5"))["unread"] == 7
    assert json.loads(run("exchanges", "--json", "--contains", "x", "--method", "GET"))["read"] == 0


@pytest.fixture
def client(folder: Path, run: Run) -> Iterator[TestClient]:
    run("reindex")
    settings = Settings(data=folder)
    with open_catalog(settings) as catalog:
        _, secret = create_token(catalog, SystemClock(), name="reader")
        app = create_app(settings, catalog, open_vault(settings))
        with TestClient(app, headers={"Authorization": f"Bearer {secret}"}) as client:
            yield client


def test_over_http(client: TestClient) -> None:
    def asked(path: str) -> list[int]:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        return numbers(answer.text)

    assert asked("/v1/exchanges?field.customer=c2&field.total.gt=20") == [5, 8, 11]
    assert asked("/v1/exchanges?field.customer.prefix=c&field.total.lte=10") == [0, 1]
    assert asked("/v1/documents?field.total=110") == [11]
    assert client.get("/v1/products?field.customer=c2").status_code == 400
    assert asked("/v1/exchanges?field.total.gt=true") == []
    assert client.get("/v1/exchanges?field.a%20b=1").status_code == 400
    page = client.get("/v1/exchanges?field.customer.prefix=c&limit=5")
    following = page.links["next"]["url"]
    assert len(client.get(following).json()["items"]) == 5


def test_a_text_across_chunks_and_a_payload_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot_store.search._CHUNK", 7)
    recording = Recording()
    recording.add("PUT", "/a", b"0123456789abcdefghij" * 40, headers=())
    archive = archive_of(tmp_path, recording.exchanges)
    assert [row.path for row in search(archive, ExchangeFilter(), "56789abcdefgh").found] == ["/a"]
    with pytest.raises(BadInput):
        search(archive, ExchangeFilter(), "")
    (segment,) = archive.catalog.segments()
    archive.vault.delete(segment.key)
    gone = search(archive, ExchangeFilter(), "0123")
    assert (len(gone.found), len(gone.unreadable)) == (0, 2)  # request and response
    archive.catalog.close()


def test_nothing_to_search(tmp_path: Path) -> None:
    vault = DirectoryVault(tmp_path / "vault")
    with open_catalog(f"sqlite:///{tmp_path / 'c.sqlite'}") as catalog:
        assert search(Archive(vault, catalog), ExchangeFilter(), "x").unread == 0
