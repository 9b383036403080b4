"""Products wiped and rebuilt from what `entrepot up` captured, with no rule or hint written for them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.up import Up, entrepot


@contextmanager
def listening(*command: str) -> Iterator[str]:
    """A product that prints `listening URL`."""
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path.cwd()
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening "), line
        yield line.split()[1]
    finally:
        process.kill()
        process.communicate()


def captured(data: Path, url: str, use: Callable[[str], None]) -> None:
    """Lets `use` talk to the product through the proxy, until everything is shipped."""
    up = Up(data, "--reverse", f"product={url}@127.0.0.1:0", "--api", "127.0.0.1:0")
    try:
        use(up.ready["reverse"]["product"])
    finally:
        up.process.terminate()
        assert up.process.wait(60) == 0, up.words


def replayed(data: Path, target: str, *more: str) -> dict[str, Any]:
    done = entrepot("replay", "--data", str(data), "--to", "product", "--target", target, "--yes", "--json", *more)
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == report["exit_code"], done.stderr
    return report


def a_day_with_the_awkward_product(url: str) -> None:
    with httpx.Client(base_url=url) as client:
        page = client.get("/login").text
        token = re.search(r'value="([0-9a-f]+)"', page)
        assert token is not None
        answer = client.post("/login", data={"csrf_token": token[1], "user": "ann"})
        assert answer.status_code == 303
        client.headers["X-CSRF-Token"] = answer.headers["X-CSRF-Token"]

        def send(method: str, path: str, **content: Any) -> httpx.Response:
            answer = client.request(method, path, **content)
            assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
            return answer

        for name in ("tea", "coffee", "milk"):
            send("POST", "/orders", json={"name": name, "price": 7})
        ids = {one["name"]: one["id"] for one in send("GET", "/orders").json()["items"]}
        assert sorted(ids.values()) == [1, 2, 3]
        first = send("PUT", f"/orders/{ids['milk']}", json={"name": "milk", "price": 2, "parent_id": ids["tea"]})
        send("PUT", f"/orders/{ids['milk']}", json={"name": "milk", "price": 3, "parent_id": ids["tea"]},
             headers={"If-Match": first.headers["ETag"]})  # fmt: skip
        for name, amount in (("tea", 3), ("coffee", 2), ("milk", 1)):
            send("POST", f"/orders/{ids[name]}/lines", json={"what": name, "amount": amount})
        # It names itself, and not the proxy.
        place = httpx.URL(send("POST", "/uploads").headers["Location"]).raw_path.decode()
        send("PATCH", place, content=b"first")
        send("PATCH", place, content=b"second")
        send("POST", f"{place.partition('?')[0]}/finish", json={"name": "notes.txt"})


def test_small_ids_sessions_versions_lists_and_uploads(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with listening("-m", "tests.support.awkward_product", "1") as url:
        captured(data, url, a_day_with_the_awkward_product)
        before = httpx.get(f"{url}/everything").json()
    assert len(before["orders"]) == 3
    with listening("-m", "tests.support.awkward_product", "40") as url:
        report = replayed(data, url)
        assert httpx.get(f"{url}/everything").json() == before, report["not_identical"]
        assert report["exit_code"] == 0, report["not_identical"]
        assert report["replay"]["counts"]["failed"] == 0
