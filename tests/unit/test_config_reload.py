"""Reading the configuration again: when it has changed, once per change, and never half."""

import os
from pathlib import Path

import pytest

from entrepot_store.config import Reloader, Settings, load_settings, needs_restart
from entrepot_store.errors import ConfigError

RULE = '[[rule]]\nname = "{}"\n'


def names(settings: Settings | None) -> list[str]:
    assert settings is not None
    return [rule.name for rule in settings.rule]


def test_a_change_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "entrepot.toml"
    file.write_text(RULE.format("a"))
    reloader = Reloader(file, {"api": {"listen": "h:1"}})
    assert reloader.poll() is None
    file.write_text(RULE.format("longer"))
    settings = reloader.poll()
    assert names(settings) == ["longer"]
    assert settings is not None
    assert settings.api.listen == "h:1"
    assert reloader.poll() is None


def test_a_file_put_in_place_of_another_is_a_change(tmp_path: Path) -> None:
    """As editors, `mv` and Kubernetes do it; size and time may be equal."""
    file, other = tmp_path / "entrepot.toml", tmp_path / "other.toml"
    file.write_text(RULE.format("a"))
    other.write_text(RULE.format("b"))
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    reloader = Reloader(file)
    other.replace(file)
    assert names(reloader.poll()) == ["b"]


def test_a_link_that_leads_elsewhere_is_a_change(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(RULE.format(name))
        os.utime(tmp_path / name, ns=(0, 0))
    link = tmp_path / "entrepot.toml"
    link.symlink_to("a")
    reloader = Reloader(link)
    link.unlink()
    link.symlink_to("b")
    assert names(reloader.poll()) == ["b"]


def test_a_bad_file_is_told_once_and_a_good_one_is_taken_again(tmp_path: Path) -> None:
    file = tmp_path / "entrepot.toml"
    file.write_text(RULE.format("a"))
    reloader = Reloader(file)
    file.write_text(RULE.format("a") + "actoin = 1\n")
    with pytest.raises(ConfigError, match="actoin"):
        reloader.poll()
    assert reloader.poll() is None
    with pytest.raises(ConfigError, match="actoin"):
        reloader.poll(force=True)
    file.write_text(RULE.format("b"))
    assert names(reloader.poll()) == ["b"]


def test_a_file_that_goes_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "entrepot.toml"
    file.write_text(RULE.format("a"))
    reloader = Reloader(file)
    file.unlink()
    with pytest.raises(ConfigError, match="there is no such file"):
        reloader.poll()
    assert reloader.poll() is None
    file.write_text(RULE.format("a"))
    assert names(reloader.poll()) == ["a"]


def test_a_file_that_nobody_named_is_found_when_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENTREPOT_CONFIG", raising=False)
    reloader = Reloader(None)
    assert reloader.poll() is None
    assert names(reloader.poll(force=True)) == []
    Path("entrepot.toml").write_text(RULE.format("a"))
    assert names(reloader.poll()) == ["a"]


def test_what_a_running_process_cannot_take_over(tmp_path: Path) -> None:
    file = tmp_path / "entrepot.toml"
    file.write_text("")
    old = load_settings(file)
    file.write_text(
        'data = "elsewhere"\n[proxy]\nlisten = "h:1"\nredact_headers = []\n[spool]\nsync_ms = 1\n' + RULE.format("a")
    )
    assert needs_restart(old, load_settings(file)) == ["data", "proxy.listen", "spool.sync_ms"]
    assert needs_restart(old, old) == []
