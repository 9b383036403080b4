"""Documents from the spool to the catalog: shipped, found again after a crash, and rebuilt from the vault alone."""

import gzip
import json
import random
import threading
from pathlib import Path

import pytest

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.documents import DocumentFilter
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.clock import SystemClock
from entrepot_store.documents import Recipe, content_bytes, open_content
from entrepot_store.documents.representation import represent
from entrepot_store.errors import NotFound
from entrepot_store.model import Action, Exchange, LedgerEntry
from entrepot_store.search import search
from entrepot_store.ship import rebuild_catalog, run_shipper
from entrepot_store.ship.shipper import Shipper
from entrepot_store.spool.files import SpoolFolder, SpoolName
from entrepot_store.vault.directory import DirectoryVault
from tests.support.captured import START, Recording, archive_of
from tests.support.spooled import spool_bytes

RECIPES = {"settings": Recipe(ignore=("$.served_at",))}
PATCH = ((b"Content-Type", b"application/merge-patch+json"),)
OPERATIONS = ((b"Content-Type", b"application/json-patch+json"),)


def polled(count: int, seed: int = 0) -> list[Exchange]:
    """A document that is read again and again, changes now and then, and says each time when it was read."""
    rng, recording = random.Random(seed), Recording()
    for number in range(count):
        content = {"theme": f"theme {number // 10}", "filler": "x" * 600, "served_at": rng.random()}
        recording.add("GET", "/v1/settings/7", answer=json.dumps(content).encode(), action=Action.PROTECT)
        # The same bytes every time: revisits, which a rebuild has to follow.
        fixed = b'{"fixed": "%s"}' % (b"y" * 600)
        recording.add("GET", "/v1/limits", answer=fixed, action=Action.PROTECT)
    for exchange in recording.exchanges:
        exchange.rule, exchange.retention_class = "settings", "config"
    return recording.exchanges


def spool_of(folder: Path, exchanges: list[Exchange], workers: int = 2) -> SpoolFolder:
    """The exchanges dealt out to several workers, each with files of its own."""
    spool = SpoolFolder(folder / "spool")
    for worker in range(workers):
        mine = exchanges[worker::workers]
        for part in range(0, len(mine), 13):
            name = SpoolName(START + part, f"w{worker}", part + 1)
            entry = LedgerEntry(name.worker, START, seen=len(mine), stored=len(mine))
            spool.sealed_path(name).write_bytes(spool_bytes(name, mine[part : part + 13], entry))
    return spool


def ship(spool: SpoolFolder, vault: DirectoryVault, catalog: SqlCatalog) -> None:
    run_shipper(spool, vault, catalog, threading.Event(), mode="drain", recipes=lambda: RECIPES)


@pytest.fixture
def vault(tmp_path: Path) -> DirectoryVault:
    made = DirectoryVault(tmp_path / "vault")
    made.check()
    return made


def test_several_proxies_make_one_history_and_a_rebuild_makes_it_again(tmp_path: Path, vault: DirectoryVault) -> None:
    with open_catalog(f"sqlite:///{tmp_path / 'c.sqlite'}") as catalog:
        ship(spool_of(tmp_path, polled(60)), vault, catalog)
        row = catalog.documents.find("orders", "/v1/settings/7")
        assert (row.versions, row.rule, row.retention_class) == (6, "settings", "config")
        assert catalog.documents.find("orders", "/v1/limits").versions == 1
        shipped = catalog.fingerprint()
        assert rebuild_catalog(vault, catalog).damaged == ()
        assert catalog.fingerprint() == shipped
        archive = Archive(vault, catalog)
        for number, version in enumerate(catalog.documents.iterate_versions(row.id)):
            assert json.loads(content_bytes(archive, catalog.documents, version))["theme"] == f"theme {number}"


def test_a_segment_found_after_a_crash_says_the_same(tmp_path: Path, vault: DirectoryVault) -> None:
    class KilledError(Exception):
        pass

    def end(step: str) -> None:
        if step == "put":
            raise KilledError

    exchanges = polled(12)
    with open_catalog(f"sqlite:///{tmp_path / 'c.sqlite'}") as catalog:
        spool = spool_of(tmp_path, exchanges)
        first = SpoolName(START, "w0", 1)
        with pytest.raises(KilledError):
            Shipper(spool, vault, catalog, SystemClock(), end, recipes=lambda: RECIPES).ship(first)
        # The rules have changed since: what counts is what the segment was written by.
        Shipper(spool, vault, catalog, SystemClock()).ship(first)
        ship(spool, vault, catalog)
        found = catalog.fingerprint()
    with open_catalog(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        vault_too = DirectoryVault(tmp_path / "vault too")
        vault_too.check()
        ship(spool_of(tmp_path / "other", exchanges), vault_too, other)
        assert {name: found[name] for name in ("documents", "looks")} == {
            name: other.fingerprint()[name] for name in ("documents", "looks")
        }


def test_patches_are_applied_to_what_was_there(tmp_path: Path) -> None:
    recording = Recording()
    recording.add("PUT", "/a", b'{"x": 1, "y": [1]}', status=204, answer=b"", action=Action.PROTECT)
    recording.add("PATCH", "/a", b'{"x": null, "z": 2}', headers=PATCH, status=204, answer=b"", action=Action.PROTECT)
    operations = b'[{"op": "add", "path": "/y/-", "value": 2}]'
    for _ in range(2):
        recording.add("PATCH", "/a", operations, headers=OPERATIONS, status=204, answer=b"", action=Action.PROTECT)
    recording.add("DELETE", "/a", status=204, answer=b"", action=Action.PROTECT)
    recording.add("PATCH", "/b", b'{"x": 1}', headers=PATCH, status=204, answer=b"", action=Action.PROTECT)
    archive = archive_of(tmp_path, recording.exchanges)
    with archive.catalog:  # type: ignore[attr-defined]  # what archive_of opens is a SqlCatalog
        documents = archive.catalog.documents
        versions = list(documents.iterate_versions(documents.find("orders", "/a").id))
        contents = [json.loads(content_bytes(archive, documents, version)) for version in versions[:4]]
        assert contents == [
            {"x": 1, "y": [1]},
            {"y": [1], "z": 2},
            {"y": [1, 2], "z": 2},
            {"y": [1, 2, 2], "z": 2},
        ]
        with pytest.raises(NotFound, match="deleted"):
            content_bytes(archive, documents, versions[4])
        (unknown,) = documents.iterate_versions(documents.find("orders", "/b").id)
        with pytest.raises(NotFound, match="never seen"), open_content(archive, documents, unknown):
            pass
        assert [row.key for row in documents.iterate(DocumentFilter())] == ["/a", "/b"]


def test_a_patched_document_keeps_its_type_and_its_coding_is_undone_to_patch_it(tmp_path: Path) -> None:
    recording = Recording()
    kind = (b"Content-Type", b"application/vnd.acme.thing+json; charset=utf-8")
    coded = recording.add("PUT", "/a", gzip.compress(b'{"x": 1}'), headers=(kind, (b"Content-Encoding", b"gzip")))
    coded.request.body.wire = True
    recording.add("PATCH", "/a", b'{"z": 2}', headers=PATCH, status=204, answer=b"")
    for exchange in recording.exchanges:
        exchange.action = Action.PROTECT
    archive = archive_of(tmp_path, recording.exchanges)
    with archive.catalog:  # type: ignore[attr-defined]  # what archive_of opens is a SqlCatalog
        documents = archive.catalog.documents
        row = documents.find("orders", "/a")
        assert row.media_type == "application/vnd.acme.thing+json"
        first, last = (represent(archive, version) for version in documents.iterate_versions(row.id))
        assert last.read() == b'{"x":1,"z":2}'
        assert last.media_type == "application/vnd.acme.thing+json; charset=utf-8"
        assert gzip.decompress(first.read()) == first.plain(100) == b'{"x": 1}'
        assert search(archive, ExchangeFilter(), '"x": 1').found[0].id == coded.id
