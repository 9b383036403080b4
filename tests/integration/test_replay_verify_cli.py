"""A product that gives out new ids is lost, rebuilt and read back: at the command line, and over HTTP."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from entrepot_api.tokens import create_token
from entrepot_store.clock import SystemClock
from tests.support.captured import Recording
from tests.support.faces import Stored, running_api, stored
from tests.support.replay_target import ReplayTarget, Seen, answer


class Orders:
    """Orders with ids counted from somewhere, made at some time, and lists that tell the newest first."""

    def __init__(self, first: int) -> None:
        self.next = first
        self.rows: dict[int, dict[str, Any]] = {}

    def __call__(self, seen: Seen) -> bytes:
        status, body, extra = self.handle(seen.method, seen.path, seen.body)
        return answer(status, body, extra=b"".join(b"%s: %s\r\n" % pair for pair in extra))

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, bytes, tuple[tuple[bytes, bytes], ...]]:
        name = path.removeprefix("/orders").strip("/")
        if method == "POST":
            number, self.next = self.next, self.next + 1
            self.rows[number] = {**json.loads(body), "id": number, "created": time.time_ns() // 1_000_000}
            return 201, json.dumps(self.rows[number]).encode(), ((b"Location", b"/orders/%d" % number),)
        if not name:
            return 200, json.dumps({"orders": list(self.rows.values())[::-1], "total": len(self.rows)}).encode(), ()
        row = self.rows.get(int(name))
        if row is None:
            return 404, b"{}", ()
        if method == "PATCH":
            row |= json.loads(body)
            return 204, b"", ()
        if method == "DELETE":
            del self.rows[int(name)]
            return 204, b"", ()
        return 200, json.dumps(row).encode(), ()


HOSTILE = '<img src=x onerror="alert(1)">'


def recording() -> Recording:
    product, found = Orders(1), Recording(start=time.time_ns() // 1000 - 7200 * 1_000_000)

    def send(method: str, path: str, content: Any = None) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        status, shown, extra = product.handle(method, path, body)
        kind = ((b"Content-Type", b"application/json"),)
        found.add(method, path, body, status=status, answer=shown, answer_headers=(*kind, *extra))

    send("GET", "/orders")  # before anything was there: what it showed is not what was lost
    for item in ("pen", "ink", "cup", HOSTILE):
        send("POST", "/orders", {"item": item})
    send("GET", "/orders/1")
    send("PATCH", "/orders/2", {"item": "red ink"})  # never read: what is there is known from both writes
    send("POST", "/orders", {"item": "mistake"})
    send("DELETE", "/orders/5")
    found.add("GET", "/admin", status=403)
    found.add("GET", "/health")
    return found


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Stored]:
    with stored(tmp_path / "data", recording().exchanges) as found:
        yield found


def replay(data: Stored, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "entrepot_api", "replay", "--data", str(data.settings.data), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_at_the_command_line(data: Stored, tmp_path: Path) -> None:
    product = Orders(71)
    with ReplayTarget(product) as target:
        done = replay(data, "--to", "orders", "--target", target.url, "--yes", "--allow-delete", "--json")
        report = json.loads(done.stdout)
        assert (done.returncode, report["not_back"]) == (0, [])
        # The list, four orders, and one that is gone.
        assert report["verification"]["counts"]["restored"] == 6
        assert (report["verification"]["share_back"], report["verification"]["complete"]) == (1.0, True)
        asked = [seen.path for seen in target.seen if seen.method == "GET"]
        assert asked == ["/orders", "/orders/71", "/orders/72", "/orders/73", "/orders/74", "/orders/75"]

        del product.rows[71]
        product.rows[74]["item"] += "!"
        product.rows[75] = {"item": "back again", "id": 75}
        page = tmp_path / "report.html"
        identifier = report["replay"]["id"]
        done = replay(data, "--verify", identifier, "--html", str(page))
        lines = done.stdout.splitlines()
        assert (done.returncode, lines[0]) == (21, "NOT BACK")
        assert lines[1] == "MISSING    /orders/1  (now /orders/71)"
        assert lines[3] == "DIFFERS    /orders/4  201 → 200  (now /orders/74)"
        assert any(line.startswith("EXTRA      /orders/5") for line in lines)
        assert "2 of 6 documents are back (33.3 %)" in done.stdout
        tags, text = Tags(), page.read_text()
        tags.feed(text)
        assert not tags.tags & {"img", "script", "iframe", "link", "a"}
        assert tags.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
        assert "onerror=&quot;" in text.replace("\\&quot;", "&quot;")
        assert text.index("/orders/1") < text.index("Back: 33.3 %") < text.index("The replay")
    done = replay(data, "--verify", identifier)
    assert (done.returncode, "takes no connections" in done.stderr) == (23, True)


def test_over_http(data: Stored) -> None:
    _, token = create_token(data.archive.catalog, SystemClock(), name="operator", scopes=("read", "replay"))
    product = Orders(71)
    with ReplayTarget(product) as target, running_api(data) as api, api.client(token) as client:
        wanted = {"to": "orders", "target": target.url, "allow_delete": True}
        one = f"/v1/replays/{client.post('/v1/replays', json=wanted).json()['id']}"
        assert client.get(f"{one}/report").json()["verification"] is None

        def verified() -> dict[str, Any]:
            deadline = time.monotonic() + 60
            while True:
                report: dict[str, Any] = client.get(f"{one}/report").json()
                if (report["verification"] or {}).get("ended_at"):
                    return report
                assert time.monotonic() < deadline, report
                time.sleep(0.05)

        client.post(f"{one}/start").raise_for_status()
        report = verified()
        assert (report["exit_code"], report["verification"]["counts"]["restored"]) == (0, 6)
        del product.rows[72]
        assert client.post(f"{one}/verify").status_code == 202
        report = verified()
        assert report["exit_code"] == 21
        assert next((check["path"], check["result"]) for check in report["not_back"]) == ("/orders/2", "missing")
        found = client.get(f"{one}/checks", params={"result": "restored", "limit": 2})
        assert [check["result"] for check in found.json()["items"]] == ["restored"] * 2
        assert len(client.get(found.links["next"]["url"]).json()["items"]) == 2
    with running_api(data) as api, api.client(token) as client:
        assert client.post(f"{one}/verify").status_code == 502
