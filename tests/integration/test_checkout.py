"""A product's documents as files, out of a real vault and catalog."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from entrepot_store.archive import Archive
from entrepot_store.checkout import checkout
from entrepot_store.errors import AlreadyExists, BadInput, NotFound, VaultUnavailable
from tests.support.captured import archive_of
from tests.support.timetravel import GONE, HOST, SETTINGS, History, an_hour, at, minute


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    history = an_hour()
    history.put(5, "/v1/../../escape", b"{}")
    history.put(6, "/v1/Settings/7", b"not json")
    found = archive_of(tmp_path, history.exchanges)
    yield found
    found.catalog.close()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_documents_as_of_a_moment_are_files_with_an_index(archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done: list[int] = []
    result = checkout(archive, HOST, minute(11), folder, progress=done.append)
    index = json.loads((folder / "index.json").read_text())
    assert (index["destination"], index["at"], index["deleted"], index["failed"]) == (HOST, at(11), 0, [])
    by_key = {entry["key"]: entry for entry in index["documents"]}
    found = files(folder)
    assert found.keys() == {entry["file"] for entry in index["documents"]} | {"index.json"}
    assert found[by_key[SETTINGS]["file"]] == b'{"theme": "light", "size": 10}'
    assert found["v1/prices%3Ffull=yes%26page=1.csv"] == b"sku,net\nA,10\nB,20\n"
    assert found["v1/%2E%2E/%2E%2E/escape.json"] == b"{}"
    assert found["v1/logo.png"].startswith(b"\x89PNG")
    assert by_key["/v1/Settings/7"]["malformed"]
    assert by_key["/v1/Settings/7"]["file"] == "v1/Settings/7.json"
    assert re.fullmatch(r"v1/settings/7~[0-9a-f]{8}\.json", by_key[SETTINGS]["file"])  # the same to some file systems
    for entry in index["documents"]:
        path = folder / entry["file"]
        assert entry["digest"] == f"sha256:{sha256(path.read_bytes()).hexdigest()}"
        assert entry["size"] == path.stat().st_size
        assert path.stat().st_mode & 0o777 == 0o600
    settings = by_key[SETTINGS]
    assert settings["from"] == at(10)
    assert (folder / settings["file"]).stat().st_mtime_ns == minute(10) * 1000
    version = archive.catalog.documents.version_at(archive.catalog.documents.find(HOST, SETTINGS).id, minute(11))
    assert version is not None
    assert (settings["version"], settings["exchange"]) == (str(version.id), str(version.exchange))
    assert (result.files, result.deleted, done[-1]) == (6, 0, 6)
    assert result.size == sum(entry["size"] for entry in index["documents"])
    assert all(path.stat().st_mode & 0o777 == 0o700 for path in (folder, folder / "v1"))


def test_deleted_ones_have_no_file_and_a_patch_is_applied(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = checkout(archive, HOST, minute(50), tmp_path / "empty")
    index = json.loads((tmp_path / "empty" / "index.json").read_text())
    assert result.deleted == index["deleted"] == 1
    assert GONE not in {entry["key"] for entry in index["documents"]}
    (settings,) = (entry["file"] for entry in index["documents"] if entry["key"] == SETTINGS)
    assert json.loads((tmp_path / "empty" / settings).read_bytes()) == {"theme": "dark", "size": 12}
    assert "v1/logo.json" in files(tmp_path / "empty")


def test_nothing_is_overwritten_and_nothing_half_is_left(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(tmp_path.iterdir())
    with pytest.raises(NotFound, match="no documents"):
        checkout(archive, HOST, minute(0), tmp_path / "out")
    with pytest.raises(NotFound, match="is no folder"):
        checkout(archive, HOST, minute(50), tmp_path / "missing" / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    for taken in (tmp_path / "full", tmp_path / "full" / "mine"):
        with pytest.raises(AlreadyExists, match="new folder"):
            checkout(archive, HOST, minute(50), taken)
    assert files(tmp_path / "full") == {"mine": b"mine"}
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(BadInput, match="current folder"):
        checkout(archive, HOST, minute(50), Path())

    def interrupted(done: int) -> None:
        if done == 3:
            (tmp_path / "raced").mkdir()
            (tmp_path / "raced" / "theirs").touch()

    with pytest.raises(AlreadyExists, match="meanwhile"):
        checkout(archive, HOST, minute(50), tmp_path / "raced", progress=interrupted)
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space left"):
        checkout(archive, HOST, minute(50), tmp_path / "out")
    assert set(tmp_path.iterdir()) == before | {tmp_path / "full", tmp_path / "here", tmp_path / "raced"}


def test_damage_leaves_out_what_it_hit_and_says_so(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = archive.body

    def body(row, side):  # type: ignore[no-untyped-def] # stands in for Archive.body
        if row.path == SETTINGS:
            raise NotFound("The segment is gone.")
        if row.path == GONE and unavailable:
            raise VaultUnavailable("The vault is away.")
        return whole(row, side)

    unavailable = False
    monkeypatch.setattr(archive, "body", body)
    result = checkout(archive, HOST, minute(11), tmp_path / "out")
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert [failed.key for failed in result.failed] == [failed["key"] for failed in index["failed"]] == [SETTINGS]
    assert index["failed"][0]["reason"] == "The segment is gone."
    assert SETTINGS not in {entry["key"] for entry in index["documents"]}
    assert len(files(tmp_path / "out")) == len(index["documents"]) + 1
    assert "v1/logo.png" in files(tmp_path / "out")
    unavailable = True
    with pytest.raises(VaultUnavailable):
        checkout(archive, HOST, minute(11), tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_a_second_checkout_is_the_same(tmp_path: Path) -> None:
    history = History()
    for number in range(30):
        history.put(number, f"/{'aA'[number % 2]}/{number // 4}", b'{"n": %d}' % number)
    archive = archive_of(tmp_path, history.exchanges)
    for name in ("one", "two"):
        checkout(archive, HOST, minute(50), tmp_path / name)
    archive.catalog.close()
    assert files(tmp_path / "one") == files(tmp_path / "two")
