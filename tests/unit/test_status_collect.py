"""The status says how things are when nothing runs, when parts died, and when vault or catalog are away."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from entrepot_api.status import collect
from entrepot_store.catalog import Shipment, open_catalog
from entrepot_store.clock import FixedClock, to_rfc3339
from entrepot_store.config import Settings
from entrepot_store.errors import CatalogUnavailable, VaultUnavailable
from entrepot_store.model import Gap, LedgerEntry
from entrepot_store.spool import SpoolFolder, SpoolName
from entrepot_store.state import StateFile, read_state, write_private
from entrepot_store.vault import open_vault

CLOCK = FixedClock()


def state(data: Path, part: str, *, age: float = 0.5, **facts: Any) -> None:
    at = CLOCK.now() - round(age * 1_000_000)
    content = {"part": part, "pid": 4711, "started_at": to_rfc3339(at), "updated_at": to_rfc3339(at)}
    content |= {"ready": True, "last_error": None, **facts}
    write_private(data / "run" / f"{part}.json", json.dumps(content))


def supervised(*, ready: bool, restarts: int = 0, last_end: dict[str, str] | None = None) -> dict[str, Any]:
    return {"pid": 4711, "ready": ready, "restarts": restarts, "last_end": last_end}


def test_where_nothing_ever_ran_everything_is_stopped_and_nothing_is_made(tmp_path: Path) -> None:
    status = collect(Settings(data=tmp_path / "none"), None, None, CLOCK)
    assert {name: part["state"] for name, part in status["parts"].items()} == dict.fromkeys(
        ("proxy", "ship", "api"), "stopped"
    )
    assert status["seconds_behind"] == 0
    assert status["spool"]["files"] == 0
    assert status["ledger"] is None
    assert status["problems"] == []
    assert not (tmp_path / "none").exists()


def test_seconds_behind_is_the_age_of_the_oldest_file(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path / "spool")
    for age, suffix in ((90, ".sealed"), (300, ".damaged"), (120.5, ".abandoned"), (1, ".open")):
        name = SpoolName(CLOCK.now() - round(age * 1_000_000), "w1", 1)
        (spool.path / f"{name}{suffix}").write_bytes(b"12345")
    status = collect(Settings(data=tmp_path), None, None, CLOCK)
    assert status["seconds_behind"] == 120.5
    assert (status["spool"]["files"], status["spool"]["bytes"], status["spool"]["damaged"]) == (3, 20, 1)
    assert any("damaged" in problem for problem in status["problems"])
    assert any("wait 120 s" in problem for problem in status["problems"])


def test_part_that_writes_is_running_one_that_stopped_writing_is_stale(tmp_path: Path) -> None:
    state(tmp_path, "proxy")
    state(tmp_path, "ship", age=6)
    status = collect(Settings(data=tmp_path), None, None, CLOCK)
    assert {name: part["state"] for name, part in status["parts"].items()} == {
        "proxy": "running",
        "ship": "stale",
        "api": "stopped",
    }
    assert status["parts"]["proxy"]["pid"] == 4711
    assert status["problems"] == ["ship does not work: it stopped saying how it is"]


def test_part_that_the_supervisor_saw_die_is_stale_at_once_with_the_reason(tmp_path: Path) -> None:
    end = {"at": "2026-01-01T00:00:00.000000Z", "message": "proxy ended with signal 9"}
    state(tmp_path, "proxy")
    state(tmp_path, "up", parts={"proxy": supervised(ready=False, restarts=3, last_end=end)})
    proxy = collect(Settings(data=tmp_path), None, None, CLOCK)["parts"]["proxy"]
    assert (proxy["state"], proxy["restarts"], proxy["last_error"]) == ("stale", 3, end)


def test_part_that_works_again_keeps_its_restarts_and_last_end(tmp_path: Path) -> None:
    end = {"at": "2026-01-01T00:00:00.000000Z", "message": "proxy ended with signal 9"}
    state(tmp_path, "proxy")
    state(tmp_path, "up", parts={"proxy": supervised(ready=True, restarts=3, last_end=end)})
    status = collect(Settings(data=tmp_path), None, None, CLOCK)
    assert status["parts"]["proxy"]["state"] == "running"
    assert status["parts"]["proxy"]["last_error"] == end
    assert status["problems"] == []


def test_what_a_running_part_complains_of_is_a_problem(tmp_path: Path) -> None:
    rules = {"loaded_at": "2026-01-01T00:00:00.000000Z", "error": "entrepot.toml: rule[0].acton: no such key"}
    state(tmp_path, "proxy", spool_error="No space left on device", rules=rules)
    lost, refused = collect(Settings(data=tmp_path), None, None, CLOCK)["problems"]
    assert (lost, "rule[0].acton" in refused) == ("proxy cannot keep what it captures: No space left on device", True)
    quiet = {"waiting_bytes": 0, "withheld": 0, "last_withheld": None}
    state(tmp_path, "proxy", spool_error=None, rules=rules | {"error": None}, redaction=quiet)
    assert collect(Settings(data=tmp_path), None, None, CLOCK)["problems"] == []
    state(tmp_path, "proxy", redaction=quiet | {"withheld": 2, "last_withheld": "it is not valid JSON"})
    (withheld,) = collect(Settings(data=tmp_path), None, None, CLOCK)["problems"]
    assert "did not keep 2 bodies that it had to redact and could not (the last: it is not valid JSON)" in withheld


def test_words_of_a_supervisor_that_is_gone_do_not_count(tmp_path: Path) -> None:
    state(tmp_path, "proxy")
    state(tmp_path, "up", age=60, parts={"proxy": supervised(ready=False)})
    assert collect(Settings(data=tmp_path), None, None, CLOCK)["parts"]["proxy"]["state"] == "running"


def test_part_that_died_before_it_wrote_anything_is_stale(tmp_path: Path) -> None:
    state(tmp_path, "up", parts={"api": supervised(ready=False)})
    assert collect(Settings(data=tmp_path), None, None, CLOCK)["parts"]["api"]["state"] == "stale"


def test_catalog_and_vault_that_are_away_are_said(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, catalog="postgresql+psycopg://entrepot:secret@127.0.0.1:1/entrepot")
    status = collect(settings, CatalogUnavailable("No answer."), VaultUnavailable("No route."), CLOCK)
    assert status["catalog"] == {
        "location": "postgresql+psycopg://entrepot:***@127.0.0.1:1/entrepot",
        "error": "No answer.",
    }
    assert status["vault"]["error"] == "No route."
    assert status["exchanges"] is None
    assert "secret" not in json.dumps(status)
    assert len(status["problems"]) == 2


def test_ledger_adds_up_over_workers_and_gaps_come_first(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    catalog = open_catalog(settings)
    gap = Gap("w1", CLOCK.now(), CLOCK.now() + 1, 7, "the proxy ended")
    catalog.commit_shipment(Shipment(spool="a", ledger=LedgerEntry("w1", 1, seen=10, stored=8, ignored=2), gaps=(gap,)))
    catalog.commit_shipment(Shipment(spool="b", ledger=LedgerEntry("w2", 1, seen=5, stored=2, failed=2, truncated=1)))
    status = collect(settings, catalog, open_vault(settings), CLOCK)
    assert status["ledger"] == {
        "seen": 15,
        "stored": 10,
        "ignored": 2,
        "truncated": 1,
        "failed": 2,
        "in_flight": 0,
        "balanced": True,
    }
    assert status["gaps"] is not None
    assert (status["gaps"]["unacknowledged"], status["gaps"]["missing"]) == (1, 7)
    assert status["vault"]["error"] is None
    assert "gaps" in status["problems"][0]
    assert "2 exchanges passed" in status["problems"][1]
    catalog.acknowledge_gap(catalog.gaps()[0].id, "me", 1)
    assert not any("gaps" in problem for problem in collect(settings, catalog, None, CLOCK)["problems"])
    catalog.close()


def test_ledger_that_does_not_add_up_is_a_problem(tmp_path: Path) -> None:
    catalog = open_catalog(Settings(data=tmp_path))
    catalog.commit_shipment(Shipment(spool="a", ledger=LedgerEntry("w1", 1, seen=10, stored=8)))
    status = collect(Settings(data=tmp_path), catalog, None, CLOCK)
    assert status["ledger"] is not None
    assert not status["ledger"]["balanced"]
    assert any("does not add up" in problem for problem in status["problems"])
    catalog.close()


def test_replicas_stand_for_the_part_and_a_dead_one_is_shown_for_a_while(tmp_path: Path) -> None:
    state(tmp_path, "proxy@web-1")
    state(tmp_path, "proxy@web-2", age=600)
    state(tmp_path, "proxy@web-3", age=1000)
    parts = collect(Settings(data=tmp_path), None, None, CLOCK)["parts"]
    assert {name: part["state"] for name, part in parts.items()} == {
        "ship": "stopped",
        "api": "stopped",
        "proxy@web-1": "running",
        "proxy@web-2": "stale",
    }


def test_replica_writes_under_its_host_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_REPLICA", "1")
    StateFile(tmp_path, "proxy", CLOCK).write(ready=True)
    assert read_state(tmp_path, f"proxy@{socket.gethostname()}") is not None
    assert read_state(tmp_path, "proxy") is None
