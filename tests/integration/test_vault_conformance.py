"""What any vault must do, on every implementation: a directory, memory, S3 with and without retries on SeaweedFS, and
on the server that ENTREPOT_TEST_S3=http://key:secret@127.0.0.1:9000 names."""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from entrepot_store.config import S3Settings
from entrepot_store.errors import AlreadyExists, BadInput, NotFound
from entrepot_store.vault import ObjectStat, Vault
from entrepot_store.vault import s3 as s3_module
from entrepot_store.vault.directory import DirectoryVault
from entrepot_store.vault.memory import MemoryVault
from entrepot_store.vault.read_ahead import ReadAheadVault
from entrepot_store.vault.retrying import RetryingVault
from entrepot_store.vault.s3 import S3Vault
from tests.support.servers import S3Server

OTHER_SERVER = os.environ.get("ENTREPOT_TEST_S3")
KINDS = [
    "memory",
    "directory",
    "reading ahead",
    pytest.param("s3", marks=pytest.mark.s3),
    pytest.param("retrying", marks=pytest.mark.s3),
]
if OTHER_SERVER:
    KINDS.append("other")


def s3_vault(server: S3Server, bucket: str | None = None) -> S3Vault:
    settings = S3Settings(
        endpoint=server.endpoint, access_key=server.access_key, secret_key=SecretStr(server.secret_key)
    )
    return S3Vault(f"s3://{bucket or server.new_bucket()}/some/prefix", settings)


def other_server() -> S3Server:
    parts = urlsplit(OTHER_SERVER or "")
    return S3Server(f"{parts.scheme}://{parts.hostname}:{parts.port}", parts.username or "", parts.password or "")


@pytest.fixture(params=KINDS)
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vault]:
    made: Vault
    match request.param:
        case "memory":
            made = MemoryVault()
        case "directory":
            made = DirectoryVault(tmp_path / "vault")
        case "reading ahead":
            made = ReadAheadVault(DirectoryVault(tmp_path / "vault"))
        case "s3":
            made = s3_vault(request.getfixturevalue("seaweedfs"))
        case "retrying":
            made = RetryingVault(s3_vault(request.getfixturevalue("seaweedfs")))
        case _:
            made = s3_vault(other_server())
    made.check()
    yield made
    if request.param == "other":  # SeaweedFS ends with the session, and its buckets with it
        assert isinstance(made, S3Vault)
        for found in list(made.list()):
            made.delete(found.key)
        other_server().client().remove_bucket(made.bucket)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def make(content: bytes) -> Path:
        path = tmp_path / secrets.token_hex(8)
        path.write_bytes(content)
        return path

    return make


type MakeFile = Callable[[bytes], Path]


def test_what_is_put_can_be_read_whole_and_in_ranges(vault: Vault, file: MakeFile) -> None:
    content = secrets.token_bytes(300_000)
    vault.put("segments/config/a.warc.zst", file(content))

    def get(start: int = 0, length: int | None = None) -> bytes:
        return vault.get("segments/config/a.warc.zst", start, length)

    assert get() == content
    assert get(1) == content[1:]
    assert get(0, 10) == content[:10]
    assert get(1000, 70_000) == content[1000:71_000]
    assert get(299_999) == content[-1:]
    assert get(299_990, 1_000_000) == content[299_990:]
    assert get(5, 0) == b""
    assert get(300_000) == b""
    assert get(300_000, 5) == b""
    with pytest.raises(BadInput):
        get(300_001)
    with pytest.raises(BadInput):
        get(300_001, 0)
    with pytest.raises(BadInput):
        get(-1)
    with pytest.raises(BadInput):
        get(0, -1)


def test_a_stream_reads_the_same(vault: Vault, file: MakeFile) -> None:
    content = secrets.token_bytes(3_000_000)
    vault.put("a", file(content))
    with vault.open("a") as stream:
        assert stream.read(10) == content[:10]
        assert stream.read() == content[10:]
        assert stream.read() == b""
    with vault.open("a", 2_000_000, 10) as stream:
        assert stream.read() == content[2_000_000:2_000_010]
    with vault.open("a") as stream:
        assert stream.read(1) == content[:1]  # and not to the end: leaving early is no error
    with pytest.raises(NotFound), vault.open("b"):
        pass
    with pytest.raises(BadInput), vault.open("a", 3_000_001) as stream:
        stream.read()


def test_an_empty_object_is_an_object(vault: Vault, file: MakeFile) -> None:
    assert vault.put("empty", file(b"")).size == 0
    assert vault.get("empty") == b""
    assert vault.get("empty", 0, 5) == b""
    with vault.open("empty") as stream:
        assert stream.read() == b""
    assert vault.stat("empty").size == 0
    with pytest.raises(BadInput):
        vault.get("empty", 1)


def test_stat_put_and_list_agree(vault: Vault, file: MakeFile) -> None:
    put = vault.put("some/key", file(b"12345"))
    assert put == vault.stat("some/key") == next(iter(vault.list()))
    assert (put.key, put.size) == ("some/key", 5)
    assert put.stored_at > 1_700_000_000_000_000


def test_repeating_a_put_succeeds_and_changes_nothing(vault: Vault, file: MakeFile) -> None:
    first = vault.put("a", file(b"content"))
    assert vault.put("a", file(b"content")) == first


@pytest.mark.parametrize("other", [b"CONTENT", b"content and more", b"", b"contenT"])
def test_other_bytes_never_replace_an_object(vault: Vault, file: MakeFile, other: bytes) -> None:
    vault.put("a", file(b"content"))
    with pytest.raises(AlreadyExists):
        vault.put("a", file(other))
    assert vault.get("a") == b"content"


def test_what_is_not_there_is_not_found(vault: Vault, file: MakeFile) -> None:
    vault.put("there/is", file(b"x"))
    for key in ("nothing", "there", "there/is/not", "there/isnt"):
        with pytest.raises(NotFound):
            vault.get(key)
        with pytest.raises(NotFound):
            vault.get(key, 0, 0)
        with pytest.raises(NotFound):
            vault.stat(key)


def test_deleting_is_final_and_may_be_repeated(vault: Vault, file: MakeFile) -> None:
    vault.put("a/b", file(b"x"))
    vault.put("a/c", file(b"y"))
    vault.delete("a/b")
    vault.delete("a/b")
    vault.delete("never/was")
    with pytest.raises(NotFound):
        vault.stat("a/b")
    assert [found.key for found in vault.list()] == ["a/c"]
    vault.put("a/b", file(b"other"))
    assert vault.get("a/b") == b"other"


def test_a_listing_is_in_order_of_whole_keys(vault: Vault, file: MakeFile) -> None:
    # Folders do not sort as their names do: "a-b" comes before "a/b", which comes before "a0".
    keys = ["a-b", "a/b", "a/b-c/d", "a/b.c/d", "a0", "b/c/d/e", "b/c/d/f", "B", "Z/z", "_", "b/c-d", "b/c0/x"]
    for key in keys:
        vault.put(key, file(key.encode()))
    assert [found.key for found in vault.list()] == sorted(keys)
    assert [found.size for found in vault.list()] == [len(key) for key in sorted(keys)]
    for prefix in ("a", "a/", "a/b", "a/b-", "b/c", "b/c/", "b/c/d/e", "Z", "nothing", "a/b/", "_"):
        expected = sorted(key for key in keys if key.startswith(prefix))
        assert [found.key for found in vault.list(prefix)] == expected, prefix


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/..",
        "../a",
        "a/../b",
        "a/./b",
        "a b",
        "ä",
        "a\n",
        "a\\b",
        "a\x00",
        "x" * 801,
    ],
)
def test_keys_cannot_lead_out(vault: Vault, file: MakeFile, key: str) -> None:
    for call in (lambda: vault.get(key), lambda: vault.stat(key), lambda: vault.delete(key)):
        with pytest.raises(BadInput):
            call()
    with pytest.raises(BadInput):
        vault.put(key, file(b"x"))
    assert list(vault.list()) == []


@pytest.mark.parametrize("prefix", ["/", "../", "a//", "a/../", "%", "a\x00"])
def test_prefixes_cannot_lead_out(vault: Vault, prefix: str) -> None:
    with pytest.raises(BadInput):
        list(vault.list(prefix))


def test_large_files_go_up_in_parts(vault: Vault, file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_module, "PART_BYTES", 5 * 1024 * 1024)
    content = secrets.token_bytes(1024) * (12 * 1024) + b"the end"
    source = file(content)
    assert vault.put("large", source).size == len(content)
    assert vault.get("large", 5 * 1024 * 1024 - 3, 6) == content[5 * 1024 * 1024 - 3 : 5 * 1024 * 1024 + 3]
    assert vault.get("large") == content
    assert vault.put("large", source).size == len(content)
    with pytest.raises(AlreadyExists):
        vault.put("large", file(content[:-1] + b"D"))
    assert vault.get("large", len(content) - 1) == b"d"


def put_at_once(vault: Vault, sources: list[Path]) -> list[ObjectStat | None]:
    """Puts every file under one key from a thread of its own; None for those that found other bytes there."""
    start = threading.Barrier(len(sources))

    def put(source: Path) -> ObjectStat | None:
        start.wait()
        try:
            return vault.put("contested", source)
        except AlreadyExists:
            return None

    with ThreadPoolExecutor(len(sources)) as threads:
        return list(threads.map(put, sources))


def test_of_many_writers_of_one_key_exactly_one_wins(vault: Vault, file: MakeFile) -> None:
    contents = [bytes([65 + n]) * 10 for n in range(6)]
    outcomes = put_at_once(vault, [file(content) for content in contents])
    winners = [content for content, outcome in zip(contents, outcomes, strict=True) if outcome]
    assert winners == [vault.get("contested")]


def test_of_many_writers_in_parts_one_is_there_as_a_whole(
    vault: Vault, file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers may look at the condition of a multipart upload before they take it (SeaweedFS does), so that two may
    be told that they won. What stays is one of them, no mixture, and every later put of another learns of it."""
    monkeypatch.setattr(s3_module, "PART_BYTES", 5 * 1024 * 1024)
    contents = [bytes([65 + n]) * (6 * 1024 * 1024) for n in range(4)]
    sources = [file(content) for content in contents]
    outcomes = put_at_once(vault, sources)
    kept = vault.get("contested")
    winners = [content for content, outcome in zip(contents, outcomes, strict=True) if outcome]
    assert kept in winners
    if not isinstance(vault, S3Vault | RetryingVault):
        assert winners == [kept]
    for content, source in zip(contents, sources, strict=True):
        if content == kept:
            assert vault.put("contested", source).size == len(content)
        else:
            with pytest.raises(AlreadyExists):
                vault.put("contested", source)


def test_check_leaves_nothing_behind(vault: Vault) -> None:
    vault.check()
    assert list(vault.list()) == []


def test_the_location_says_where_and_no_secret(vault: Vault, seaweedfs: S3Server) -> None:
    assert vault.location
    assert seaweedfs.secret_key not in vault.location
