"""Coverage on the command line and over HTTP, and rules out of it: what is suggested loads, and protects."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from entrepot_api.http import create_app
from entrepot_api.tokens import create_token
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.clock import SystemClock
from entrepot_store.config import RuleConfig, Settings, load_settings
from entrepot_store.coverage.report import CoverageReport, FlowFilter
from entrepot_store.coverage.suggest import suggest, to_toml
from entrepot_store.coverage.watch import CoverageWatch
from entrepot_store.documents import Interpreter, recipes_of
from entrepot_store.model import Action
from tests.support.coverage import Traffic
from tests.support.faces import run_cli


@dataclass
class InMemory:
    """Bodies of one exchange, by side."""

    bodies: dict[str, bytes]

    def read(self, side: str) -> bytes:
        return self.bodies[side]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(mode=0o700)
    return tmp_path / "data"


@pytest.fixture
def traffic(data: Path) -> Iterator[Traffic]:
    traffic = Traffic(data)
    yield traffic
    traffic.archive.catalog.close()


def settings_traffic(traffic: Traffic) -> None:
    for hour in range(6):
        for user in (7, 8):
            seen = {
                "theme": "dark",
                "served_at": f"2026-11-22T0{hour}:0{user}:00Z",
                "meta": [{"request_id": f"{hour}{user}" * 9}],
            }
            traffic.add(hour, "GET", f"/v1/settings/{user}", seen)
            traffic.add(hour, "PUT", f"/v1/settings/{user}", body={"theme": "dark", "tries": hour}, status=204)
        traffic.add(hour, "GET", "/healthz", {"status": "ok", "settings": hour})
        traffic.add(hour, "POST", "/v1/insights/scores", {"id": hour}, {"score": hour}, source="insights")
        traffic.add(hour, "GET", "/v1/orders/7", {"total": hour}, rule="orders", action=Action.PROTECT)
        traffic.add(hour, "GET", "/settings/.env", status=404)
    traffic.ship()
    CoverageWatch(traffic.archive, Settings).catch_up()


def test_suggested_rules_load_and_protect(traffic: Traffic, tmp_path: Path) -> None:
    settings_traffic(traffic)
    before = Settings(rule=(RuleConfig(name="orders-v1-settings", path=("/elsewhere",)),))
    found = suggest(traffic.archive, before)
    text = to_toml(found)
    assert [(rule.template, rule.finding.kind) for rule in found.rules] == [
        ("/v1/settings/{setting}", "settings"),
        ("/v1/insights/scores", "derived data"),
    ]
    assert "# billing 12 GET, billing 12 PUT; decided by default now." in text
    assert "it is replaced in place (12 PUT or PATCH) and read back (12 GET)" in text
    rules = tomllib.loads(text)["rule"]
    assert rules[0]["name"] == "orders-v1-settings-2"
    assert rules[0]["ignore"] == ["$.meta[*].request_id", "$.served_at"]
    assert "ignore" not in rules[1]
    file = tmp_path / "entrepot.toml"
    file.write_text(text)
    after = load_settings(file)
    report = CoverageReport(traffic.archive.catalog.coverage, after)
    protected = {(flow.method, flow.template): flow.protection for flow in report.flows(FlowFilter())}
    assert protected["PUT", "/v1/settings/{setting}"] == "protected"
    assert protected["GET", "/healthz"] == "unprotected"
    assert suggest(traffic.archive, after).rules == ()


def test_hostile_traffic_makes_no_toml_of_its_own(traffic: Traffic, tmp_path: Path) -> None:
    for number, path in enumerate(
        (
            '/v1/settings/"]\n[[rule]]\nname="evil"\naction="ignore"',
            "/v1/settings/%22%5D%0A/\u2028x",
            "/config/'''\"\"\"\\",
            "/config/" + "é" * 60 + "/**/{a}",
            "/settings/\x7f\x1b[31m",
        )
    ):
        # Bytes that no text encoding holds come as escapes, everything else as it was sent.
        for hour in range(3):
            traffic.add(hour, "PUT", path.replace("\n", "\\x0a"), body={"a": number}, source="x\n[[rule]]")
            traffic.add(hour, "GET", path.replace("\n", "\\x0a"), {"a": number}, source='y"\x1b')
    traffic.ship()
    text = to_toml(suggest(traffic.archive, Settings()))
    (tmp_path / "entrepot.toml").write_text(text)
    rules = load_settings(tmp_path / "entrepot.toml").rule
    assert rules
    assert {rule.action for rule in rules} == {Action.PROTECT}
    assert "\x1b" not in text


def test_the_command_line_shows_it(
    traffic: Traffic, data: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    settings_traffic(traffic)
    config = tmp_path / "entrepot.toml"
    config.write_text('[[rule]]\nname = "s"\npath = "/v1/settings/{user}"\naction = "protect"\nmethod = "PUT"\n')
    table = run_cli(capfdbinary, "coverage", "--data", data, "--config", config)
    lines = [line.split() for line in table.out.splitlines()]
    assert ["protected", "billing", "orders", "PUT", "12"] in [line[:5] for line in lines]
    assert ["s", "(protect)*", "/v1/settings/{setting}"] in [line[-3:] for line in lines]
    assert "(never answered)" in table.out
    only = run_cli(capfdbinary, "coverage", "--data", data, "--config", config, "--protected", "--json").json
    assert [(item["method"], item["template"], item["differs"]) for item in only["items"]] == [
        ("PUT", "/v1/settings/{setting}", True)
    ]
    assert only["items"][0]["request_shape"]["state"] == "stable"
    assert only["items"][0]["request_shape"]["schema"]["properties"]["tries"] == {"type": "integer"}
    assert only["next"] is None
    pages = []
    cursor: list[str] = []
    while True:
        page = run_cli(
            capfdbinary,
            "coverage",
            "--data",
            data,
            "--config",
            config,
            "--unprotected",
            "--limit",
            2,
            "--json",
            *cursor,
        )
        pages += page.json["items"]
        if page.json["next"] is None:
            break
        cursor = ["--cursor", page.json["next"]]
    assert (
        len(pages) == len({json.dumps([item[key] for key in ("source", "method", "template")]) for item in pages}) == 5
    )


def test_over_http_by_the_rules_of_the_moment(traffic: Traffic, data: Path) -> None:
    settings_traffic(traffic)
    rules: list[Settings] = [Settings(data=data)]
    _, secret = create_token(traffic.archive.catalog, SystemClock(), name="test")
    app = create_app(rules[0], traffic.archive.catalog, traffic.archive.vault, in_force=lambda: rules[0])
    with TestClient(app, headers={"Authorization": f"Bearer {secret}"}) as client:
        assert client.get("/v1/coverage", params={"covered": True}).json() == {"items": [], "next": None}
        rules[0] = Settings(data=data, rule=(RuleConfig(name="all", action=Action.PROTECT),))
        first = client.get("/v1/coverage", params={"covered": True, "from": "insights", "limit": 1})
        (item,) = first.json()["items"]
        assert item["template"] == "/v1/insights/scores"
        assert item["captured"][0]["rule"] == "default"
        assert item["rules"] == [{"rule": "all", "action": "protect"}]
        assert item["response_shape"]["changes"] == []
        page = client.get("/v1/coverage", params={"limit": 2})
        assert page.json()["next"]
        assert client.get(page.headers["Link"].split(";")[0].strip("<>")).json()["items"]
        assert client.get("/v1/coverage", params={"cursor": page.json()["next"], "to": "x"}).status_code == 400
        assert client.get("/v1/coverage", params={"cursor": "Ajg"}).status_code == 400
        metrics = client.get("/metrics").text
        assert 'entrepot_flows{action="protect"} 1.0' in metrics
        assert 'entrepot_events_total{type="entrepot.flow.new"} 5.0' in metrics


def test_noise_is_learnt_from_documents_that_a_rule_protects(traffic: Traffic) -> None:
    rules = Settings(rule=(RuleConfig(name="settings", path=("/v1/settings/{user}",), action=Action.PROTECT),))
    interpreter = Interpreter(recipes_of(rules.rule))
    for hour in range(6):
        seen = {"theme": "dark", "served_at": f"2026-11-22T0{hour}:00:00Z"}
        traffic.add(hour, "GET", "/v1/settings/7", seen, rule="settings", action=Action.PROTECT)
    traffic.ship()
    archive = traffic.archive
    for row in archive.catalog.iterate(ExchangeFilter()):
        bodies = {"response": archive.body_bytes(row, "response")}
        archive.catalog.documents.add_looks(interpreter.looks(row, InMemory(bodies)))
    text = to_toml(suggest(archive, rules))
    assert '# Rule "settings": these fields make a version of every look. To leave them out, add to it:' in text
    assert '# ignore = ["$.served_at"]' in text
    assert tomllib.loads(text) == {}
    wiser = Settings(rule=(rules.rule[0].model_copy(update={"ignore": ("$.served_at",)}),))
    assert "served_at" not in to_toml(suggest(archive, wiser))
