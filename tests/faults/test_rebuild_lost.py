"""Segments that are gone for good: a rebuild says so, and goes on saying so; one in the wrong place makes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot_store.catalog.sql.engine import Database
from entrepot_store.catalog.sql.migrate import known_revisions, migrate
from entrepot_store.compact import compact
from entrepot_store.errors import Damaged
from entrepot_store.model import Gap
from entrepot_store.ship import rebuild_catalog
from tests.support.faces import run_cli
from tests.support.retained import LONG, Store

type Cli = pytest.CaptureFixture[bytes]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    for day in range(4):
        store.add("PUT", "/v1/a", day, b'{"day": %d, "pad": "%s"}' % (day, LONG))
    store.ship(each=1)
    yield store
    store.catalog.close()


def lost(store: Store) -> list[Gap]:
    return [row.gap for row in store.catalog.gaps()]


def take_away(store: Store, key: str) -> bytes:
    object_file = store.folder / "vault" / key
    content = object_file.read_bytes()
    object_file.unlink()
    return content


def test_what_is_gone_is_a_gap_until_it_is_back(store: Store, capfdbinary: Cli) -> None:
    row = list(store.catalog.segments())[1]
    content = take_away(store, row.key)
    with pytest.raises(Damaged, match="accept-missing"):
        rebuild_catalog(store.vault, store.catalog)
    assert lost(store) == []
    ran = run_cli(capfdbinary, "rebuild-catalog", "--accept-missing", "--data", store.folder, "--json")
    assert (ran.code, ran.json["missing"], ran.json["exchanges"]) == (0, [row.key], 3)
    assert "1 segments are gone" in ran.err
    (gap,) = lost(store)
    assert (gap.worker, gap.since, gap.until, gap.missing) == ("vault", row.first_at, row.last_at, 1)
    assert row.key in gap.reason
    told = run_cli(capfdbinary, "status", "--data", store.folder)
    assert "1 not acknowledged, 1 captures known to be missing" in told.out
    (known,) = store.catalog.gaps()
    store.catalog.acknowledge_gap(known.id, "ann", 1)
    rebuild_catalog(store.vault, store.catalog)
    assert [(found.gap, found.acknowledged_by) for found in store.catalog.gaps()] == [(gap, "ann")]
    (store.folder / "vault" / row.key).write_bytes(content)
    assert rebuild_catalog(store.vault, store.catalog).exchanges == 4
    assert lost(store) == []


def test_a_rebuild_that_breaks_off_does_not_forget_what_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    row = next(iter(store.catalog.segments()))
    take_away(store, row.key)

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store.catalog, "add_rebuilt", end)
        with pytest.raises(KeyboardInterrupt):
            rebuild_catalog(store.vault, store.catalog, accept_missing=True)
    rebuild_catalog(store.vault, store.catalog)
    assert [gap.missing for gap in lost(store)] == [1]


def test_what_others_hold_as_well_is_not_missing(store: Store) -> None:
    compact(store.vault, store.catalog.retention, store.folder / "upkeep", eager=True)
    (merged,) = list(store.catalog.segments())
    take_away(store, merged.key)
    rebuilt = rebuild_catalog(store.vault, store.catalog, accept_missing=True)
    assert (rebuilt.exchanges, rebuilt.missing) == (4, (merged.key,))
    assert lost(store) == []


def test_a_mistyped_folder_is_not_made(store: Store, tmp_path: Path, capfdbinary: Cli) -> None:
    for options in (("--data", tmp_path / "typo"), ("--data", tmp_path, "--config", tmp_path / "e.toml")):
        (tmp_path / "e.toml").write_text(f'vault = "{tmp_path / "none"}"')
        ran = run_cli(capfdbinary, "rebuild-catalog", *options)
        assert ran.code == 9, ran
    assert not (tmp_path / "typo").exists()
    assert not (tmp_path / "none").exists()


def test_looking_something_up_changes_no_schema(tmp_path: Path, capfdbinary: Cli) -> None:
    (tmp_path / "vault").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    migrate(database, "0003")
    database.close()
    before = (tmp_path / "catalog.sqlite").read_bytes()
    commands = (
        ["documents"],
        ["exchanges"],
        ["coverage"],
        ["gaps"],
        ["reindex"],
        ["compact"],
        ["token", "create", "x"],
    )
    for words in commands:
        ran = run_cli(capfdbinary, *words, "--data", tmp_path)
        assert ran.code == 15, (words, ran)
        assert f"schema 0003 of an older Entrepot; this version needs {known_revisions()[-1]}" in ran.err
        assert "entrepot ship --drain" in ran.err
    assert "older Entrepot" in run_cli(capfdbinary, "status", "--data", tmp_path).out
    assert (tmp_path / "catalog.sqlite").read_bytes() == before
    assert run_cli(capfdbinary, "rebuild-catalog", "--data", tmp_path).code == 0
    assert run_cli(capfdbinary, "documents", "--data", tmp_path).code == 0
