"""`entrepot simulate` as a process, asked over real connections."""

import asyncio
import gzip
import socket
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from entrepot_api.simulate import COUNTS_PATH, SimulationApp
from entrepot_replay.simulate import Counts
from entrepot_store.clock import to_rfc3339
from entrepot_store.errors import VaultUnavailable
from entrepot_store.model import Body, Gap
from entrepot_store.redact import reference_for
from tests.support.captured import START, Recording
from tests.support.faces import run_cli
from tests.support.simulating import JSON, captured_in, serving_simulation, simulated

TEXT = (b"Content-Type", b"text/plain")
TAGGED = (TEXT, (b"ETag", b'"v1"'), (b"Last-Modified", b"Sat, 22 Nov 2025 08:00:00 GMT"))
LONG = b"".join(sha256(b"%d" % number).digest() for number in range(100_000))  # 3.2 MB


def traffic() -> Recording:
    recording = Recording()
    recording.add("GET", "/letters", answer=b"abcdefghij", answer_headers=TAGGED)
    recording.add("GET", "/long", answer=LONG, answer_headers=(TEXT,))
    zipped = recording.add(
        "GET", "/zipped", answer=b"plain " * 100, answer_headers=(TEXT, (b"Content-Encoding", b"gzip"))
    )
    assert zipped.response is not None
    zipped.response.body = Body(b"plain " * 100, size=600, decoded="gzip")
    kept = gzip.compress(b"kept " * 100, mtime=0)
    coded = recording.add("GET", "/kept", answer=kept, answer_headers=(TEXT, (b"Content-Encoding", b"gzip")))
    assert coded.response is not None
    coded.response.body = Body(kept, size=len(kept), wire=True)
    there = (
        JSON,
        (b"Location", b"http://orders.internal/jobs/9"),
        (b"Set-Cookie", reference_for(bytes(32), "c", b"s")),
    )
    recording.add("POST", "/jobs", b'{"a":1}', status=201, answer=b'{"id":9}', answer_headers=there)
    recording.add("GET", "/jobs/9", answer=b'"done"')
    recording.add("DELETE", "/letters/a", status=204, answer=b"")
    recording.add("GET", "/letters", answer=b"klmno", answer_headers=(TEXT, (b"Vary", b"Accept-Encoding")))
    return recording


def test_a_client_is_answered_as_http_says(tmp_path: Path) -> None:
    gap = Gap("w1", START, START + 1000, 12, "the spool was full")
    data = captured_in(tmp_path / "data", traffic().exchanges, [gap])
    with serving_simulation(data, "--at", to_rfc3339(START + 650_000)) as (server, client):
        first, last = to_rfc3339(START), to_rfc3339(START + 600_000)
        assert server.started == {
            "listen": server.url,
            "to": "orders",
            "at": to_rfc3339(START + 650_000),
            "exchanges": 7,
            "first_at": first,
            "last_at": last,
            "gaps": [f"From {first} to {to_rfc3339(START + 1000)} missing 12 captures: the spool was full."],
        }
        whole = client.get("/letters")
        assert (whole.status_code, whole.text, whole.headers["accept-ranges"]) == (200, "abcdefghij", "bytes")
        assert whole.headers["memento-datetime"] == "Sat, 22 Nov 2025 08:26:40 GMT"
        assert whole.headers["link"] == '</letters>; rel="original timegate"'
        assert whole.headers["vary"] == "accept-datetime"
        assert whole.headers["entrepot-exchange"] == str(traffic().exchanges[0].id)
        head = client.head("/letters")
        assert (head.content, head.headers["content-length"], head.headers["etag"]) == (b"", "10", '"v1"')
        ranges(client)
        conditions(client)
        codings(client)
        made = client.post("/jobs", json={"a": 1})
        assert (made.status_code, made.headers["location"]) == (201, f"{server.url}/jobs/9")
        assert (made.headers["entrepot-left-out"], "set-cookie" in made.headers) == ("Set-Cookie", False)
        assert client.get(made.headers["location"]).json() == "done"
        deleted = client.get("/letters/a")
        assert deleted.status_code == 404
        assert deleted.json()["detail"] == f"The resource is gone since the DELETE at {last}."
        assert client.delete("/letters/a").status_code == 204
        missed = client.get("/letters/b")
        assert (missed.status_code, missed.headers["content-type"]) == (501, "application/problem+json")
        assert missed.json()["nearest"][0]["path"] == "/letters/a"
        digest = sha256()
        with client.stream("GET", "/long", headers={"Accept-Encoding": "identity"}) as long:
            for piece in long.iter_bytes():
                digest.update(piece)
        assert digest.digest() == sha256(LONG).digest()
        counted = client.get(COUNTS_PATH).json()
        assert (counted["misses"], counted["headers_left_out"]) == (1, {"Set-Cookie": 1})
        ended, said = server.end()
        assert ended == counted
        assert said.count("501 GET /letters/b was not captured") == 1


def test_hostile_captures_do_not_break_the_server(tmp_path: Path) -> None:
    recording = Recording()
    evil = ((b"X-\x1b]0;t\x07", b"a"), (b"X-Split", b"a\r\nSet-Cookie: stolen=1"), (b"X-Bytes", b"\xff\xfe"))
    recording.add("GET", "/a", answer=b"a", answer_headers=(*evil, (b"Content-Type", b"text/html\r\nX-Injected: 1")))
    recording.add("PUT", "/b", b"b", headers=((b"Content-Type", b"text/html\r\nX-Injected: 1"),), answer=b"")
    recording.add("GET", b"/\x1b[31m/\xff?q=\xff", answer=b"c")
    recording.add("GET", "/status", status=12, answer=b"")
    recording.add("GET", "/ws", status=101, answer=b"")
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x"}
    with serving_simulation(captured_in(tmp_path / "data", recording.exchanges)) as (server, client):
        for path, text in (("/a", "a"), ("/b", "b")):
            answer = client.get(path)
            assert (answer.status_code, answer.text) == (200, text)
            assert not {"x-injected", "set-cookie", "content-type", "x-split"} & set(answer.headers)
        with socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as raw:
            raw.sendall(b"GET /%1b[31m/\xff?q=\xff HTTP/1.0\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 ")
        assert client.get("/status").json()["nearest"][0]["why"] == "its status, 12, cannot be sent"
        assert client.get("/ws", headers=upgrade).status_code == 501
        assert client.get("/" + "x" * 20_000).status_code == 501
        assert server.end()[0]["failures"] == 0


def ranges(client: httpx.Client) -> None:
    part = client.get("/letters", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "cde", "bytes 2-4/10")
    assert client.get("/letters", headers={"Range": "bytes=0-1,4-5"}).text == "abcdefghij"
    beyond = client.get("/letters", headers={"Range": "bytes=10-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10")
    assert client.get("/letters", headers={"Range": "bytes=2-4", "If-Range": '"v1"'}).status_code == 206
    assert client.get("/letters", headers={"Range": "bytes=2-4", "If-Range": '"v0"'}).status_code == 200
    end = client.get("/long", headers={"Range": "bytes=-5"})
    assert (end.status_code, end.content) == (206, LONG[-5:])
    assert client.get("/zipped", headers={"Range": "bytes=0-4", "Accept-Encoding": "gzip"}).text == "plain"


def conditions(client: httpx.Client) -> None:
    for condition in ({"If-None-Match": 'W/"v1", "x"'}, {"If-Modified-Since": "Sat, 22 Nov 2025 08:00:00 GMT"}):
        same = client.get("/letters", headers=condition)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"v1"')
    for condition in (
        {"If-None-Match": '"v0"', "If-Modified-Since": "Sat, 22 Nov 2025 08:00:00 GMT"},
        {"If-Modified-Since": "Sat, 22 Nov 2025 07:59:59 GMT"},
        {"If-Modified-Since": "nonsense"},
    ):
        assert client.get("/letters", headers=condition).status_code == 200


def codings(client: httpx.Client) -> None:
    for path, text in (("/zipped", "plain " * 100), ("/kept", "kept " * 100)):
        coded = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert (coded.text, coded.headers["content-encoding"]) == (text, "gzip")
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        assert (plain.text, "content-encoding" in plain.headers) == (text, False)
        assert client.head(path, headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"


def test_every_url_is_a_timegate(tmp_path: Path) -> None:
    data = captured_in(tmp_path / "data", traffic().exchanges)
    with serving_simulation(data) as (server, client):
        now = client.get("/letters")
        assert (now.text, now.headers.get_list("vary")) == ("klmno", ["Accept-Encoding", "accept-datetime"])
        # The second that a date names is meant to its end, in which the last of them was captured.
        for date, text in (("08:26:39", "abcdefghij"), ("08:26:40", "klmno"), ("09:00:00", "klmno")):
            then = client.get("/letters", headers={"Accept-Datetime": f"Sat, 22 Nov 2025 {date} GMT"})
            assert (then.text, then.headers["memento-datetime"]) == (text, "Sat, 22 Nov 2025 08:26:40 GMT")
        malformed = client.get("/letters", headers={"Accept-Datetime": "yesterday"})
        assert (malformed.status_code, malformed.json()["status"]) == (400, 400)
        assert server.end()[0]["misses"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--at", "2999-01-01"], 2, "lies in the future"),
        (["--at", "2020-01-01"], 2, "the first exchange is of 2025-11-22T08:26:40.000000Z"),
        (["--listen", "nonsense"], 2, "--listen: 'nonsense' is not HOST:PORT"),
        (["--latency", "slow"], 2, "--latency: 'slow' is not a latency"),
        (["--latency", "nan"], 2, "--latency: 'nan' is not a latency"),
        (["--sequence", "some"], 2, "Write writes, all, none."),
        (["--ignore-json", "nonsense"], 2, "--ignore-json:"),
        (["--to", "nobody"], 9, "Captured are: orders."),
    ],
)
def test_what_makes_no_sense_is_said(
    tmp_path: Path, capfdbinary: Any, arguments: list[str], code: int, sentence: str
) -> None:
    data = captured_in(tmp_path / "data", traffic().exchanges)
    given = arguments if "--to" in arguments else ["--to", "orders", *arguments]
    ran = run_cli(capfdbinary, "simulate", "--data", data, *given)
    assert (ran.code, ran.out) == (code, "")
    assert sentence in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_taken_port_is_exit_code_8(tmp_path: Path, capfdbinary: Any) -> None:
    data = captured_in(tmp_path / "data", traffic().exchanges)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = run_cli(capfdbinary, "simulate", "--data", data, "--to", "orders", "--listen", address)
    assert (ran.code, ran.err.startswith(f"Error: Cannot listen on {address}: it is taken.")) == (8, True)


def asked(app: SimulationApp, path: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://orders.internal") as client:
            return await client.get(path)

    return asyncio.run(send())


def test_the_recorded_latency_is_waited_for(tmp_path: Path) -> None:
    recording = traffic()
    recording.exchanges[0].waiting_us = 400_000
    with simulated(tmp_path, recording.exchanges, at=START) as asking:
        began = monotonic()
        assert asked(SimulationApp(asking.simulation, Counts(), latency=0.5), "/letters").text == "abcdefghij"
        assert monotonic() - began >= 0.2
        assert asked(SimulationApp(asking.simulation, Counts()), "/nothing").status_code == 501


def test_while_the_vault_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counts()
    with simulated(tmp_path, traffic().exchanges) as asking:

        def away(*_: object) -> None:
            raise VaultUnavailable("The vault does not answer.")

        monkeypatch.setattr(asking.simulation.archive, "body", away)
        answer = asked(SimulationApp(asking.simulation, counts), "/letters")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (counts.hits, counts.to_json()["failures"], counts.misses) == (0, 1, [])
