"""A catalog opened twice in one process, and by another process meanwhile: nobody's view or write is lost.

POSIX drops all of a process's locks on a file when it closes any descriptor of it; SQLite must be the only one that
opens its file (https://www.sqlite.org/howtocorrupt.html, 2.2).
"""

import subprocess
import sys
from pathlib import Path

from entrepot_api.tokens import create_token, valid_token
from entrepot_store.catalog import open_catalog
from entrepot_store.clock import SystemClock


def create_elsewhere(data: Path, name: str) -> str:
    """A token made by another process, which is the last to close the catalog as far as its locks tell."""
    command = [sys.executable, "-m", "entrepot_api", "token", "create", name, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_opening_it_again_takes_nothing_from_the_first(tmp_path: Path) -> None:
    data, clock = tmp_path / "data", SystemClock()
    url = f"sqlite:///{data / 'catalog.sqlite'}"
    first = open_catalog(url)
    try:
        assert first.tokens() == []
        open_catalog(url).close()
        elsewhere = create_elsewhere(data, "elsewhere")
        assert valid_token(first, clock, elsewhere) is not None
        _, ours = create_token(first, clock, name="ours")
        later = create_elsewhere(data, "later")
        second = open_catalog(url)
        try:
            for catalog in (first, second):
                assert all(valid_token(catalog, clock, secret) for secret in (elsewhere, ours, later))
        finally:
            second.close()
    finally:
        first.close()
