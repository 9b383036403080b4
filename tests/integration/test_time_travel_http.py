"""Documents as of a moment over HTTP: a real server in a process of its own, judged by RFC 7089 and RFC 9110."""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.faces import RunningApi, running_api
from tests.support.timetravel import GONE, HOST, LOGO, PRICES, SETTINGS, at, minute, stored_hour

URL = f"http://{HOST}{SETTINGS}"
DARK, LIGHT = b'{"theme": "dark", "size": 10}', b'{"theme": "light", "size": 10}'
PATCHED = b'{"theme":"dark","size":12}'


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    found = stored_hour(tmp_path_factory.mktemp("travel") / "data")
    with running_api(found) as running:
        yield running
    found.archive.catalog.close()


@pytest.fixture
def client(api: RunningApi) -> Iterator[httpx.Client]:
    with api.client() as client:
        yield client


def document(client: httpx.Client, key: str) -> dict[str, Any]:
    (found,) = client.get("/v1/documents", params={"key_prefix": key}).json()["items"]
    return dict(found)


def below(client: httpx.Client, key: str) -> str:
    return f"/v1/documents/{document(client, key)['id']}"


def problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


def links(response: httpx.Response) -> dict[str, str]:
    """Targets of the Link header by each of their relations."""
    entries = re.findall(r'<([^>]*)>((?:; \w+="[^"]*")*)', response.headers["link"])
    return {rel: target for target, rest in entries for rel in re.findall(r'rel="([^"]*)"', rest)[0].split()}


# Documents and versions


def test_documents_and_versions_have_exactly_the_documented_fields(client: httpx.Client) -> None:
    found = document(client, SETTINGS)
    assert found == {
        **{"id": found["id"], "destination": HOST, "key": SETTINGS, "media_type": "application/json"},
        **{"rule": "default", "class": "default", "first_seen": at(1), "last_seen": at(40), "versions": 4},
        "deleted": False,
    }
    assert client.get(f"/v1/documents/{found['id']}").json() == found
    versions = client.get(f"/v1/documents/{found['id']}/versions").json()
    assert versions["next"] is None
    assert [version["from"] for version in versions["items"]] == [at(1), at(10), at(20), at(40)]
    assert [version["until"] for version in versions["items"]] == [at(10), at(20), at(40), None]
    first = versions["items"][0]
    assert first == {
        **{"id": first["id"], "from": at(1), "until": at(10), "effect": "content", "size": len(DARK)},
        **{"digest": f"sha256:{sha256(DARK).hexdigest()}", "media_type": "application/json", "malformed": False},
        **{"tombstone": False, "erased": None, "exchange": first["exchange"]},
    }
    assert client.get(f"/v1/documents/{found['id']}/versions/{first['id']}").json() == first
    assert first["digest"] == versions["items"][2]["digest"]  # A, B, A: three versions, one payload
    assert client.get(f"/v1/exchanges/{first['exchange']}").json()["path"] == SETTINGS


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 4),
        ({"destination": HOST}, 4),
        ({"destination": "nobody"}, 0),
        ({"key": SETTINGS}, 1),
        ({"key_prefix": "/v1/s"}, 1),
        ({"key_template": "/v1/{one}"}, 3),
        ({"media_type": ["text/csv", "Application/JSON"]}, 3),
        ({"rule": "default", "class": "default"}, 4),
        ({"class": "other"}, 0),
        ({"deleted": "true"}, 1),
        ({"deleted": "false"}, 3),
    ],
)
def test_filters(client: httpx.Client, query: dict[str, Any], count: int) -> None:
    assert len(client.get("/v1/documents", params=query).json()["items"]) == count


def test_pages_follow_each_other(client: httpx.Client) -> None:
    for path, count in (("/v1/documents", 4), (f"{below(client, SETTINGS)}/versions", 4)):
        walked, page = [], client.get(path, params={"limit": 3})
        walked += page.json()["items"]
        while "next" in page.links:
            page = client.get(page.links["next"]["url"])
            walked += page.json()["items"]
        assert len(walked) == count
        assert len({item["id"] for item in walked}) == count
    newest = client.get(f"{below(client, SETTINGS)}/versions", params={"order": "newest", "limit": 1}).json()
    assert newest["items"][0]["from"] == at(40)


# Contents


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(1), DARK),
        (at(9), DARK),
        (at(10), LIGHT),
        (at(20), DARK),
        (at(39), DARK),
        (at(50), b'{"theme":"dark","size":12}'),
    ],
)
def test_a_content_as_of_a_moment(client: httpx.Client, moment: str, expected: bytes) -> None:
    response = client.get(f"{below(client, SETTINGS)}/content", params={"at": moment})
    assert response.status_code == 200
    assert response.content == expected
    assert response.headers["content-type"] == "application/json"
    assert response.headers["etag"] == f'"sha256:{sha256(expected).hexdigest()}"'
    again = client.get(response.headers["content-location"])
    assert again.content == expected
    assert again.headers["memento-datetime"] == response.headers["memento-datetime"]


def test_a_version_is_immutable_conditional_and_inert(client: httpx.Client) -> None:
    versions = client.get(f"{below(client, LOGO)}/versions").json()["items"]
    path = f"{below(client, LOGO)}/versions/{versions[0]['id']}/content"
    whole = client.get(path)
    assert whole.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["content-disposition"].startswith("attachment; filename=")
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    assert parsedate_to_datetime(whole.headers["memento-datetime"]).timestamp() == minute(3) // 1_000_000
    part = client.get(path, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    fresh = client.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (fresh.status_code, fresh.content) == (304, b"")
    assert client.get(path, headers={"Range": "bytes=999999-"}).status_code == 416
    head = client.head(path)
    same = ("etag", "content-length", "memento-datetime", "link", "cache-control", "content-location")
    assert {name: head.headers[name] for name in same} == {name: whole.headers[name] for name in same}
    latest = client.get(f"{below(client, LOGO)}/content")
    assert latest.headers["cache-control"] == "private, no-cache"
    patched = client.get(client.get(f"{below(client, SETTINGS)}/content").headers["content-location"])
    assert "immutable" not in patched.headers["cache-control"]  # a late look can come before the patch


def test_moments_that_make_no_sense_are_refused_with_a_sentence(client: httpx.Client) -> None:
    path = f"{below(client, SETTINGS)}/content"
    assert f"its first capture was at {at(1)}" in problem(client.get(path, params={"at": at(0)}), 400)
    assert "lies in the future" in problem(client.get(path, params={"at": "2999-01-01"}), 400)
    assert "'soon' is not a time" in problem(client.get(path, params={"at": "soon"}), 400)
    diff = f"{below(client, SETTINGS)}/diff"
    assert "from: " in problem(client.get(diff, params={"from": at(0)}), 400)
    assert "nothing before it" in problem(client.get(diff, params={"to": at(1)}), 400)
    unknown = "00000000-0000-5000-8000-000000000000"
    for path in ("", "/versions", "/content", "/diff", f"/versions/{unknown}", f"/versions/{unknown}/content"):
        problem(client.get(f"/v1/documents/{unknown}{path}"), 404)
    problem(client.get(f"{below(client, SETTINGS)}/versions/{unknown}/content"), 404)


def test_a_deleted_document_says_since_when(client: httpx.Client) -> None:
    path = f"{below(client, GONE)}/content"
    assert client.get(path, params={"at": at(24)}).content == b'{"a": 1}'
    gone = client.get(path)
    assert f"is deleted since {at(25)}" in problem(gone, 410)
    assert parsedate_to_datetime(gone.headers["memento-datetime"]).timestamp() == minute(25) // 1_000_000
    head = client.head(path)
    assert (head.status_code, head.content) == (410, b"")
    tombstone = client.get(f"{below(client, GONE)}/versions").json()["items"][-1]
    assert (tombstone["tombstone"], tombstone["digest"], tombstone["size"]) == (True, None, 0)
    problem(client.get(f"{below(client, GONE)}/versions/{tombstone['id']}/content"), 410)


# Differences


def test_a_diff_is_between_neighbours_unless_said_otherwise(client: httpx.Client) -> None:
    path = f"{below(client, SETTINGS)}/diff"
    found = client.get(path).json()
    assert list(found) == ["document", "from", "to", "kind", "identical", "changes", "more", "note"]
    assert (found["from"]["from"], found["to"]["from"], found["kind"]) == (at(20), at(40), "json")
    assert found["changes"] == [{"op": "changed", "path": "$.size", "from": 10, "to": 12}]
    found = client.get(path, params={"from": at(5), "to": at(15)}).json()
    assert found["changes"] == [{"op": "changed", "path": "$.theme", "from": "dark", "to": "light"}]
    by_id = client.get(path, params={"from": found["from"]["id"], "to": found["to"]["id"]}).json()
    assert by_id == found
    assert client.get(path, params={"from": at(5), "to": at(25)}).json()["identical"]


def test_diffs_of_other_kinds(client: httpx.Client) -> None:
    prices = client.get(f"{below(client, PRICES)}/diff").json()
    assert prices["kind"] == "table"
    assert prices["changes"] == [
        {
            "op": "changed",
            "sheet": None,
            "row": 2,
            "key": "A",
            "column": "net",
            "from": "10",
            "to": "11",
            "values": None,
        }
    ]
    logo = client.get(f"{below(client, LOGO)}/diff").json()
    assert (logo["kind"], logo["changes"]) == ("binary", [])
    assert logo["note"].startswith("The media type changed from image/png to application/json")
    assert (logo["from"]["size"], logo["to"]["size"]) == (102_405, 15)
    gone = client.get(f"{below(client, GONE)}/diff").json()
    assert (gone["kind"], gone["note"]) == ("tombstone", "The document was deleted.")


def test_a_tree_is_what_a_product_held(client: httpx.Client) -> None:
    def keys(**query: Any) -> list[str]:
        found = client.get("/v1/tree", params={"destination": HOST, **query})
        assert found.status_code == 200, found.text
        return [item["document"]["key"] for item in found.json()["items"]]

    prices = f"{PRICES}?full=yes&page=1"
    assert keys(at=at(3)) == [LOGO, prices, SETTINGS]
    assert keys(at=at(24)) == [GONE, LOGO, prices, SETTINGS]
    assert keys() == [LOGO, prices, SETTINGS]
    assert keys(deleted="true") == [GONE, LOGO, prices, SETTINGS]
    page = client.get("/v1/tree", params={"destination": HOST, "at": "1d", "limit": 3, "deleted": "true"})
    assert len(page.json()["items"]) == 3
    assert len(client.get(page.links["next"]["url"]).json()["items"]) == 1
    assert f"was captured at {at(1)}" in problem(client.get("/v1/tree", params={"destination": HOST, "at": at(0)}), 400)
    problem(client.get("/v1/tree", params={"destination": "nobody"}), 404)


# Memento


def gate(client: httpx.Client, moment: str | None, url: str = URL) -> httpx.Response:
    return client.get(f"/v1/timegate/{url}", headers={} if moment is None else {"Accept-Datetime": moment})


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (None, 40),
        ("Sat, 22 Nov 2025 08:36:39 GMT", 1),
        ("Sat, 22 Nov 2025 08:36:40 GMT", 10),
        ("Sat, 22 Nov 2025 08:46:40 GMT", 20),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 40),
    ],
)
def test_the_timegate_leads_to_what_held(client: httpx.Client, moment: str | None, expected: int) -> None:
    answer = gate(client, moment)
    assert answer.status_code == 302
    assert answer.headers["vary"] == "accept-datetime"
    assert "memento-datetime" not in answer.headers
    related = links(answer)
    assert related["original"] == URL
    assert related["timemap"] == f"/v1/timemap/{URL}"
    memento = client.get(answer.headers["location"])
    assert parsedate_to_datetime(memento.headers["memento-datetime"]).timestamp() == minute(expected) // 1_000_000
    assert links(memento)["original"] == URL
    assert links(memento)["timegate"] == f"/v1/timegate/{URL}"
    for relation, number in (("first", 1), ("last", 40)):
        end = client.get(related[relation])
        assert parsedate_to_datetime(end.headers["memento-datetime"]).timestamp() == minute(number) // 1_000_000
    head = client.head(f"/v1/timegate/{URL}", headers={} if moment is None else {"Accept-Datetime": moment})
    assert (head.status_code, head.headers["location"]) == (302, answer.headers["location"])


def test_a_url_is_taken_as_it_comes(client: httpx.Client) -> None:
    prices = f"http://{HOST}{PRICES}?page=1&full=yes"
    expected = gate(client, None, prices).headers["location"]
    escaped = prices.replace(":", "%3A").replace("/", "%2F").replace("?", "%3F").replace("&", "%26").replace("=", "%3D")
    for url in (f"http://{HOST.upper()}:80{PRICES}?full=yes&page=1", f"http:/{HOST}{PRICES}?full=yes&page=1", escaped):
        assert gate(client, None, url).headers["location"] == expected
    assert client.get(expected).content.startswith(b"sku,net")
    for url, status in ((f"http://{HOST}{PRICES}", 404), ("ftp://x/y", 400), ("nonsense", 400), ("http://[x/", 400)):
        refused = gate(client, None, url)
        problem(refused, status)
        assert refused.headers["vary"] == "accept-datetime"
    for date in ("yesterday", "Sat, 32 Nov 2025 08:36:39 GMT", "2025-11-22T08:36:40Z", "Sat, 22 Nov 2025 08:36:39"):
        problem(gate(client, date), 400)


def test_timemaps_name_every_version(client: httpx.Client) -> None:
    text = client.get(f"/v1/timemap/{URL}")
    assert text.headers["content-type"] == "application/link-format"
    entries = text.text.removesuffix("\n").split(",\n")
    assert entries[0] == f'<{URL}>; rel="original"'
    assert entries[1].startswith(f'</v1/timemap/{URL}>; rel="self"; type="application/link-format"; from="Sat, 22 Nov')
    assert entries[2] == f'</v1/timegate/{URL}>; rel="timegate"'
    assert [re.findall(r'rel="([^"]*)"', entry)[0] for entry in entries[3:]] == [
        *("first memento", "memento", "memento", "last memento"),
    ]
    found = client.get(f"/v1/timemap/{URL}", headers={"Accept": "application/json, */*;q=0.1"}).json()
    assert found["original_uri"] == URL
    assert [entry["datetime"] for entry in found["mementos"]["list"]] == [at(1), at(10), at(20), at(40)]
    assert found["mementos"]["first"] == found["mementos"]["list"][0]
    assert found["mementos"]["last"] == found["mementos"]["list"][-1]
    for entry, line in zip(found["mementos"]["list"], entries[3:], strict=True):
        assert line.startswith(f"<{entry['uri']}>")
        assert UUID(entry["uri"].split("/")[5])
        assert client.get(entry["uri"]).status_code == 200
    problem(client.get(f"/v1/timemap/http://{HOST}/nothing"), 404)
    assert client.head(f"/v1/timemap/{URL}").headers["content-type"] == "application/link-format"


def test_nobody_without_a_token_learns_what_documents_there_are(api: RunningApi) -> None:
    with httpx.Client(base_url=api.url) as stranger:
        for path in ("/v1/documents", "/v1/tree?destination=x", f"/v1/timegate/{URL}", f"/v1/timemap/{URL}"):
            problem(stranger.get(path), 401)
