"""Names of files out of keys that a hostile peer chose."""

import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from uuid import UUID, uuid5

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrepot_store.checkout.names import LONGEST_NAME, LONGEST_PATH, FileNames

SPACE = UUID("6f4b4c1e-8a57-5d0c-9d0e-0f1c86a0b6d5")


def name_of(key: str, media_type: str = "application/json") -> str:
    return str(FileNames().claim(key, media_type, uuid5(SPACE, key)))


@pytest.mark.parametrize(
    ("key", "media_type", "expected"),
    [
        ("/v1/settings/7", "application/json", "v1/settings/7.json"),
        ("/v1/settings/7?full=1&x=a/b", "application/vnd.api+json", "v1/settings/7%3Ffull=1%26x=a%2Fb.json"),
        ("/reports/q3.CSV", "text/csv; charset=utf-8", "reports/q3.CSV"),
        ("/reports/q3.csv", "application/json", "reports/q3.csv.json"),
        ("/export", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "export.xlsx"),
        ("/table", "application/vnd.apache.parquet", "table.parquet"),
        ("/", "text/html", "_.html"),
        ("/a//b/", "text/plain", "a/_/b/_.txt"),
        ("/run.exe", "application/x-msdownload", "run.exe.bin"),
        ("POST /v1/orders", "application/json", "POST%20/v1/orders.json"),
        ("/../../etc/passwd", "text/plain", "%2E%2E/%2E%2E/etc/passwd.txt"),
        ("/.git/config", "", "%2Egit/config.bin"),
        ("/-rf", "", "%2Drf.bin"),
        ("/a/NUL", "", "a/%4EUL.bin"),
        ("/con.d/x", "", "%63on.d/x.bin"),
        ("/a\\b:c\x00\n", "", "a%5Cb%3Ac%00%0A.bin"),
        ("/m%C3%BCller/müller", "", "m%C3%BCller/m%C3%BCller.bin"),
        ("/50%", "", "50%25.bin"),
        ("/index.json", "application/json", "index~{id}.json"),
    ],
)
def test_names(key: str, media_type: str, expected: str) -> None:
    document = uuid5(SPACE, key)
    assert name_of(key, media_type) == expected.replace("{id}", document.hex[:8])


def test_a_name_undone_as_a_url_is_the_key() -> None:
    for key in ("/v1/settings/7?full=1", "/../x", "/-a/~b/con?q=é"):
        assert unquote(name_of(key, "text/plain")) == f"{key[1:]}.txt"


def test_files_folders_and_cases_do_not_collide() -> None:
    names = FileNames()
    keys = [
        "/a.json",
        "/a.json/7",
        "/A.JSON",
        "/users/Ada",
        "/users/ada",
        "/Users/ADA",
        "/users",
        "/x/y.json/z",
        "/x/y",
    ]
    claimed = [names.claim(key, "application/json", uuid5(SPACE, key)) for key in keys]
    assert str(claimed[0]) == "a.json"
    assert re.fullmatch(r"a\.json~[0-9a-f]{12}/7\.json", str(claimed[1]))
    assert re.fullmatch(r"A~[0-9a-f]{8}\.JSON", str(claimed[2]))
    check(claimed)


def test_long_keys_keep_apart() -> None:
    names = FileNames()
    long = "x" * 1000
    keys = [
        f"/{long}",
        f"/{long}y",
        f"/{long}/a",
        f"/{long}z/a",
        *("/d" * depth + "/" + long for depth in range(3, 90)),
    ]
    check([names.claim(key, "application/json", uuid5(SPACE, key)) for key in keys])


def check(claimed: list[PurePosixPath]) -> None:
    """What holds for every set of names."""
    files = {str(file).lower() for file in claimed}
    folders = {str(folder).lower() for file in claimed for folder in file.parents}
    assert len(files) == len(claimed)
    assert not files & (folders | {"index.json"})
    for file in claimed:
        assert not file.is_absolute()
        assert len(str(file)) <= LONGEST_PATH
        for part in file.parts:
            assert len(part) <= LONGEST_NAME
            assert re.fullmatch(r"[A-Za-z0-9%_][A-Za-z0-9%_.,=+@~-]*", part), part
            assert not part.endswith(".")
            assert not re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)", part), part


parts = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["", ".", "..", "con", "COM1.x", "a", "A", "a.json", "index.json", "~", "-", "%2e", "é" * 60]),
)


paths = st.lists(parts, min_size=1, max_size=8).map(lambda found: "/" + "/".join(found))


@given(st.lists(paths, unique=True, max_size=9))
@example(["/a", "/a.json", "/A.json/b", "/a.JSON/B", "/a~0123456789ab.json"])
def test_no_set_of_keys_makes_a_name_that_hurts(keys: list[str]) -> None:
    names = FileNames()
    check([names.claim(key, "application/json", uuid5(SPACE, key)) for key in keys])


def test_all_of_them_can_be_made(tmp_path: Path) -> None:
    names = FileNames()
    for key in ("/../../a", "/con/NUL", "/" + "é" * 3000, "/a/" * 300, "/\x00/\x1b[2J", "C:\\windows", "//host/share"):
        file = tmp_path / names.claim(key, "text/plain", uuid5(SPACE, key))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(exist_ok=False)
        assert file.resolve().is_relative_to(tmp_path)
