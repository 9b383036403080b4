"""compact, prune, pins, holds and expunge as a person uses them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from entrepot_store.config import load_settings
from entrepot_store.documents import recipes_of
from tests.support.faces import run_cli
from tests.support.retained import LONG, Store

CONFIG = """
[[rule]]
name = "settings"
action = "protect"
class = "settings"
keep = { last = 1 }
index = { customer = "$.customer" }
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "entrepot.toml").write_text(CONFIG)
    store = Store(tmp_path)
    store.recipes = recipes_of(load_settings(tmp_path / "entrepot.toml").rule)
    for day in range(6):
        store.add("PUT", "/v1/a", day, b'{"customer": %d, "pad": "%s"}' % (day, LONG))
    store.ship(each=1)
    yield store
    store.catalog.close()


def test_the_commands(store: Store, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    def cli(*arguments: str, code: int = 0) -> tuple[str, str]:
        config = ("--config", str(store.folder / "entrepot.toml"), "--data", str(store.folder))
        ran = run_cli(capfdbinary, *arguments, *config)
        assert ran.code == code, ran
        return ran.out, ran.err

    def as_json(*arguments: str) -> dict[str, object]:
        return dict(json.loads(cli(*arguments, "--json")[0]))

    segments: Callable[[], int] = lambda: len(list(store.vault.list("segments/")))  # noqa: E731 - counted again and again
    assert "0 of" not in cli("compact", "--all", "--grace", "0s")[0]
    assert segments() == 1
    assert "nothing to merge" in cli("compact", "--all")[0]

    # Pins and holds keep what the rule would let go.
    pin = cli("pin", "orders", "/v1/a", "--at", "2025-11-24T12:00:00Z", "--note", "audit", "--by", "ann")[0].strip()
    assert as_json("pins")["items"][0]["note"] == "audit"  # type: ignore[index]  # a list of objects
    hold = cli("hold", "place", "settings", "--reason", "case 7")[0].strip()
    assert "legal hold" in cli("prune", "--yes")[1]
    assert len(store.versions("/v1/a")) == 6
    assert "Nothing was changed" in cli("expunge", "--subject", "customer=5", "--reason", "x", "--yes", code=14)[1]
    cli("hold", "release", hold)
    assert as_json("hold")["items"] == []

    # A dry run says what goes and why; --yes does that.
    plan = as_json("prune")
    assert (plan["exchanges"], len(store.versions("/v1/a"))) == (4, 6)
    table, said = cli("prune", "--verbose")
    assert "pinned" in table
    assert "nothing: it goes" in table
    assert "Nothing was changed" in said
    assert as_json("prune", "--yes")["removed"] == 4
    assert len(store.versions("/v1/a")) == 2
    cli("unpin", pin)
    assert as_json("prune", "--yes")["removed"] == 1

    # Expunge lists first, wants a reason, and leaves what is known beside the payload.
    found = as_json("expunge", "--subject", "customer=5")["exchanges"]
    assert found == [str(store.exchanges[5].id)]
    cli("expunge", "--subject", "customer=5", "--yes", code=2)
    assert as_json("expunge", "--subject", "customer=5", "--reason", "asked", "--yes")["exchanges"] == 1
    row = store.catalog.exchange(store.exchanges[5].id)
    assert (row.request.size, row.url) == (0, "http://orders.internal/v1/a")
    assert as_json("expunge", "--yes")["erasure"] is None, "nothing was left to do"
    cli("expunge", "--payload", "md5:00", code=2)
