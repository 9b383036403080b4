"""What was expunged keeps its place in the history of its document: every face says that it was erased, and when, and
no one shows what had been there before instead.
"""

import shutil
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from entrepot_store.archive import Archive
from entrepot_store.catalog.documents import DocumentFilter, Effect
from entrepot_store.checkout import checkout
from entrepot_store.clock import FixedClock, to_rfc3339
from entrepot_store.config import Settings
from entrepot_store.documents import Recipe
from entrepot_store.documents.reindex import reindex
from entrepot_store.expunge import expunge
from entrepot_store.expunge.select import Sides, select
from entrepot_store.retention import standing
from entrepot_store.ship import rebuild_catalog
from tests.support.faces import Stored, run_cli, running_api
from tests.support.retained import DAY, FAR, LONG, START, Store, rule, same

ERASED_AT = to_rfc3339(FAR)
PATH = "/v1/customers/7"


def body(number: int) -> bytes:
    return b'{"n": %d, "pad": "%s"}' % (number, LONG)


def erase(store: Store, sides: Sides) -> None:
    upkeep = store.folder / "upkeep"
    expunge(store.vault, store.catalog, upkeep, sides, by="ann", reason="asked", clock=FixedClock(FAR))


def history(store: Store, key: str = PATH) -> list[tuple[float, str]]:
    found = store.catalog.documents.iterate_versions(store.document(key).id)
    return [(round((version.at - START) / DAY, 2), version.effect.value) for version in found]


def filled(folder: Path, url: str = "") -> Store:
    """Four versions of a document, each read again; the second and third are erased."""
    store = Store(folder, url)
    erased = []
    for day in range(4):
        found = [store.add("PUT", PATH, day, body(day)), store.add("GET", PATH, day + 0.5, body(day))]
        erased += found if day in (1, 2) else []
    store.add("PUT", "/v1/other", 1, body(9))
    store.ship()
    erase(store, select(store.catalog, exchanges=[exchange.id for exchange in erased]))
    return store


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_the_history_keeps_its_place_through_rebuild_and_reindex(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    store = filled(tmp_path, "" if database == "sqlite" else request.getfixturevalue("postgres_url"))
    expected = [(0, "content"), (1, "erased"), (3, "content")]
    assert history(store) == expected
    document = store.document(PATH).id
    version = store.catalog.documents.version_at(document, START + round(2.7 * DAY))
    assert version is not None
    assert (version.erased_at, version.size, version.media_type) == (FAR, 0, "")
    assert version.digest not in [found.request.body and found.request.body.data for found in store.exchanges]
    other = store.rebuilt(lambda found: found.request.path == PATH.encode())
    assert same(other, store.catalog)
    other.close()
    before = store.catalog.fingerprint()
    rules = [{"name": "settings", "action": "protect", "class": "settings"}]
    reindex(Archive(store.vault, store.catalog), Settings.model_validate({"data": store.folder, "rule": rules}))
    assert {name: store.catalog.fingerprint()[name] for name in ("documents", "looks", "fields")} == {
        name: before[name] for name in ("documents", "looks", "fields")
    }
    rebuild_catalog(store.vault, store.catalog)
    assert history(store) == expected
    assert select(store.catalog, documents=[document]).keys() == {
        found.id for found in store.exchanges[:8] if found not in store.exchanges[2:6]
    }, "what is erased is not erased again"
    store.catalog.close()


def test_what_was_never_told_and_what_was_deleted_stay_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add("PUT", PATH, 0, body(0))
    cut = store.add("GET", PATH, 1, body(1))
    assert cut.response is not None
    cut.response.body.truncated = True
    gone = store.add("DELETE", PATH, 2, status=204)
    store.add("PUT", "/v1/b", 1, body(2))
    patch = store.add("PATCH", "/v1/b", 2, b'{"n": 3}', status=204, media_type=b"application/merge-patch+json")
    named = store.add("GET", "/v1/c", 1, body(4), rule="journal")
    store.ship()
    erase(store, {found.id: (True, True) for found in (cut, gone, patch, named)})
    assert history(store) == [(0, "content"), (2, "tombstone")], "half a payload was no version, and is none now"
    assert history(store, "/v1/b") == [(1, "content"), (2, "erased")]
    other = store.rebuilt(lambda found: found.id in {cut.id, gone.id, patch.id, named.id})
    assert same(other, store.catalog)
    other.close()
    store.catalog.close()


def test_one_side_goes_and_the_version_of_the_other_stays(tmp_path: Path) -> None:
    """A secret in the answer to a write takes nothing from the document; nor does the index lose what stays."""
    store = Store(tmp_path)
    store.recipes = {"settings": Recipe(index=(("customer", "$.customer"),))}
    put = store.add("PUT", PATH, 0, b'{"customer": "stays", "pad": "%s"}' % LONG)
    assert put.response is not None
    put.response.body.data = b'{"token": "Erika-Mustermann", "customer": "goes"}'
    put.response.body.size = len(put.response.body.data)
    put.response.headers = ((b"Content-Type", b"application/json"),)
    store.add("PUT", PATH, 1, body(1))
    store.ship()
    erase(store, {put.id: (False, True)})
    assert history(store) == [(0, "content"), (1, "content")]
    other = store.rebuilt(lambda found: found is put)
    assert same(other, store.catalog)
    other.close()
    erase(store, {put.id: (True, False)})
    assert history(store) == [(0, "erased"), (1, "content")]
    other = store.rebuilt(lambda found: found is put)
    assert same(other, store.catalog)
    other.close()
    store.catalog.close()


def test_an_id_that_was_erased_names_no_document(tmp_path: Path) -> None:
    store = Store(tmp_path)
    posted = []
    for number in range(2):
        found = store.add("POST", "/v1/customers", number, body(number), status=201)
        assert found.response is not None
        found.response.body.data = b'{"id": "erika-%d"}' % number
        found.response.body.size = len(found.response.body.data)
        found.response.headers = ((b"Content-Type", b"application/json"),)
        posted.append(found)
    placed = store.add("POST", "/v1/customers", 3, body(3), status=201)
    assert placed.response is not None
    placed.response.headers = ((b"Location", b"/v1/customers/9"),)
    form = [
        store.add("POST", "/v1/forms", day, b"a=%d&pad=%s" % (day, LONG), media_type=b"text/plain") for day in (4, 5)
    ]
    store.ship()
    erase(store, {found.id: (True, True) for found in (posted[0], placed, form[0])})
    keys = [row.key for row in store.catalog.documents.iterate(DocumentFilter())]
    assert keys == ["/v1/customers/9", "/v1/customers/erika-1", "POST /v1/forms"]
    assert history(store, "/v1/customers/9") == [(3, "erased")]
    assert history(store, "POST /v1/forms") == [(4, "erased"), (5, "content")]
    assert b"erika-0" not in (tmp_path / "catalog.sqlite").read_bytes()
    other = store.rebuilt(lambda found: found in (posted[0], placed, form[0]))
    assert same(other, store.catalog)
    other.close()
    store.catalog.close()


def test_a_prune_takes_no_version_in_the_place_of_an_erased_one(tmp_path: Path) -> None:
    store = filled(tmp_path)
    clock = FixedClock(FAR)
    second = store.catalog.documents.version_at(store.document(PATH).id, START + DAY)
    assert second is not None
    store.prune([rule("settings", keep={"last": 2})])
    assert history(store) == [(0, "content"), (1, "erased"), (3, "content")], "counts pass over what was erased"
    pin = standing.pin(store.vault, store.catalog.retention, clock, second.document, version=second.id, by="ann")
    store.prune([rule("settings", keep={"last": 1})])
    assert history(store) == [(1, "erased"), (3, "content")], "one may pin that something was there"
    standing.unpin(store.vault, store.catalog.retention, clock, pin.id, by="ann")
    store.prune([rule("settings", keep={"last": 1})])
    assert history(store) == [(3, "content")]
    other = store.rebuilt(lambda found: found.request.path == PATH.encode())
    assert same(other, store.catalog)
    other.close()
    store.catalog.close()


def test_the_last_version_that_is_left_stays_beside_an_erased_last_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for day in range(3):
        store.add("PUT", PATH, day, body(day))
    store.ship()
    erase(store, {store.exchanges[2].id: (True, True)})
    store.prune([rule("settings", keep={"last": 1})])
    assert history(store) == [(1, "content"), (2, "erased")]
    store.catalog.close()


def test_http_says_410_erased_and_when(tmp_path: Path) -> None:
    store = filled(tmp_path)
    document = store.document(PATH).id
    moment = to_rfc3339(START + round(1.2 * DAY))
    found = Stored(Settings(data=tmp_path), Archive(store.vault, store.catalog), tuple(store.exchanges))
    with running_api(found) as api, api.client() as client:
        check_http(client, document, moment)
    store.catalog.close()


def check_http(client: httpx.Client, document: UUID, moment: str) -> None:
    first, erased, last = client.get(f"/v1/documents/{document}/versions").json()["items"]
    assert (erased["effect"], erased["erased"], erased["digest"], erased["size"]) == ("erased", ERASED_AT, None, 0)
    assert first["erased"] is last["erased"] is None
    by_time = client.get(f"/v1/documents/{document}/content", params={"at": moment})
    by_id = client.get(f"/v1/documents/{document}/versions/{erased['id']}/content")
    for answer in (by_time, by_id):
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (410, "urn:entrepot:problem:erased")
        assert f"was erased at {ERASED_AT}" in problem["detail"]
        assert answer.headers["Memento-Datetime"] == "Sun, 23 Nov 2025 08:26:40 GMT"
    assert client.head(f"/v1/documents/{document}/content", params={"at": moment}).status_code == 410
    gate = client.get(
        f"/v1/timegate/http://orders{PATH}",
        headers={"Accept-Datetime": "Mon, 24 Nov 2025 20:00:00 GMT"},
        follow_redirects=False,
    )
    assert (gate.status_code, gate.headers["Location"]) == (302, str(by_id.url.path))
    mementos = client.get(f"/v1/timemap/http://orders{PATH}", headers={"Accept": "application/json"}).json()
    assert [entry.get("erased") for entry in mementos["mementos"]["list"]] == [None, ERASED_AT, None]
    tree = client.get("/v1/tree", params={"destination": "orders", "at": moment}).json()["items"]
    assert [item["version"]["erased"] for item in tree] == [ERASED_AT, None]
    assert client.get(f"/v1/documents/{document}/diff", params={"from": erased["id"]}).status_code == 410


def test_the_command_line_and_a_checkout_say_erased(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    store = filled(tmp_path)
    moment = to_rfc3339(START + round(1.2 * DAY))

    def cli(*arguments: str, code: int = 0) -> str:
        ran = run_cli(capfdbinary, *arguments, "--data", str(tmp_path))
        assert ran.code == code, ran
        return ran.out + ran.err

    assert f"erased at {ERASED_AT}" in cli("versions", "orders", PATH)
    assert f"was erased at {ERASED_AT}" in cli("show", "orders", PATH, "--at", moment, code=9)
    assert "erased at" in cli("tree", "--to", "orders", "--at", moment)
    said = cli("checkout", "--to", "orders", "--at", moment, str(tmp_path / "out"))
    assert "1 documents of orders" in said
    assert f"{PATH}: The version of" in said
    result = checkout(Archive(store.vault, store.catalog), "orders", START + DAY, tmp_path / "again")
    assert ([found.key for found in result.erased], result.failed, result.files) == ([PATH], (), 0 + 1)
    store.catalog.close()


def test_a_patch_of_what_was_erased_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put = store.add("PUT", PATH, 0, body(0))
    store.add("PATCH", PATH, 1, b'{"n": 3}', status=204, media_type=b"application/merge-patch+json")
    store.ship()
    erase(store, {put.id: (True, True)})
    assert history(store) == [(0, "erased"), (1, Effect.PATCH.value)]
    ran = store.catalog.documents.version_at(store.document(PATH).id, START + DAY)
    assert ran is not None
    assert isinstance(ran.id, UUID)
    result = checkout(Archive(store.vault, store.catalog), "orders", START + 2 * DAY, tmp_path / "out")
    assert "what it changed was erased at" in result.erased[0].reason
    shutil.rmtree(tmp_path / "out")
    store.catalog.close()
