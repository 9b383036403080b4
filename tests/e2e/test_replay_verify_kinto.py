"""After a replay into an empty Kinto: is everything back? And if somebody meddles behind its back, is that noticed?"""

import time
from pathlib import Path

import httpx

from entrepot_replay.credentials import Credentials, CredentialSource
from entrepot_replay.options import RunOptions
from entrepot_replay.verify import Verifier
from entrepot_store.catalog.replay_checks import CheckCounts, CheckResult
from tests.e2e.test_replay_kinto import AUTHORIZATION, Traffic, kinto
from tests.support.replaying import replaying

HEADERS = {"Authorization": AUTHORIZATION, "Accept-Encoding": "identity"}


def recorded(url: str, client: httpx.Client) -> Traffic:
    """Ids that clients choose and ids that Kinto makes, a validator, a batch, a deletion; lists and single reads."""
    traffic = Traffic(url, client)
    traffic.recording.start = time.time_ns() // 1000 - 3600 * 1_000_000
    people, themes = "/buckets/shop/collections/people", "/buckets/shop/collections/themes"
    for path in ("/buckets/shop", people, themes):
        traffic.send("PUT", path)
    traffic.send("GET", f"{people}/records")  # empty then
    made = {}
    for name in ("ann", "bob", "eve"):
        made[name] = traffic.send("POST", f"{people}/records", {"data": {"name": name}}).json()["data"]
    ann, bob, eve = (f"{people}/records/{made[name]['id']}" for name in made)
    traffic.send("GET", ann)
    traffic.send("PATCH", ann, {"data": {"knows": made["bob"]["id"]}}, If_Match=f'"{made["ann"]["last_modified"]}"')
    part = {"method": "PATCH", "path": f"/v1{eve}", "body": {"data": {"age": 41}}}
    traffic.send("POST", "/batch", {"requests": [part]})
    for number in range(6):
        traffic.send("PUT", f"{themes}/records/t{number}", {"data": {"dark": True, "size": number}})
    traffic.send("DELETE", f"{themes}/records/t5")
    traffic.send("GET", f"{themes}/records")
    traffic.send("GET", f"{themes}/records?_limit=2")
    traffic.send("GET", bob)
    return traffic


def test_what_is_back_and_what_is_not(tmp_path: Path) -> None:
    with kinto() as url, httpx.Client(base_url=f"{url}/v1", headers=HEADERS) as client:
        traffic = recorded(url, client)
    (tmp_path / "secret").write_text(AUTHORIZATION)
    credentials = Credentials([CredentialSource.parse(f"authorization=file:{tmp_path / 'secret'}")])
    themes = "/v1/buckets/shop/collections/themes/records"
    with (
        kinto() as url,
        httpx.Client(base_url=url, headers=HEADERS) as client,
        replaying(tmp_path, traffic.recording.exchanges) as bench,
    ):
        row = bench.plan(url, allow_delete=True)
        bench.run(row.id, RunOptions(concurrency=2), credentials)
        store, verifier = bench.replays.store, Verifier(bench.archive, bench.replays)

        def verified() -> CheckCounts:
            verifier.prepare(store.get(row.id), RunOptions(concurrency=2), credentials).run()
            found = store.verification(row.id)
            assert found is not None
            assert found.complete
            return found.counts

        def those(result: CheckResult) -> dict[str, str]:
            return {f"{one.path}{one.place}": one.reason for one in store.checks(row.id, results=[result]).items}

        counts = verified()
        not_back = [one for one in store.checks(row.id).items if one.result is not CheckResult.RESTORED]
        assert not_back == []
        # A bucket, two collections and their lists, three people, six themes of which one is gone, a page of two.
        assert counts == CheckCounts(restored=1 + 2 + 2 + 3 + 6 + 1)

        client.delete(f"{themes}/t1").raise_for_status()
        client.patch(f"{themes}/t2", json={"data": {"dark": False}}).raise_for_status()
        client.put(f"{themes}/t9", json={"data": {"dark": True, "size": 1}}).raise_for_status()
        counts = verified()
        assert set(those(CheckResult.MISSING)) == {f"{themes}/t1"}
        assert set(those(CheckResult.DIFFERS)) == {f"{themes}/t2", themes, f"{themes}?_limit=2"}
        assert list(those(CheckResult.EXTRA).values()) == ["item t9 is in the list and was not"]
        assert those(CheckResult.UNKNOWN) == {}
        [changed] = [one for one in store.checks(row.id).items if one.path == f"{themes}/t2"]
        assert [(one.where, one.recorded, one.live) for one in changed.differences if one.decisive] == [
            ("$.data.dark", "true", "false")
        ]
        client.put(f"{themes}/t5", json={"data": {"dark": True}}).raise_for_status()
        verified()
        assert f"{themes}/t5" in those(CheckResult.EXTRA)
