"""Dates and links of RFC 7089, of whatever was captured."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_api.document_names import find_by_url, plain_url
from entrepot_api.http.memento import accept_datetime, http_date, link, timegate_path
from entrepot_store.catalog import open_catalog
from entrepot_store.catalog.documents import DocumentCatalog, DocumentRow
from entrepot_store.config import Settings
from entrepot_store.errors import BadInput, NotFound


def test_dates_are_those_of_http() -> None:
    assert http_date(1_763_800_000_999_999) == "Sat, 22 Nov 2025 08:26:40 GMT"
    assert http_date(-5) == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert http_date(2**63 - 1) == "Fri, 31 Dec 9999 23:59:59 GMT"
    # who asks for the second in which a version began means that version
    assert accept_datetime("Sat, 22 Nov 2025 08:26:40 GMT") == 1_763_800_000_999_999
    for wrong in ("", "Sat, 22 Nov 2025 08:26:40 +0100", "Sat, 22 Foo 2025 08:26:40 GMT", "1763800000"):
        with pytest.raises(BadInput, match="no date"):
            accept_datetime(wrong)


@given(st.text(max_size=60))
def test_no_captured_url_breaks_a_header(text: str) -> None:
    for value in (link(f"http://x/{text}", "original"), timegate_path(f"http://x/{text}")):
        assert value.isascii()
        assert value.isprintable()
        assert " " not in value.partition(";")[0]
    assert re.fullmatch(r'<[^<>" ]*>; rel="original"', link(text, "original"))


def test_a_url_comes_through_proxies_whole() -> None:
    for form in ("http://x/a?b=c%2Fd", "http:/x/a?b=c%2Fd", "HTTP://x/a?b=c%2Fd", "http%3A%2F%2Fx%2Fa%3Fb=c%252Fd"):
        assert plain_url(form) == "http://x/a?b=c%2Fd"


class Known:
    """A catalog that knows one document."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.asked: list[tuple[str, str]] = []

    def find(self, destination: str, key: str) -> DocumentRow:
        self.asked.append((destination, key))
        if key != self.key:
            raise NotFound("no")
        return DocumentRow(UUID(int=1), destination, key, "", "", "", 0, 0, 1, deleted=False)


def test_a_url_finds_the_document_by_what_a_rule_says_of_its_query() -> None:
    rules = [
        {"name": "one", "action": "protect", "document": {"query": ["id"]}},
        {"name": "none", "action": "protect", "document": {"query": []}},
        {"name": "two", "action": "protect", "document": {"query": ["id", "page"]}},
    ]
    settings = Settings.model_validate({"rule": rules, "product": [{"name": "orders", "hosts": ["*.internal"]}]})
    url = "https://api.internal:8443/v1/x?page=2&id=7&nonce=abc"
    for key in ("/v1/x?id=7&nonce=abc&page=2", "/v1/x?id=7&page=2", "/v1/x?id=7", "/v1/x"):
        catalog = Known(key)
        assert find_by_url(catalog, settings, url).destination == "orders"  # type: ignore[arg-type] # enough of one
        assert catalog.asked[-1] == ("orders", key)
    with pytest.raises(NotFound, match="No document is known under"):
        find_by_url(Known("/other"), settings, url)  # type: ignore[arg-type] # enough of one


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_hostile_urls_are_refused_or_unknown(
    database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("catalog")
    url = f"sqlite:///{folder}/c.sqlite" if database == "sqlite" else request.getfixturevalue("postgres_url")
    catalog = open_catalog(url)
    documents: DocumentCatalog = catalog.documents
    hostile = (
        "http%3A//a%00b/x",
        "http%3A//a%FFb/%00?%ff",
        "http://a/%00",
        "http://[::1",
        "http://a:99999/",
        "http:///x",
    )
    for url in (*hostile, "http://" + "a" * 5000 + "/" + "b" * 50_000, "http://\u2100/x", "x"):
        with pytest.raises((NotFound, BadInput)):
            find_by_url(documents, Settings(), url)
    catalog.close()
