"""Documents as of a moment on the command line, over a real vault and catalog."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.captured import archive_of
from tests.support.faces import Ran, Stored, run_cli
from tests.support.timetravel import GONE, HOST, LOGO, PRICES, SETTINGS, History, at, stored_hour

type Cli = Callable[..., Ran]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    found = stored_hour(tmp_path_factory.mktemp("travel") / "data")
    yield found
    found.archive.catalog.close()


@pytest.fixture
def cli(found: Stored, capfdbinary: pytest.CaptureFixture[bytes]) -> Cli:
    return lambda *arguments: run_cli(capfdbinary, *arguments, "--data", found.settings.data)


def test_documents_and_versions(cli: Cli) -> None:
    listed = cli("documents", "--json").json
    assert [item["key"] for item in listed["items"]] == [GONE, LOGO, f"{PRICES}?full=yes&page=1", SETTINGS]
    assert "deleted" in cli("documents", "--deleted").out
    assert len(cli("documents", "--limit", "3").out.splitlines()) == 4
    more = cli("documents", "--limit", "3").err.split()[-1]
    assert SETTINGS in cli("documents", "--limit", "3", "--cursor", more).out
    assert cli("documents", "--key", "a", "--key", "b").code == 2
    versions = cli("versions", HOST, SETTINGS, "--json").json
    assert [version["from"] for version in versions["items"]] == [at(1), at(10), at(20), at(40)]
    assert "patch (application/merge-patch+json)" in cli("versions", HOST, SETTINGS, "--order", "newest").out
    (gone,) = [item["id"] for item in listed["items"] if item["deleted"]]
    assert cli("versions", gone).out.split()[-1] == "deleted"


def test_a_document_is_named_in_three_ways(cli: Cli) -> None:
    identifier = cli("documents", "--key", SETTINGS, "--json").json["items"][0]["id"]
    for words in ((identifier,), (HOST, SETTINGS), (f"http://{HOST}{SETTINGS}",)):
        shown = cli("show", *words, "--at", at(15))
        assert (shown.code, shown.raw) == (0, b'{"theme": "light", "size": 10}')
        assert f"from {at(10)} until {at(20)}." in shown.err
    refused: list[tuple[tuple[str, ...], int]] = [
        (("nonsense",), 2),
        ((HOST, SETTINGS, "more"), 2),
        ((HOST, "/nothing"), 9),
        (("http://elsewhere/x",), 9),
        (("http://[x/",), 2),
        (("00000000-0000-5000-8000-000000000000",), 9),
    ]
    for wrong, code in refused:
        assert cli("show", *wrong).code == code, wrong


def test_what_was_and_is_not_any_more(cli: Cli, tmp_path: Path) -> None:
    assert cli("show", HOST, GONE, "--at", at(24), "-o", tmp_path / "gone.json").code == 0
    assert (tmp_path / "gone.json").read_bytes() == b'{"a": 1}'
    gone = cli("show", HOST, GONE)
    assert (gone.code, gone.out) == (9, "")
    assert f"is deleted since {at(25)}." in gone.err
    early = cli("show", HOST, GONE, "--at", at(2))
    assert early.code == 2
    assert f"--at: at {at(2)} nothing was known" in early.err
    assert f"first capture was at {at(4)}" in early.err
    assert "lies in the future" in cli("show", HOST, GONE, "--at", "2999-01-01").err
    assert f"captured at {at(1)}" in cli("tree", "--to", HOST, "--at", at(0)).err
    assert cli("tree", "--to", "nobody").code == 9


def test_diffs_read_by_people(cli: Cli) -> None:
    lines = cli("diff", HOST, SETTINGS).out.splitlines()
    assert lines[0].startswith(f"--- {HOST} {SETTINGS}  {at(20)}  application/json  29 bytes  sha256:")
    assert lines[2:] == ["~ $.size: 10 -> 12"]
    prices = f"{PRICES}?full=yes&page=1"
    assert cli("diff", HOST, prices).out.splitlines()[2:] == ['~ row 2 (A), net: "10" -> "11"']
    assert "are not compared with each other" in cli("diff", HOST, LOGO).out
    assert cli("diff", HOST, GONE).out.splitlines()[2:] == ["The document was deleted."]
    found = cli("diff", HOST, SETTINGS, "--from", at(1), "--to", at(12), "--json").json
    assert found["changes"] == [{"op": "changed", "path": "$.theme", "from": "dark", "to": "light"}]
    again = cli("diff", HOST, SETTINGS, "--from", found["from"]["id"], "--to", at(25)).out
    assert "The bytes are the same." in again
    refused = cli("diff", HOST, SETTINGS, "--to", at(0))
    assert refused.code == 2
    assert "--to: " in refused.err


def test_trees_and_checkouts_hold_the_same(cli: Cli, tmp_path: Path) -> None:
    tree = cli("tree", "--to", HOST, "--at", at(24), "--json").json["items"]
    assert [item["document"]["key"] for item in tree] == [GONE, LOGO, f"{PRICES}?full=yes&page=1", SETTINGS]
    assert len(cli("tree", "--to", HOST).out.splitlines()) == 4
    done = cli("checkout", "--to", HOST, "--at", at(24), tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert "4 documents" in done.out
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert [entry["version"] for entry in index["documents"]] == [item["version"]["id"] for item in tree]
    taken = cli("checkout", "--to", HOST, tmp_path / "out")
    assert taken.code == 12
    assert "is not empty" in taken.err
    early = cli("checkout", "--to", HOST, "--at", at(0), tmp_path / "early")
    assert early.code == 2
    assert not (tmp_path / "early").exists()
    assert cli("checkout", "--to", HOST, tmp_path / "now", "--json").json["deleted"] == 1


def test_a_document_that_came_back_was_deleted_for_a_while(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    history = History()
    history.put(1, "/x", b'{"a": 1}')
    history.add(2, "DELETE", "/x", status=204, answer=b"")
    history.put(3, "/x", b'{"a": 2}')
    (tmp_path / "data").mkdir()
    archive_of(tmp_path / "data", history.exchanges).catalog.close()

    def cli(*arguments: object) -> Ran:
        return run_cli(capfdbinary, *arguments, "--data", tmp_path / "data")

    assert f"was deleted from {at(2)} until {at(3)}." in cli("show", HOST, "/x", "--at", at(2)).err
    assert cli("show", HOST, "/x").raw == b'{"a": 2}'
    assert "and is there again." in cli("diff", HOST, "/x").out
    assert cli("diff", HOST, "/x", "--from", at(1)).out.splitlines()[2:] == ["~ $.a: 1 -> 2"]
