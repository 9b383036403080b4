"""Kinto loses everything and gets it back: a product nobody here wrote, driven by its own HTTP API.

Its traffic is recorded as it happened, with every answer; then Kinto is ended, started empty at another port, and the
recording replayed into it. What it holds afterwards is compared through its API with what it held before.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from entrepot_replay.credentials import Credentials, CredentialSource
from entrepot_replay.errors import ALL_IDENTICAL
from entrepot_replay.options import RunOptions
from entrepot_store.redact import Redactor
from tests.support.captured import Recording
from tests.support.replaying import replaying

AUTHORIZATION = "Basic dXNlcjpwYXNzd29yZA=="


@contextmanager
def kinto() -> Iterator[str]:
    """An empty Kinto, all in memory."""
    process = subprocess.Popen(
        [sys.executable, "-m", "entrepot_api.demo.preferences", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening "), line
        yield line.split()[1]
    finally:
        process.kill()
        process.communicate()


class Traffic:
    """A client of Kinto's; what it sends is recorded redacted, as the proxy would have."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.recording = Recording(
            start=time.time_ns() // 1000, authority=url.removeprefix("http://").encode(), server_address=url[7:]
        )
        self._client = client
        self._redactor = Redactor(bytes(32), frozenset({"authorization", "set-cookie"}))

    def send(self, method: str, path: str, content: Any = None, **headers_given: str) -> httpx.Response:
        more = {name.replace("_", "-"): value for name, value in headers_given.items()}
        request = self._client.build_request(method, path, json=content, headers=more)
        response = self._client.send(request)
        assert response.status_code < 300, response.text
        headers = tuple(pair for pair in request.headers.raw if pair[0].lower() != b"host")
        # The client undid the coding; Kinto codes nothing here, so the bytes are those of the wire.
        assert "content-encoding" not in response.headers
        self.recording.add(
            method,
            f"/v1{path}",
            request.content,
            headers=self._redactor.headers(headers),
            status=response.status_code,
            answer=response.content,
            answer_headers=self._redactor.headers(tuple(response.headers.raw)),
        )
        return response


def holds(client: httpx.Client) -> dict[str, Any]:
    """Every object by path, without `last_modified`, which the server stamps at every write."""
    found: dict[str, Any] = {}
    for bucket in client.get("/buckets").json()["data"]:
        path = f"/buckets/{bucket['id']}"
        found[path] = client.get(path).json()
        for collection in client.get(f"{path}/collections").json()["data"]:
            inner = f"{path}/collections/{collection['id']}"
            found[inner] = client.get(inner).json()
            for record in client.get(f"{inner}/records").json()["data"]:
                found[f"{inner}/records/{record['id']}"] = client.get(f"{inner}/records/{record['id']}").json()
    for content in found.values():
        content["data"].pop("last_modified")
    return found


def test_kinto_gets_back_what_it_lost(tmp_path: Path) -> None:
    headers = {"Authorization": AUTHORIZATION, "Accept-Encoding": "identity"}
    with kinto() as url, httpx.Client(base_url=f"{url}/v1", headers=headers) as client:
        traffic = Traffic(url, client)
        records = "/buckets/shop/collections/preferences/records"
        traffic.send("PUT", "/buckets/shop", {"permissions": {"read": ["system.Everyone"]}})
        traffic.send("PUT", "/buckets/shop/collections/preferences", {"data": {"sort": "name"}})
        for number in range(25):
            traffic.send("PUT", f"{records}/c{number}", {"data": {"theme": "dark", "size": number, "name": "Ünïcode"}})
        for number in range(0, 25, 3):
            traffic.send("PATCH", f"{records}/c{number}", {"data": {"theme": "light"}})
        for number in range(0, 25, 7):
            traffic.send("DELETE", f"{records}/c{number}")
        traffic.send("GET", records)
        before = holds(client)
    assert len(before) == 2 + 25 - 4
    assert b"dXNlcjpwYXNzd29yZA==" not in b"".join(
        value for exchange in traffic.recording.exchanges for _, value in exchange.request.headers
    )
    (tmp_path / "secret").write_text(AUTHORIZATION)
    with (
        kinto() as url,
        httpx.Client(base_url=f"{url}/v1", headers=headers) as client,
        replaying(tmp_path, traffic.recording.exchanges) as bench,
    ):
        assert holds(client) == {}
        row = bench.plan(url, allow_delete=True)
        credentials = Credentials([CredentialSource.parse(f"authorization=file:{tmp_path / 'secret'}")])
        report = bench.run(row.id, RunOptions(), credentials)
        assert holds(client) == before
        # Every answer carries a new last_modified, which is accounted for, and nothing else differs.
        assert report.exit_code == ALL_IDENTICAL
        assert report.counts.equivalent == row.plan["steps"] == 2 + 25 + 9 + 4


def by_content(found: dict[str, Any]) -> list[str]:
    """What a Kinto holds, whatever ids it gave: paths and contents with every id that it made replaced by a mark."""
    made = {content["data"]["id"] for content in found.values() if len(content["data"]["id"]) == 36}
    texts = []
    for path, content in found.items():
        text = f"{path} {sorted(content['data'].items())}"
        for one in sorted(made):
            other = found.get(f"/buckets/shop/collections/people/records/{one}")
            text = text.replace(one, f"<{other['data']['name'] if other else 'made'}>")
        texts.append(text)
    return sorted(texts)


def test_ids_validators_and_batches_are_those_of_the_rebuilt_kinto(tmp_path: Path) -> None:
    headers = {"Authorization": AUTHORIZATION, "Accept-Encoding": "identity"}
    with kinto() as url, httpx.Client(base_url=f"{url}/v1", headers=headers) as client:
        traffic = Traffic(url, client)
        traffic.send("PUT", "/buckets/shop")
        people, orders = "/buckets/shop/collections/people", "/buckets/shop/collections/orders"
        traffic.send("PUT", people)
        traffic.send("PUT", orders)
        made = {}
        for name in ("ann", "bob", "eve"):
            made[name] = traffic.send("POST", f"{people}/records", {"data": {"name": name}}).json()["data"]
        ann, bob, eve = made["ann"]["id"], made["bob"]["id"], made["eve"]["id"]
        # An id in a path, in a field, inside a string; a validator; a batch that does it all.
        answer = traffic.send("PUT", f"{people}/records/{ann}", {"data": {"name": "ann", "knows": bob}},
                              If_Match=f'"{made["ann"]["last_modified"]}"')  # fmt: skip
        traffic.send("PATCH", f"{people}/records/{ann}", {"data": {"link": f"/v1{people}/records/{eve}#x"}},
                     If_Match=answer.headers["etag"])  # fmt: skip
        order = traffic.send("POST", f"{orders}/records", {"data": {"name": "o1", "buyer": bob}}).json()["data"]["id"]
        requests = [
            {"method": "PATCH", "path": f"{orders}/records/{order}", "body": {"data": {"seller": f"p:{eve}"}}},
            {"method": "PUT", "path": f"/v1{people}/records/{eve}", "body": {"data": {"name": "eve", "bought": order}}},
        ]
        batch = traffic.send("POST", "/batch", {"requests": requests}).json()["responses"]
        assert [one["status"] for one in batch] == [200, 200]
        # Created by somebody who was not recorded; only a list told of it.
        before = holds(client)
    (tmp_path / "secret").write_text(AUTHORIZATION)
    with (
        kinto() as url,
        httpx.Client(base_url=f"{url}/v1", headers=headers) as client,
        replaying(tmp_path, traffic.recording.exchanges) as bench,
    ):
        row = bench.plan(url)
        credentials = Credentials([CredentialSource.parse(f"authorization=file:{tmp_path / 'secret'}")])
        report = bench.run(row.id, RunOptions(concurrency=4), credentials)
        after = holds(client)
        assert not set(before) & {f"{people}/records/{one}" for one in (ann, bob, eve)} & set(after)
        assert by_content(after) == by_content(before)
        assert report.exit_code == ALL_IDENTICAL, [[d for d in s.differences if d.decisive] for s in report.steps]
        values = {value.recorded: value.live for value in bench.replays.values(row.id)}
        assert {values[one] for one in (ann, bob, eve, order)} <= {path.rpartition("/")[2] for path in after}
