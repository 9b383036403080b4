"""Documents of a real Kinto come back to what they were at a moment, in each mode, and a second run touches nothing."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrepot_replay.credentials import Credentials, CredentialSource
from entrepot_replay.restore.decide import Modes
from entrepot_replay.restore.readback import Came
from tests.e2e.test_replay_kinto import AUTHORIZATION, Traffic, by_content, holds, kinto
from tests.support.replaying import replaying
from tests.support.restoring import Restoring

RECORDS = "/buckets/shop/collections/preferences/records"
HEADERS = {"Authorization": AUTHORIZATION, "Accept-Encoding": "identity"}


def fill(traffic: Traffic) -> int:
    """Ten records, three of them changed; then the moment that is returned; then more changes."""
    traffic.send("PUT", "/buckets/shop")
    traffic.send("PUT", "/buckets/shop/collections/preferences", {"data": {"sort": "name"}})
    for number in range(10):
        traffic.send("PUT", f"{RECORDS}/c{number}", {"data": {"theme": "dark", "size": number, "nested": {"a": [1]}}})
    for number in range(3):
        traffic.send("PATCH", f"{RECORDS}/c{number}", {"data": {"theme": "light"}})
    traffic.send("GET", f"{RECORDS}/c4")
    at = traffic.recording.exchanges[-1].started_at + 50_000
    traffic.send("PATCH", f"{RECORDS}/c1", {"data": {"theme": "later"}})
    traffic.send("PUT", f"{RECORDS}/newer", {"data": {"theme": "newer"}})
    traffic.send("DELETE", f"{RECORDS}/c9")
    return at


def damage(client: httpx.Client) -> None:
    for number in (0, 5):
        client.delete(f"{RECORDS}/c{number}").raise_for_status()
    client.put(f"{RECORDS}/c6", json={"data": {"theme": "broken"}}).raise_for_status()


def credentials(tmp_path: Path) -> Credentials:
    (tmp_path / "secret").write_text(AUTHORIZATION)
    return Credentials([CredentialSource.parse(f"authorization=file:{tmp_path / 'secret'}")])


def data(client: httpx.Client) -> dict[str, Any]:
    return {path: content["data"] for path, content in holds(client).items()}


def test_each_mode_does_what_it_says_and_a_second_run_nothing(tmp_path: Path) -> None:
    with kinto() as url, httpx.Client(base_url=f"{url}/v1", headers=HEADERS) as client:
        traffic = Traffic(url, client)
        at = fill(traffic)
        damage(client)
        damaged = data(client)
        with replaying(tmp_path, traffic.recording.exchanges) as bench:
            restoring = Restoring(bench, url, at, credentials(tmp_path))
            with pytest.raises(Exception, match="captured from"):
                restoring.plan()

            def restore(modes: Modes) -> Counter[Came]:
                row = restoring.plan(modes=modes, allow_captured_host=True)
                assert data(client) == before, "a plan writes nothing"
                return restoring.run(row).counts

            # Missing are c0 and c5, and c9, which was deleted later.
            before = damaged
            counts = restore(Modes())
            assert counts == {Came.RESTORED: 3, Came.UNTOUCHED: 12 - 5, Came.LEFT_ALONE: 3}
            after = data(client)
            assert {path: one for path, one in after.items() if path in damaged} == damaged
            assert after[f"{RECORDS}/c0"] == {"id": "c0", "theme": "light", "size": 0, "nested": {"a": [1]}}
            assert set(after) - set(damaged) == {f"{RECORDS}/c{number}" for number in (0, 5, 9)}

            # Other than they were are c1 and c6.
            before = after
            counts = restore(Modes(update_existing=True))
            assert counts == {Came.RESTORED: 2, Came.UNTOUCHED: 10, Came.LEFT_ALONE: 1}
            after = data(client)
            assert after[f"{RECORDS}/c1"] == {"id": "c1", "theme": "light", "size": 1, "nested": {"a": [1]}}
            assert after[f"{RECORDS}/c6"] == {"id": "c6", "theme": "dark", "size": 6, "nested": {"a": [1]}}
            assert f"{RECORDS}/newer" in after

            before = after
            everything = Modes(update_existing=True, delete_newer=True)
            assert restore(everything) == {Came.REMOVED: 1, Came.UNTOUCHED: 12}
            before = data(client)
            assert set(after) - set(before) == {f"{RECORDS}/newer"}

            stamps = client.get(RECORDS).headers["etag"]
            row = restoring.plan(modes=everything, allow_captured_host=True)
            assert row.plan["steps"] == 0
            assert restoring.run(row).counts == {Came.UNTOUCHED: 13}
            assert restoring.run(row).exit_code == 0
            assert client.get(RECORDS).headers["etag"] == stamps


def test_what_was_changed_after_the_plan_is_not_overwritten(tmp_path: Path) -> None:
    with kinto() as url, httpx.Client(base_url=f"{url}/v1", headers=HEADERS) as client:
        traffic = Traffic(url, client)
        at = fill(traffic)
        damage(client)
        with replaying(tmp_path, traffic.recording.exchanges) as bench:
            restoring = Restoring(bench, url, at, credentials(tmp_path))
            row = restoring.plan(modes=Modes(update_existing=True), allow_captured_host=True)
            client.put(f"{RECORDS}/c0", json={"data": {"theme": "mine"}}).raise_for_status()
            client.put(f"{RECORDS}/c6", json={"data": {"theme": "mine"}}).raise_for_status()
            result = restoring.run(row)
            assert result.exit_code == 20
            assert result.counts[Came.DIFFERS] == 2
            assert all("since the plan" in told.why for told in result.documents if told.came is Came.DIFFERS)
            after = data(client)
            assert [after[f"{RECORDS}/c{number}"]["theme"] for number in (0, 6)] == ["mine", "mine"]
            assert after[f"{RECORDS}/c5"]["theme"] == "dark"


def test_an_empty_kinto_gives_new_ids_and_is_known_by_them_the_next_time(tmp_path: Path) -> None:
    people, orders = "/buckets/shop/collections/people", "/buckets/shop/collections/orders"
    with kinto() as url, httpx.Client(base_url=f"{url}/v1", headers=HEADERS) as client:
        traffic = Traffic(url, client)
        for path in ("/buckets/shop", people, orders):
            traffic.send("POST", path.rpartition("/")[0], {"data": {"id": path.rpartition("/")[2]}})
        ann = traffic.send("POST", f"{people}/records", {"data": {"name": "ann"}}).json()["data"]["id"]
        bob = traffic.send("POST", f"{people}/records", {"data": {"name": "bob", "knows": ann}}).json()["data"]["id"]
        traffic.send("POST", f"{orders}/records", {"data": {"name": "o1", "buyer": bob, "link": f"/p/{ann}"}})
        traffic.send("PATCH", f"{people}/records/{ann}", {"data": {"age": 7}})
        before = holds(client)
    at = int(time.time() * 1_000_000) + 10_000_000
    with (
        kinto() as url,
        httpx.Client(base_url=f"{url}/v1", headers=HEADERS) as client,
        replaying(tmp_path, traffic.recording.exchanges) as bench,
    ):
        restoring = Restoring(bench, url, at, credentials(tmp_path))
        alone = restoring.plan(f"/v1{people}/records/{bob}")
        depends = [one["text"] for one in alone.plan["warnings"] if one["kind"] == "depends"]
        assert any(ann in text.partition("depends on")[2] for text in depends), alone.plan["warnings"]
        assert holds(client) == {}
        result = restoring.run(restoring.plan())
        assert (result.exit_code, result.counts) == (0, {Came.RESTORED: 6}), result.documents
        assert by_content(holds(client)) == by_content(before)
        assert ann not in str(holds(client))
        row = restoring.plan()
        assert row.plan["steps"] == 0
        assert restoring.run(row).counts == {Came.UNTOUCHED: 6}
        # Lost once more: what was known of its id does not count any more.
        (order,) = (told for told in result.documents if f"{orders}/records/" in told.path)
        client.delete(f"{orders}/records/{order.live[-36:]}").raise_for_status()
        again = restoring.run(restoring.plan())
        assert again.counts == {Came.UNTOUCHED: 5, Came.RESTORED: 1}, again.documents
        assert by_content(holds(client)) == by_content(before)
