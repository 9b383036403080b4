"""Opening a catalog: by many at once, of the wrong version, in the wrong place; and databases that fail later."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from entrepot_store.catalog import ExchangeFilter, TokenRow
from entrepot_store.catalog.sql import open_catalog, replay_schema, schema
from entrepot_store.catalog.sql.completeness import add_gaps
from entrepot_store.catalog.sql.engine import Database
from entrepot_store.catalog.sql.migrate import SCRIPTS, known_revisions, migrate
from entrepot_store.catalog.sql.tokens import add_token
from entrepot_store.config import Settings
from entrepot_store.errors import CatalogUnavailable, ConfigError, Damaged, NotFound, TooNew, TooOld
from entrepot_store.model import Gap, LedgerEntry, exchange_id
from tests.support.catalog_rows import realistic, shipment
from tests.support.servers import free_ports

OPEN_AND_COMMIT = """
import sys
from entrepot_store.catalog import Shipment, open_catalog
sys.stdin.read()
with open_catalog(sys.argv[1]) as catalog:
    print(catalog.commit_shipment(Shipment(sys.argv[2])))
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


def test_the_tables_are_what_the_models_say(url: str) -> None:
    assert set(schema.Base.metadata.tables) >= {replay_schema.Replay.__tablename__, schema.Exchange.__tablename__}
    with open_catalog(url) as catalog, catalog.database.reading() as connection:

        def of_this_database(item: Any, *_: object) -> bool:
            return item.info.get("dialect", connection.dialect.name) == connection.dialect.name

        opts = {"compare_type": True, "include_object": of_this_database}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, schema.Base.metadata) == []


def test_revisions_are_known_by_their_file_names() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    revisions = list(ScriptDirectory.from_config(config).walk_revisions())
    assert known_revisions() == [script.revision for script in reversed(revisions)]


def test_processes_that_start_at_once_migrate_once(url: str) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_AND_COMMIT, url, f"s{number % 2}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for child in children:  # each has loaded everything by now or soon; closing its input lets it go
        assert child.stdin is not None
        child.stdin.close()
        child.stdin = None
    outcomes = [child.communicate(timeout=120) for child in children]
    assert [child.returncode for child in children] == [0] * 4, outcomes
    assert sorted(out.strip() for out, _ in outcomes) == ["False"] * 2 + ["True"] * 2


def test_opening_again_runs_no_migration(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_catalog(url).close()
    monkeypatch.setattr("alembic.command.upgrade", None)
    open_catalog(url).close()


def test_an_older_schema_is_brought_up_and_keeps_its_rows(url: str) -> None:
    token = TokenRow(exchange_id(1), "ci", b"d" * 32, ("read",), 1)
    gap = Gap("w", 1, 2, 3, "the disk was full")
    database = Database(url)
    migrate(database, "0001")
    with database.writing() as connection:
        add_token(connection, token)
        add_gaps(connection, [gap])
    database.close()
    with open_catalog(url) as catalog:
        assert catalog.tokens() == [token]
        assert [row.gap for row in catalog.gaps()] == [gap]
        assert catalog.commit_shipment(shipment("s", realistic(10)))
        assert catalog.count(ExchangeFilter()) == 10


def test_who_only_looks_something_up_makes_and_changes_no_tables(url: str) -> None:
    with pytest.raises(NotFound, match="no catalog"):
        open_catalog(url, create=False)
    database = Database(url)
    migrate(database, "0002")
    for create in (False, True):
        with pytest.raises(TooOld, match="0002"):
            open_catalog(url, create=create, migrate=False)
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == ["0002"]
    database.close()
    open_catalog(url).close()
    open_catalog(url, create=False).close()


def test_tables_may_be_made_by_those_who_must_not_change_them(url: str) -> None:
    with open_catalog(url, create=True, migrate=False) as catalog:
        assert catalog.count(ExchangeFilter()) == 0


def test_a_newer_schema_is_refused_and_untouched(url: str) -> None:
    with open_catalog(url) as catalog, catalog.database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(TooNew, match="9999"):
        open_catalog(url)


def test_a_migration_that_breaks_off_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr("alembic.operations.Operations.create_index", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            open_catalog(url)
    with open_catalog(url) as catalog:
        assert catalog.count(ExchangeFilter()) == 0


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:", "u:hunter2@h/d"]
)
def test_other_urls_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_catalog(url)
    assert "hunter2" not in str(caught.value)
    assert "postgresql+psycopg://" in caught.value.hint


def test_settings_name_the_file_in_the_data_folder(tmp_path: Path) -> None:
    with open_catalog(Settings(data=tmp_path / "data")) as catalog:
        assert catalog.location == f"sqlite+pysqlite:///{tmp_path / 'data' / 'catalog.sqlite'}"
    assert (tmp_path / "data" / "catalog.sqlite").exists()


def test_a_file_that_is_no_database_is_damaged_and_untouched(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    file.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(Damaged, match="rebuild-catalog"):
        open_catalog(f"sqlite:///{file}")
    assert file.read_bytes() == b"this is no database at all" * 100


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogUnavailable, match=r"file/catalog\.sqlite.*belong"):
        open_catalog(f"sqlite:///{tmp_path / 'file' / 'catalog.sqlite'}")


def test_a_full_disk_is_said_and_nothing_is_half_done(tmp_path: Path) -> None:
    with open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
        catalog.commit_shipment(shipment("s1", realistic(10)))
        before = catalog.fingerprint()
        with catalog.database.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        # SQLite's own bound stands in for the disk's: the same error code from the same place.
        with catalog.database.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(CatalogUnavailable, match=r"full.*Free space"):
            catalog.commit_shipment(shipment("s2", realistic(2000, first=10)))
        assert catalog.fingerprint() == before


def test_another_writer_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "catalog.sqlite"
    open_catalog(f"sqlite:///{file}").close()
    monkeypatch.setattr("entrepot_store.catalog.sql.engine.BUSY_SECONDS", 0.2)
    with open_catalog(f"sqlite:///{file}") as catalog:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert catalog.count(ExchangeFilter()) == 0  # reading goes on
        with pytest.raises(CatalogUnavailable, match=r"locked.*try again"):
            catalog.commit_shipment(shipment("s1"))
        other.execute("COMMIT")
        other.close()
        assert catalog.commit_shipment(shipment("s1"))


def test_what_was_committed_survives_a_kill(tmp_path: Path) -> None:
    """SIGKILL right behind the commit, with the WAL never checkpointed."""
    code = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from entrepot_store.catalog import open_catalog
from tests.support.catalog_rows import realistic, shipment
catalog = open_catalog(sys.argv[1])
catalog.commit_shipment(shipment("s1", realistic(500)))
os.kill(os.getpid(), signal.SIGKILL)
"""
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    root = str(Path(__file__).parents[2])
    child = subprocess.run([sys.executable, "-c", code, url, root], check=False, timeout=120)
    assert child.returncode == -signal.SIGKILL
    with open_catalog(url) as catalog:
        assert catalog.is_shipped("s1")
        assert catalog.count(ExchangeFilter()) == 500


@pytest.mark.postgres
def test_postgres_says_what_is_wrong_with_its_address(postgres_url: str) -> None:
    server, _, _ = postgres_url.rpartition("/")
    before, _, host = postgres_url.rpartition("@")
    user, _, password = before.rpartition(":")
    for url, said, hint in (
        (f"{server}/nothing_of_that_name", "does not exist", "CREATE DATABASE"),
        (f"{user}:wrong@{host}", "authentication failed", "User and password"),
        (f"{before}@127.0.0.1:{free_ports(1)[0]}/x", "refused", "Is PostgreSQL running"),
    ):
        with pytest.raises(CatalogUnavailable, match=said) as caught:
            open_catalog(url)
        assert hint in caught.value.hint
        assert password not in str(caught.value)
        assert password not in repr(caught.value)


@pytest.mark.postgres
def test_a_location_has_no_password(postgres_url: str) -> None:
    with open_catalog(postgres_url) as catalog:
        assert ":***@" in catalog.location


def test_a_server_that_hangs_up_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        pid = os.fork()
        if pid == 0:  # takes one connection and drops it
            listener.accept()[0].close()
            os._exit(0)
        with pytest.raises(CatalogUnavailable):
            open_catalog(f"postgresql://u:p@127.0.0.1:{port}/d")
        os.waitpid(pid, 0)


@pytest.mark.postgres
def test_a_restart_of_the_server_is_not_noticed(postgres_url: str) -> None:
    """The pool's connections are cut, as a restart does; the next call makes new ones."""
    with open_catalog(postgres_url) as catalog:
        catalog.commit_shipment(shipment("s1", realistic(10), ledger=LedgerEntry("w", 1)))
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert catalog.commit_shipment(shipment("s2", realistic(10, first=10)))
        assert catalog.count(ExchangeFilter()) == 20


@pytest.mark.postgres
def test_a_connection_cut_while_shipping_is_unavailable_and_undone(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from entrepot_store.catalog.sql import shipping

    def cut(*_: object) -> None:
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with open_catalog(postgres_url) as catalog:
        with monkeypatch.context() as patched:
            patched.setattr(shipping, "note_ledger", cut)
            with pytest.raises(CatalogUnavailable):
                catalog.commit_shipment(shipment("s1", realistic(10), ledger=LedgerEntry("w", 1)))
        assert not catalog.is_shipped("s1")
        assert catalog.commit_shipment(shipment("s1", realistic(10)))
