"""The history of documents: the same whatever order looks arrive in, on SQLite and on PostgreSQL."""

import random
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import groupby, permutations
from pathlib import Path

import pytest

from entrepot_store.catalog.documents import DocumentFilter, Effect, Look
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.documents.identity import document_id
from entrepot_store.errors import BadInput, NotFound
from entrepot_store.model import exchange_id
from tests.support.catalog_rows import START

EVERYTHING = DocumentFilter()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlCatalog]:
    url = f"sqlite:///{tmp_path / 'c.sqlite'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with open_catalog(url) as opened:
        yield opened


def look(number: int, content: str | None, *, key: str = "/a", at: int | None = None) -> Look:
    """The `number`th look, a second after the one before; None is a tombstone."""
    when = START + number * 1_000_000 if at is None else at
    digest = sha256((content or "").encode()).digest()
    return Look(
        document=document_id("orders", key),
        destination="orders",
        key=key,
        at=when,
        exchange=exchange_id(when, number.to_bytes(8)),
        effect=Effect.TOMBSTONE if content is None else Effect.CONTENT,
        side="response",
        digest=digest,
        size=len(content or ""),
        content=sha256(digest).digest() if content == "json" else digest,
        media_type="text/plain",
        rule=f"rule {number % 3}",
        retention_class="config",
    )


def history(catalog: SqlCatalog, key: str = "/a") -> list[tuple[int, str, bytes]]:
    return [
        (version.at, version.effect.value, version.digest)
        for version in catalog.documents.iterate_versions(document_id("orders", key))
    ]


def expected(looks: list[Look]) -> list[tuple[int, str, bytes]]:
    """What plain Python makes of it: runs of equal content; that something is gone counts only if it was there."""
    found = [
        next(run)
        for _, run in groupby(sorted(looks, key=lambda one: one.id), key=lambda one: (one.effect, one.content))
    ]
    while found and found[0].effect is Effect.TOMBSTONE:
        del found[0]
    return [(one.at, one.effect.value, one.digest) for one in found]


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_batches_end_in_one_history(catalog: SqlCatalog, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    made = [
        look(number, rng.choice(["x", "y", "json", None]), key=rng.choice(["/a", "/b"]), at=START + rng.randrange(40))
        for number in range(60)
    ]
    pending = rng.sample(made, len(made))
    while pending:
        size = rng.randint(1, 9)
        batch, pending = pending[:size], pending[size:]
        # Some arrive again, as after a crash.
        assert catalog.documents.add_looks([*batch, *rng.sample(batch, 1)]) == len(batch)
        assert catalog.documents.add_looks(batch[:2]) == 0
    for key in ("/a", "/b"):
        assert history(catalog, key) == expected([one for one in made if one.key == key])
    with open_catalog(f"sqlite:///{tmp_path / 'in-order.sqlite'}") as other:
        other.documents.add_looks(made)
        assert list(other.documents.iterate(EVERYTHING)) == list(catalog.documents.iterate(EVERYTHING))
        if catalog.database.file is not None:
            assert other.fingerprint() == catalog.fingerprint()


def test_a_to_b_to_a_is_three_versions(catalog: SqlCatalog) -> None:
    catalog.documents.add_looks([look(number, content) for number, content in enumerate("AABBBA")])
    versions = catalog.documents.versions(document_id("orders", "/a")).items
    assert [(version.at - START) // 1_000_000 for version in versions] == [0, 2, 5]
    assert [version.until for version in versions] == [versions[1].at, versions[2].at, None]
    row = catalog.documents.find("orders", "/a")
    assert (row.versions, row.deleted, row.first_seen, row.last_seen) == (3, False, START, START + 5_000_000)
    assert row.rule == "rule 2"


def test_a_change_does_not_say_what_type_a_document_has(tmp_path: Path) -> None:
    def patch(number: int) -> Look:
        return replace(look(number, f"patch {number}"), effect=Effect.PATCH, media_type="application/merge-patch+json")

    made = [replace(look(1, "{}"), media_type="application/json"), patch(2), look(3, "x"), patch(4), patch(5)]
    prints = set()
    for number, order in enumerate(permutations(made)):
        with open_catalog(f"sqlite:///{tmp_path / f'{number % 2}.sqlite'}") as catalog:
            catalog.documents.clear()
            for one in order:
                catalog.documents.add_looks([one])
            (row,) = catalog.documents.iterate(EVERYTHING)
            assert row.media_type == "text/plain"
            prints.add(catalog.fingerprint()["documents"])
            catalog.documents.remove_looks(row.id, [made[2].id])
            assert catalog.documents.document(row.id).media_type == "application/json"
            catalog.documents.remove_looks(row.id, [made[0].id])
            assert catalog.documents.document(row.id).media_type == ""
    assert len(prints) == 1


def test_as_of_any_moment(catalog: SqlCatalog) -> None:
    catalog.documents.add_looks([look(1, "A"), look(3, "B"), look(5, None), look(7, "B")])
    documents, identifier = catalog.documents, document_id("orders", "/a")

    def at(seconds: float) -> bytes | str | None:
        found = documents.version_at(identifier, START + int(seconds * 1_000_000))
        return None if found is None else "gone" if found.tombstone else found.digest

    a, b = (sha256(content).digest() for content in (b"A", b"B"))
    assert [at(0), at(1), at(2.9), at(3), at(5), at(6.9), at(7), at(9e9)] == [None, a, a, b, "gone", "gone", b, b]
    assert documents.version_at(identifier, -1) is None


def test_what_was_never_there_is_no_document_until_it_was(catalog: SqlCatalog) -> None:
    catalog.documents.add_looks([look(3, None)])
    assert list(catalog.documents.iterate(EVERYTHING)) == []
    with pytest.raises(NotFound):
        catalog.documents.find("orders", "/a")
    catalog.documents.add_looks([look(1, "A")])
    row = catalog.documents.find("orders", "/a")
    assert (row.versions, row.deleted) == (2, True)


def test_a_version_stays_readable_by_its_name(catalog: SqlCatalog) -> None:
    second = look(2, "A")
    catalog.documents.add_looks([second])
    assert catalog.documents.find("orders", "/a").versions == 1
    catalog.documents.add_looks([look(1, "A")])
    assert [version.id for version in catalog.documents.iterate_versions(second.document)] == [look(1, "A").id]
    assert catalog.documents.version(second.document, second.id).digest == second.digest


def test_pages_by_destination_and_key(catalog: SqlCatalog) -> None:
    catalog.documents.add_looks([look(number, "A", key=f"/v1/things/{number:02d}") for number in range(25)])
    catalog.documents.add_looks([look(30, "A", key="/v2"), look(31, None, key="/v2")])
    found, cursor = [], None
    where = DocumentFilter(destination=("orders",), key_template="/v1/things/{id}")
    while True:
        page = catalog.documents.documents(where, limit=10, cursor=cursor)
        found.extend(row.key for row in page.items)
        cursor = page.next
        if cursor is None:
            break
    assert found == [f"/v1/things/{number:02d}" for number in range(25)]
    assert [row.key for row in catalog.documents.iterate(DocumentFilter(deleted=True))] == ["/v2"]
    assert len(list(catalog.documents.iterate(DocumentFilter(as_of=START + 4_000_000)))) == 5
    first = catalog.documents.documents(where, limit=1)
    with pytest.raises(BadInput):
        catalog.documents.documents(EVERYTHING, cursor=first.next)


def test_pages_of_versions_both_ways(catalog: SqlCatalog) -> None:
    catalog.documents.add_looks([look(number, str(number)) for number in range(23)])
    identifier = document_id("orders", "/a")
    for newest_first in (False, True):
        found, cursor = [], None
        while True:
            page = catalog.documents.versions(identifier, limit=7, cursor=cursor, newest_first=newest_first)
            found.extend(version.at for version in page.items)
            cursor = page.next
            if cursor is None:
                break
        assert found == sorted((START + number * 1_000_000 for number in range(23)), reverse=newest_first)


@pytest.mark.parametrize("seed", range(3))
def test_taking_looks_out_leaves_what_the_others_would_have_made(catalog: SqlCatalog, seed: int) -> None:
    rng = random.Random(seed)
    made = [look(number, rng.choice(["x", "y", None])) for number in range(30)]
    catalog.documents.add_looks(made)
    gone = set(rng.sample([one.id for one in made], 12))
    assert catalog.documents.remove_looks(made[0].document, gone) == 12
    kept = [one for one in made if one.id not in gone]
    assert history(catalog) == expected(kept)
    catalog.documents.add_looks([one for one in made if one.id in gone])
    assert history(catalog) == expected(made)
    catalog.documents.remove_looks(made[0].document, [one.id for one in made])
    assert list(catalog.documents.iterate(EVERYTHING)) == []
    assert list(catalog.documents.looks(made[0].document)) == []


def test_looks_come_back_as_they_were(catalog: SqlCatalog) -> None:
    made = [look(1, "json"), look(2, None), look(3, "x")]
    catalog.documents.add_looks(made)
    assert list(catalog.documents.looks(made[0].document)) == made
    assert list(catalog.documents.looks(made[0].document, since=made[1].at, until=made[2].at)) == made[1:2]
