"""`prune`, `compact` and `expunge`, as a person starts them, killed with SIGKILL in the middle of their work in the
vault, and started again: what must be kept reads byte for byte at every moment, what should be gone is gone in the end,
and the vault alone tells the same.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.config import load_settings
from entrepot_store.documents import recipes_of
from entrepot_store.model import Exchange
from tests.support.retained import LONG, Store, check_readable, same

CONFIG = """
[[rule]]
name = "settings"
action = "protect"
class = "settings"
keep = { last = 2 }
index = { customer = "$.customer" }

[[rule]]
name = "other"
action = "protect"
class = "other"
keep = { last = 1 }
"""
SECRET = "Erika-Mustermann-1964"
PERSON = b'{"customer": "%s", "pad": "%s"}' % (SECRET.encode(), LONG)

KILLED = """
import os, signal, sys

wanted, number, vault = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seen = 0

def watch(event, arguments):
    global seen
    if event not in ("os.remove", "open") or not isinstance(arguments[0], (str, os.PathLike)):
        return
    path = os.fspath(arguments[0])
    if not path.startswith(vault + "/") or os.path.isdir(path):
        return
    partial = os.path.basename(path).startswith(".partial-")
    if event == "open":
        happens = "" if partial else "read"
    else:
        happens = "stored" if partial else "delete"  # a partial file goes when the object has its name
    if happens == wanted:
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
sys.argv[:4] = ["entrepot"]
from entrepot_api.cli import main
main()
"""
"""The command, which ends itself when the Nth object of the vault has been stored, or is about to be deleted or read:
the same instants in every run, whatever the machine is doing."""

COMMANDS = {
    "prune": ("prune", "--yes", "--grace", "0s"),
    "compact": ("compact", "--all", "--grace", "0s"),
    "expunge": ("expunge", "--subject", f"customer={SECRET}", "--reason", "asked", "--by", "ann", "--yes"),
}
POINTS = {
    "prune": (("stored", 1), ("stored", 3), ("read", 9), ("delete", 2)),
    "compact": (("stored", 1), ("read", 9), ("stored", 2), ("delete", 3)),
    "expunge": (("stored", 1), ("stored", 2), ("read", 6), ("delete", 2)),
}


def filled(folder: Path) -> Store:
    (folder / "entrepot.toml").write_text(CONFIG)
    store = Store(folder)
    store.recipes = recipes_of(load_settings(folder / "entrepot.toml").rule)
    for day in range(6):
        shared = b'{"n": %d, "pad": "%s"}' % (day % 4, LONG)
        store.add("PUT", "/v1/a", day, shared)
        store.add("PUT", "/v1/b", day + 0.1, shared)  # revisits what the one before brought
        store.add("GET", "/v1/c", day + 0.2, shared, rule="other")
        if day in (1, 4, 5):
            store.add("PUT", "/v1/customers/7", day + 0.3, PERSON)
    store.ship(each=5)
    return store


def of_person(exchange: Exchange) -> bool:
    return exchange.request.path == b"/v1/customers/7"


def run(store: Store, command: str, kind: str = "", number: int = 0) -> subprocess.CompletedProcess[str]:
    arguments = (*COMMANDS[command], "--config", str(store.folder / "entrepot.toml"), "--data", str(store.folder))
    script = [sys.executable, "-c", KILLED, kind, str(number), str(store.folder / "vault"), *arguments]
    return subprocess.run(script, capture_output=True, text=True, check=False, timeout=120, env=os.environ)


def kept(store: Store) -> dict[str, int]:
    paths = store.paths()
    return {path: paths.count(path) for path in sorted(set(paths))}


def files_with(folder: Path, text: bytes) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


def check_pruned(store: Store) -> None:
    assert kept(store) == {"GET /v1/c": 1, "PUT /v1/a": 2, "PUT /v1/b": 2, "PUT /v1/customers/7": 3}
    assert list(store.vault.list("removals/")) == []


def check_compacted(store: Store) -> None:
    assert kept(store) == {"GET /v1/c": 6, "PUT /v1/a": 6, "PUT /v1/b": 6, "PUT /v1/customers/7": 3}
    assert len(list(store.vault.list("segments/"))) == 2


def check_expunged(store: Store) -> None:
    assert kept(store) == {"GET /v1/c": 6, "PUT /v1/a": 6, "PUT /v1/b": 6, "PUT /v1/customers/7": 3}
    rows = [row for row in store.catalog.iterate(ExchangeFilter()) if row.path == "/v1/customers/7"]
    assert [row.request.size for row in rows] == [0, 0, 0]
    assert files_with(store.folder, SECRET.encode()) == []


CHECKS: dict[str, Callable[[Store], None]] = {
    "prune": check_pruned,
    "compact": check_compacted,
    "expunge": check_expunged,
}


@pytest.mark.parametrize(
    ("command", "kind", "number"), [(command, *point) for command, points in POINTS.items() for point in points]
)
def test_killed_and_started_again(tmp_path: Path, command: str, kind: str, number: int) -> None:
    store = filled(tmp_path)
    forgotten = of_person if command == "expunge" else lambda _: False
    killed = run(store, command, kind, number)
    assert killed.returncode == -signal.SIGKILL, killed
    check_readable(store.catalog, store, forgotten)
    after = store.rebuilt(forgotten)
    after.close()
    again = run(store, command)
    assert again.returncode == 0, again
    CHECKS[command](store)
    check_readable(store.catalog, store, forgotten)
    assert not list((tmp_path / "upkeep").iterdir()), "copies of segments that a killed run made"
    other = store.rebuilt(forgotten)
    assert same(other, store.catalog)
    other.close()
    store.catalog.close()
