"""Documents that clients made odd: only ever patched, kept packed, named at length or by a listener's address."""

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from entrepot_api.http import create_app
from entrepot_api.tokens import create_token
from entrepot_store.catalog import open_catalog
from entrepot_store.clock import SystemClock
from entrepot_store.config import Settings
from entrepot_store.vault.directory import DirectoryVault
from tests.support.captured import archive_of
from tests.support.faces import Ran, run_cli
from tests.support.timetravel import HOST, History

PATCHED, PACKED, LONG = "/v1/patched", "/v1/packed", "/v1/" + "a/" * 10_000 + "end"
PACKED_AS = ((b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip"))
CONFIG = f"""
[proxy]
reverse = [{{name = "{HOST}", target = "http://127.0.0.1:1", listen = "127.0.0.1:9473"}}]
"""

type Cli = Callable[..., Ran]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hostile") / "data"
    folder.mkdir()
    history = History()
    history.add(5, "PATCH", PATCHED, b'{"a": 1}', headers=((b"Content-Type", b"application/merge-patch+json"),))
    for number in (1, 2):
        history.add(number, "PUT", PACKED, gzip.compress(b'{"n": %d}' % number), headers=PACKED_AS)
        history.exchanges[-1].request.body.wire = True
    history.put(3, LONG, b"{}")
    history.put(4, "/v1/short", b"{}")
    archive = archive_of(folder, history.exchanges)
    (folder / "entrepot.toml").write_text(CONFIG)
    yield folder
    archive.catalog.close()


@pytest.fixture
def cli(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Cli:
    return lambda *words: run_cli(capfdbinary, *words, "--data", data, "--config", data / "entrepot.toml")


def test_what_was_only_ever_changed_is_no_damage(cli: Cli, tmp_path: Path) -> None:
    done = cli("checkout", "--to", HOST, tmp_path / "out")
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert (done.code, [failed["key"] for failed in index["failed"]]) == (13, [PATCHED])
    assert "only changes of them were captured" in done.err
    (packed,) = [entry for entry in index["documents"] if entry["key"] == PACKED]
    assert packed["content_encoding"] == "gzip"
    assert gzip.decompress((tmp_path / "out" / packed["file"]).read_bytes()) == b'{"n": 2}'
    assert "patch (application/merge-patch+json)" in cli("tree", "--to", HOST).out


def test_packed_contents_are_compared_by_what_is_in_them(cli: Cli) -> None:
    assert "~ $.n: 1 -> 2" in cli("diff", HOST, PACKED).out


def test_packed_contents_say_so_over_http(data: Path) -> None:
    with open_catalog(f"sqlite:///{data / 'catalog.sqlite'}") as catalog:
        _, token = create_token(catalog, SystemClock(), name="reader")
        app = create_app(Settings(data=data), catalog, DirectoryVault(data / "vault"))
        packed, patched = (catalog.documents.find(HOST, key).id for key in (PACKED, PATCHED))

        async def ask(document: UUID) -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
                headers = {"Authorization": f"Bearer {token}"}
                return await client.get(f"/v1/documents/{document}/content", headers=headers)

        found = asyncio.run(ask(packed))
        assert (found.headers["Content-Encoding"], found.json()) == ("gzip", {"n": 2})  # httpx undoes it
        unknown = asyncio.run(ask(patched))
        assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:entrepot:problem:never-seen")


def test_one_long_key_does_not_widen_every_line(cli: Cli) -> None:
    lines = {line for command in (("documents",), ("tree", "--to", HOST)) for line in cli(*command).out.splitlines()}
    assert len(lines) == 10
    assert sorted(len(line) > 500 for line in lines) == [False] * 8 + [True] * 2
    assert all(line == line.rstrip() for line in lines)


def test_a_url_may_name_the_listener_or_be_none(cli: Cli) -> None:
    assert cli("show", "http://127.0.0.1:9473/v1/short").raw == b"{}"
    for words in (("show", "http://[bad"), ("rules", "explain", "http://[bad")):
        assert (cli(*words).code, "Internal" in cli(*words).err) == (2, False)
