"""Replays over HTTP: a real API in a process of its own, a real target; what it may do and what it may not."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrepot_api.tokens import create_token
from entrepot_store.clock import SystemClock
from entrepot_store.redact import reference_for
from tests.support.captured import START, Recording
from tests.support.faces import RunningApi, api_log, running_api, serving, stored, wait_for_state
from tests.support.replay_target import ReplayTarget, Seen, answer

SECRET = reference_for(bytes(32), "authorization", b"x")


def writes(
    number: int, headers: tuple[tuple[bytes, bytes], ...] = (), *, destination: str = "orders", start: int = START
) -> Recording:
    recording = Recording(destination, start=start)
    for index in range(number):
        recording.add("POST", f"/v1/items/{index}", b'{"n": %d}' % index, headers=headers)
    return recording


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """One for all tests that do not end it: `orders` got 400 writes, `few` 5, `closed` 2 that carry a secret."""
    few = writes(5, destination="few", start=START + 3_600_000_000)
    closed = writes(2, ((b"Authorization", b"Bearer " + SECRET),), destination="closed", start=START + 7_200_000_000)
    exchanges = [*writes(400).exchanges, *few.exchanges, *closed.exchanges]
    with stored(tmp_path_factory.mktemp("api") / "data", exchanges) as found, running_api(found) as running:
        yield running


@pytest.fixture
def client(api: RunningApi) -> Iterator[httpx.Client]:
    _, token = create_token(api.stored.archive.catalog, SystemClock(), name="operator", scopes=("read", "replay"))
    with api.client(token) as client:
        yield client


def made(client: httpx.Client, target: str, to: str = "orders", **more: Any) -> dict[str, Any]:
    response = client.post("/v1/replays", json={"to": to, "target": target, **more})
    assert response.status_code == 201, response.text
    replay: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/v1/replays/{replay['id']}"
    return replay


def when(client: httpx.Client, replay: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        view: dict[str, Any] = client.get(f"/v1/replays/{replay}").json()
        if condition(view):
            return view
        assert time.monotonic() < deadline, view
        time.sleep(0.02)


def ended(view: dict[str, Any]) -> bool:
    return view["state"] not in ("planned", "running")


def refused(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


def test_from_plan_to_report(client: httpx.Client) -> None:
    def answerer(seen: Seen) -> bytes:
        return answer(409 if seen.path.endswith("/2") else 200)

    with ReplayTarget(answerer) as target:
        replay = made(client, target.url, "few")
        assert (replay["state"], replay["plan"]["steps"], replay["counts"]["pending"]) == ("planned", 5, 5)
        assert target.seen == []
        started = client.post(f"/v1/replays/{replay['id']}/start")
        assert started.status_code == 202
        view = when(client, replay["id"], ended)
        assert (view["state"], view["counts"]["identical"], view["counts"]["failed"]) == ("finished", 4, 1)
        report = client.get(f"/v1/replays/{replay['id']}/report").json()
        assert report["exit_code"] == 21
        assert [step["seq"] for step in report["not_identical"]] == [2]
        failed = client.get(f"/v1/replays/{replay['id']}/steps", params={"verdict": "failed"}).json()["items"]
        assert [(step["path"], step["live_status"]) for step in failed] == [("/v1/items/2", 409)]
        steps = f"/v1/replays/{replay['id']}/steps"
        assert len(client.get(steps, params={"state": ["done", "skipped"]}).json()["items"]) == 5
        assert client.get(steps, params={"state": "pending"}).json()["items"] == []
        assert client.get("/v1/replays", params={"limit": 1}).json()["items"][0]["id"] == replay["id"]


def test_steps_are_paged(client: httpx.Client) -> None:
    replay = made(client, "http://127.0.0.1:1", "few")
    paths, url = [], f"/v1/replays/{replay['id']}/steps?limit=2"
    while url:
        page = client.get(url)
        paths += [step["path"] for step in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else ""
    assert paths == [f"/v1/items/{index}" for index in range(5)]


def test_events_tell_of_a_whole_run(client: httpx.Client) -> None:
    with ReplayTarget() as target:
        replay = made(client, target.url, "few", rate=5)
        events: list[tuple[str, dict[str, Any]]] = []
        with client.stream("GET", f"/v1/replays/{replay['id']}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            kind = ""
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    events.append((kind, json.loads(line.removeprefix("data: "))))
                    if len(events) == 1:
                        assert client.post(f"/v1/replays/{replay['id']}/start").status_code == 202
        assert events[0][1]["state"] == "planned"
        assert [kind for kind, _ in events[:-1]] == ["progress"] * (len(events) - 1)
        assert (events[-1][0], events[-1][1]["state"], events[-1][1]["counts"]["identical"]) == ("end", "finished", 5)


def test_pausing_resuming_and_cancelling(client: httpx.Client) -> None:
    with ReplayTarget() as target:
        replay = made(client, target.url, rate=50)["id"]
        assert "is not running" in refused(client.post(f"/v1/replays/{replay}/pause"), 400)
        client.post(f"/v1/replays/{replay}/start")
        when(client, replay, lambda view: view["counts"]["identical"] >= 3)
        assert "another process" in refused(client.post(f"/v1/replays/{replay}/start"), 409)
        assert client.post(f"/v1/replays/{replay}/pause").status_code == 202
        paused = when(client, replay, ended)
        assert paused["state"] == "paused"
        assert client.post(f"/v1/replays/{replay}/resume").status_code == 202
        when(client, replay, lambda view: view["counts"]["identical"] > paused["counts"]["identical"])
        assert client.post(f"/v1/replays/{replay}/cancel").status_code == 202
        cancelled = when(client, replay, ended)
        assert (cancelled["state"], cancelled["counts"]["sending"]) == ("cancelled", 0)
        assert len(target.seen) == cancelled["counts"]["identical"]
        assert "was cancelled" in refused(client.post(f"/v1/replays/{replay}/resume"), 400)


def test_a_killed_api_leaves_an_interrupted_replay_that_the_next_one_resumes(tmp_path: Path) -> None:
    with ReplayTarget() as target, stored(tmp_path / "data", writes(60).exchanges) as found:
        _, token = create_token(found.archive.catalog, SystemClock(), name="operator", scopes=("replay", "read"))
        with running_api(found) as api, api.client(token) as client:
            replay = made(client, target.url, rate=60)["id"]
            client.post(f"/v1/replays/{replay}/start")
            when(client, replay, lambda view: view["counts"]["identical"] >= 5)
            api.process.kill()
            api.process.wait()
        with running_api(found) as api, api.client(token) as client:
            view = client.get(f"/v1/replays/{replay}").json()
            assert view["state"] == "interrupted"
            assert client.post(f"/v1/replays/{replay}/resume", json={"rate": 1000}).status_code == 202
            view = when(client, replay, ended)
            assert view["state"] == "finished"
            assert view["counts"]["identical"] + view["counts"]["unknown"] == 60
            assert view["counts"]["unknown"] <= 1
        assert len({seen.path for seen in target.seen}) == len(target.seen)


def test_an_api_that_is_stopped_in_good_order_leaves_nothing_unknown(tmp_path: Path) -> None:
    with ReplayTarget() as target, stored(tmp_path / "data", writes(60).exchanges) as found:
        _, token = create_token(found.archive.catalog, SystemClock(), name="operator", scopes=("replay", "read"))
        with running_api(found) as api, api.client(token) as client:
            replay = made(client, target.url, rate=60)["id"]
            client.post(f"/v1/replays/{replay}/start")
            when(client, replay, lambda view: view["counts"]["identical"] >= 5)
            api.process.terminate()
            assert api.process.wait(30) == 0
        with running_api(found) as api, api.client(token) as client:
            view = client.get(f"/v1/replays/{replay}").json()
            assert (view["state"], view["counts"]["sending"]) == ("interrupted", 0)
            assert view["reason"] == "the process that ran it was stopped"
            client.post(f"/v1/replays/{replay}/resume", json={"rate": 1000})
            assert when(client, replay, ended)["counts"]["identical"] == 60
        assert len(target.seen) == 60


def test_what_cannot_be_started_says_why(client: httpx.Client) -> None:
    with ReplayTarget() as target:
        replay = made(client, target.url, "closed")["id"]
        assert "authorization:" in refused(client.post(f"/v1/replays/{replay}/start"), 400)
        without = {"without_credentials": True}
        gone = made(client, "http://127.0.0.1:1", "closed")["id"]
        assert "takes no connections" in refused(client.post(f"/v1/replays/{gone}/start", json=without), 502)
        nobody = "01890000-0000-7000-8000-000000000000"
        for method, path in (
            ("POST", "start"),
            ("POST", "pause"),
            ("GET", "steps"),
            ("GET", "events"),
            ("GET", "report"),
        ):
            assert nobody in refused(client.request(method, f"/v1/replays/{nobody}/{path}"), 404)
        assert target.seen == []


@pytest.mark.parametrize(
    "source",
    [
        "file:/etc/hostname",
        "cmd:id",
        "env:PATH",
        "env:ENTREPOT_REDACTION_KEY",
        "env:",
        "s3cret",
        " env:ENTREPOT_CREDENTIAL_X",
    ],
)
def test_a_token_may_not_read_files_variables_or_run_commands(client: httpx.Client, source: str) -> None:
    with ReplayTarget() as target:
        replay = made(client, target.url, "closed")["id"]
        words = refused(
            client.post(f"/v1/replays/{replay}/start", json={"credentials": {"authorization": source}}), 400
        )
        assert "ENTREPOT_CREDENTIAL_" in words
        assert target.seen == []


def test_a_secret_set_aside_for_replays_is_used_and_shown_nowhere(tmp_path: Path) -> None:
    recording = writes(1, ((b"Authorization", b"Bearer " + SECRET),))
    with ReplayTarget() as target, stored(tmp_path / "data", recording.exchanges) as found:
        _, token = create_token(found.archive.catalog, SystemClock(), name="operator", scopes=("replay", "read"))
        with serving(found.settings.data, ENTREPOT_CREDENTIAL_ORDERS="s3cret-value") as process:
            url = wait_for_state(found.settings.data, process)["listen"]
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
                replay = made(client, target.url)["id"]
                given = {"credentials": {"authorization": "env:ENTREPOT_CREDENTIAL_ORDERS"}}
                shown = client.post(f"/v1/replays/{replay}/start", json=given).text
                when(client, replay, ended)
                shown += client.get(f"/v1/replays/{replay}/report").text
                shown += client.get(f"/v1/replays/{replay}/steps").text
        assert target.seen[0].header(b"authorization") == b"Bearer s3cret-value"
        assert "s3cret-value" not in shown
        assert "s3cret-value" not in api_log(found.settings.data).read_text()
        for file in (tmp_path / "data").rglob("*"):
            assert not file.is_file() or b"s3cret-value" not in file.read_bytes(), file


def test_reading_tokens_look_and_do_not_touch(api: RunningApi, client: httpx.Client) -> None:
    replay = made(client, "http://127.0.0.1:1")["id"]
    with api.client() as reader:
        assert reader.get(f"/v1/replays/{replay}").status_code == 200
        for path in ("start", "pause", "resume", "cancel"):
            assert "lacks the scope replay" in refused(reader.post(f"/v1/replays/{replay}/{path}"), 403)
        plan = {"to": "orders", "target": "http://127.0.0.1:1"}
        assert "lacks the scope replay" in refused(reader.post("/v1/replays", json=plan), 403)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"to": "orders"}, 422),
        ({"to": "orders", "target": "ftp://x"}, 400),
        ({"to": "nobody", "target": "http://127.0.0.1:1"}, 404),
        ({"to": "orders", "target": "http://orders.internal"}, 400),
        ({"to": "orders", "target": "http://127.0.0.1:1", "rate": 0}, 422),
        ({"to": "orders", "target": "http://127.0.0.1:1", "since": "yesterday"}, 400),
        ({"to": "orders", "target": "http://127.0.0.1:1", "status": ["abc"]}, 400),
        ({"to": "orders", "target": "http://127.0.0.1:1", "allow_deletes": True}, 422),
    ],
)
def test_plans_that_make_no_sense_are_refused(client: httpx.Client, body: dict[str, Any], status: int) -> None:
    before = client.get("/v1/replays").json()
    refused(client.post("/v1/replays", json=body), status)
    assert client.get("/v1/replays").json() == before


def test_two_starts_at_once_are_one_run(api: RunningApi, client: httpx.Client) -> None:
    with ReplayTarget() as target:
        replay = made(client, target.url)["id"]
        statuses: list[int] = []

        def start() -> None:
            statuses.append(
                httpx.post(f"{api.url}/v1/replays/{replay}/start", headers=client.headers, timeout=30).status_code
            )

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        when(client, replay, ended)
        assert 202 in statuses
        assert set(statuses) <= {202, 409}
        assert len(target.seen) == 400
