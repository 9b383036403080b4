"""`entrepot restore` as an operator meets it, on a plain service: ids it counts itself, no validators, PATCH without an
answer, whatever a careful service would do left out."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.captured import START, Recording
from tests.support.faces import run_cli, stored
from tests.support.replay_target import ReplayTarget, Seen, answer

SINCE = "2025-11-22T00:00:00Z"


class Service:
    """Orders and notes. Orders are numbered from `first`; whoever asks for what is not there gets 404."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.held: dict[str, dict[str, object]] = {}
        self.writes: list[str] = []

    def __call__(self, seen: Seen) -> bytes:
        path = seen.path.partition("?")[0]
        if seen.method == "GET":
            return self._shown(path) if path in self.held else answer(404)
        self.writes.append(f"{seen.method} {path}")
        body = json.loads(seen.body or b"{}")
        if seen.method == "POST":
            number = self.first + sum(one.startswith("/orders/") for one in self.held)
            path = f"/orders/{number}"
            self.held[path] = {**body, "id": number}
            return answer(201, json.dumps(self.held[path]).encode(), extra=f"Location: {path}\r\n".encode())
        if seen.method == "DELETE":
            return answer(204 if self.held.pop(path, None) else 404, b"")
        if seen.method == "PATCH":
            if path not in self.held:
                return answer(404)
            self.held[path].update(body)
            return answer(204, b"")
        created = path not in self.held
        self.held[path] = body
        return answer(201 if created else 200, self._body(path))

    def _body(self, path: str) -> bytes:
        return json.dumps(self.held[path]).encode()

    def _shown(self, path: str) -> bytes:
        return answer(200, self._body(path))


def record(recording: Recording, service: Service, method: str, path: str, body: object = None) -> None:
    sent = b"" if body is None else json.dumps(body).encode()
    raw = service(Seen(f"{method} {path} HTTP/1.1\r\n".encode(), sent))
    head, _, content = raw.partition(b"\r\n\r\n")
    lines = [tuple(line.split(b": ", 1)) for line in head.split(b"\r\n")[1:] if line]
    headers = tuple((name, value) for name, value in lines if name != b"Content-Length")
    recording.add(method, path, sent, status=int(head.split(b" ")[1]), answer=content, answer_headers=headers)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    recording, service = Recording(), Service(first=40)
    record(recording, service, "PUT", "/notes/a", {"text": "one"})
    record(recording, service, "POST", "/orders", {"what": "tea", "price": 12.50})
    record(recording, service, "PUT", "/notes/b", {"order_id": 40, "text": "of order 40"})
    record(recording, service, "POST", "/orders", {"what": "jam"})
    record(recording, service, "PATCH", "/orders/41", {"what": "honey"})
    record(recording, service, "GET", "/orders/41")
    record(recording, service, "PATCH", "/orders/40", {"paid": True})
    recording.add("PUT", "/notes/cut", b'{"te', truncated=True)
    folder = tmp_path_factory.mktemp("restore") / "data"
    with stored(folder, recording.exchanges):
        yield folder


def test_plan_carry_out_and_again(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    service = Service(first=1)
    with ReplayTarget(service) as target:
        arguments = ("restore", "--data", data, "--to", "orders", "--target", target.url)
        planned = run_cli(capfdbinary, *arguments)
        assert planned.code == 0
        assert service.writes == []
        assert "Nothing was written. Start it with: entrepot restore --resume" in planned.out
        assert "by the recorded POST that made it and 1 later write: POST /orders, PATCH /orders/41" in planned.out
        cut = planned.out.index("NOT RESTORABLE /notes/cut")
        assert "not captured whole" in planned.out[cut:]

        done = run_cli(capfdbinary, *arguments, "--yes", "--json")
        assert done.json["counts"] == {"not restorable": 1, "restored": 4}, done.out
        assert done.code == done.json["exit_code"] == 21  # what was cut cannot come back
        assert service.held["/notes/b"] == {"order_id": 1, "text": "of order 40"}
        orders = {path: one["what"] for path, one in service.held.items() if path.startswith("/orders")}
        assert orders == {"/orders/1": "tea", "/orders/2": "honey"}
        assert service.held["/orders/1"]["paid"] is True

        writes = len(service.writes)
        again = run_cli(capfdbinary, *arguments, "--document", "/notes/{name}", "--document", "/orders/*", "--yes")
        assert len(service.writes) == writes, service.writes[writes:]
        assert "4 untouched" in again.out

        report = run_cli(capfdbinary, "restore", "--data", data, "--report", done.json["id"], "--json")
        assert report.json["counts"] == done.json["counts"]
        del service.held["/notes/a"]
        gone = run_cli(capfdbinary, "restore", "--data", data, "--report", done.json["id"])
        assert gone.code == 21
        assert gone.out.startswith("MISSING        /notes/a")


def test_what_makes_no_sense_is_refused(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    def refused(*arguments: str) -> str:
        ran = run_cli(capfdbinary, "restore", "--data", data, *arguments)
        assert ran.code in (2, 9, 23), ran
        return ran.err

    assert "Nothing says what to do" in refused()
    to = ("--to", "orders", "--target")
    assert "captured from" in refused(*to, "http://orders.internal")
    assert "takes no connections" in refused(*to, "http://127.0.0.1:9")
    assert "nothing to orders was captured yet" in refused(*to, "http://127.0.0.1:9", "--at", SINCE)
    assert "names no document" in refused(*to, "http://127.0.0.1:9", "--document", "/nothing")
    assert "Nothing to 'other' was captured" in refused("--to", "other", "--target", "http://127.0.0.1:9")
    assert START > 0
