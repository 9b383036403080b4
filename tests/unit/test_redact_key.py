"""The redaction key: made once, whole, for its owner alone, and the same for everybody who asks."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot_store.errors import ConfigError
from entrepot_store.redact import load_key


@pytest.fixture(autouse=True)
def no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENTREPOT_REDACTION_KEY", raising=False)


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = load_key(tmp_path / "new" / "data")
    path = tmp_path / "new" / "data" / "redaction.key"
    assert len(key) == 32
    assert path.read_bytes() == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_key(path.parent) == key
    assert [entry.name for entry in path.parent.iterdir()] == ["redaction.key"]
    assert load_key(tmp_path / "other") != key


def test_processes_that_race_end_with_the_same_key(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from entrepot_store.redact import load_key\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(load_key(pathlib.Path(sys.argv[1])).hex(), flush=True)"
    )
    data = tmp_path / "data"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    keys = {child.communicate(timeout=60)[0].strip() for child in children}
    assert keys == {(data / "redaction.key").read_bytes().hex()}
    assert [entry.name for entry in data.iterdir()] == ["redaction.key"]


def test_who_comes_second_takes_the_first_ones_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window of the race, held open: the file appears after this process has found it missing."""
    real = Path.hardlink_to

    def lose(self: Path, target: Path) -> None:
        self.write_bytes(b"1" * 32)
        self.chmod(0o600)
        real(self, target)

    monkeypatch.setattr(Path, "hardlink_to", lose)
    assert load_key(tmp_path) == b"1" * 32
    assert [entry.name for entry in tmp_path.iterdir()] == ["redaction.key"]


def test_many_proxies_share_one_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_REDACTION_KEY", " " + "0f" * 32 + "\n")
    assert load_key(tmp_path) == b"\x0f" * 32
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["0f" * 31, "0f" * 33, "xy" * 32, "secret words"])
def test_a_malformed_variable_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("ENTREPOT_REDACTION_KEY", text)
    with pytest.raises(ConfigError, match="ENTREPOT_REDACTION_KEY: is not 64 hex digits") as caught:
        load_key(tmp_path)
    assert text not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_key_of_another_size_is_refused_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "redaction.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=f"holds {len(content)} bytes where a redaction key has 32"):
        load_key(tmp_path)
    assert path.read_bytes() == content


def test_a_key_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    load_key(tmp_path)
    path = tmp_path / "redaction.key"
    path.chmod(0o604)
    with pytest.raises(ConfigError, match=r"everybody .* chmod 600"):
        load_key(tmp_path)


def test_a_folder_that_cannot_hold_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(ConfigError, match=r"data/redaction\.key: .* ENTREPOT_REDACTION_KEY"):
        load_key(tmp_path / "data")
