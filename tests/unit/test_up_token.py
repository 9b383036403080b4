"""The token of `up`: the same over restarts, known to whatever catalog is used, never in the catalog itself."""

import stat
from pathlib import Path

from entrepot_api.supervisor.token_file import ensure_token
from entrepot_api.tokens import Scope, allows, valid_token
from entrepot_store.catalog import open_catalog
from entrepot_store.clock import FixedClock


def test_token_is_private_and_stays_the_same(tmp_path: Path) -> None:
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    first = ensure_token(tmp_path, catalog)
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert ensure_token(tmp_path, catalog) == first
    assert len(catalog.tokens()) == 1
    row = valid_token(catalog, FixedClock(), first)
    assert row is not None
    assert all(allows(row, scope) for scope in Scope)
    catalog.close()
    assert first.encode() not in (tmp_path / "catalog.sqlite").read_bytes()


def test_new_catalog_learns_the_old_token(tmp_path: Path) -> None:
    one, other = (open_catalog(f"sqlite:///{tmp_path / name}") for name in ("one.sqlite", "other.sqlite"))
    token = ensure_token(tmp_path, one)
    assert ensure_token(tmp_path, other) == token
    assert valid_token(other, FixedClock(), token)
    one.close()
    other.close()


def test_revoked_token_is_replaced_and_stays_revoked(tmp_path: Path) -> None:
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    clock = FixedClock()
    revoked = ensure_token(tmp_path, catalog, clock)
    catalog.revoke_token(catalog.tokens()[0].id, clock.now())
    fresh = ensure_token(tmp_path, catalog, clock)
    assert fresh != revoked
    assert valid_token(catalog, clock, revoked) is None
    assert valid_token(catalog, clock, fresh)
    assert (tmp_path / "token").read_text().strip() == fresh
    catalog.close()
