"""What is new is said once, whoever notices it and however often; and a webhook hears of it, sooner or later."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot_store.catalog.sql import SqlCatalog
from entrepot_store.clock import FixedClock
from entrepot_store.config import Settings
from entrepot_store.coverage import watch
from entrepot_store.coverage.report import CoverageReport, FlowFilter
from entrepot_store.coverage.watch import CoverageWatch
from entrepot_store.model import Action
from entrepot_store.ship.rebuild import rebuild_catalog
from tests.support.coverage import Sink, Traffic, webhook

SETTINGS = "/v1/settings"
PROTECTED: dict[str, Any] = {
    "rule": [{"name": "settings", "to": "orders", "path": "/v1/settings/{user}", "action": "protect"}]
}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def traffic(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Traffic]:
    catalog = SqlCatalog(request.getfixturevalue("postgres_url")) if request.param == "postgres" else None
    traffic = Traffic(tmp_path, catalog)
    yield traffic
    traffic.archive.catalog.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with webhook() as sink:
        yield sink


def watching(
    traffic: Traffic, sink: Sink | None = None, clock: FixedClock | None = None, **rules: Any
) -> CoverageWatch:
    settings = Settings.model_validate({**rules, "events": {"webhook": sink.url if sink else None}})
    return CoverageWatch(traffic.archive, lambda: settings, clock or FixedClock())


def test_a_new_flow_is_told_once(traffic: Traffic, sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    traffic.add(0, "GET", f"{SETTINGS}/7", {"theme": "dark"})
    traffic.add(0, "GET", "/nowhere", status=404)
    traffic.ship()
    watching(traffic, sink).catch_up()
    assert [(event["type"], event["subject"]) for event in sink.events] == [
        ("entrepot.flow.new", "billing -> orders GET /v1/settings/7")
    ]
    assert sink.types == {"application/cloudevents+json; charset=utf-8"}
    (event,) = sink.events
    assert event["specversion"] == "1.0"
    assert event["source"] == "/v1/coverage"
    assert event["time"] == "2025-11-22T08:26:40.000001Z"
    assert event["data"]["protection"] == "unprotected"
    assert event["data"]["looks_like"] == "settings"
    assert "New flow, unprotected: billing -> orders GET /v1/settings/7. It looks like settings." in caplog.text
    assert "s3cret" not in caplog.text
    # More of the same, another status, other values: nothing new. Another source is.
    traffic.add(1, "GET", f"{SETTINGS}/8", {"theme": "light"})
    traffic.add(1, "GET", f"{SETTINGS}/9", status=304)
    traffic.add(1, "GET", f"{SETTINGS}/9", {"theme": "light"}, source="shop")
    traffic.ship()
    watching(traffic, sink, **PROTECTED).catch_up()
    assert [event["subject"] for event in sink.events[1:]] == ["shop -> orders GET /v1/settings/{setting}"]
    assert sink.events[1]["data"]["protection"] == "protected"
    # A rebuild makes all flows new, and none of them news.
    before = traffic.archive.catalog.fingerprint()
    rebuild_catalog(traffic.archive.vault, traffic.archive.catalog)
    watching(traffic, sink).catch_up()
    assert len(sink.events) == 2
    after = traffic.archive.catalog.fingerprint()
    assert {name: after[name] for name in after if name.startswith("flow")} == {
        name: before[name] for name in before if name.startswith("flow")
    }


def test_a_changed_shape_is_told_with_its_fields(traffic: Traffic, sink: Sink) -> None:
    for hour in range(4):
        traffic.add(hour, "GET", f"{SETTINGS}/{hour}", {"theme": "dark", "size": 1, "old": True})
        traffic.add(hour, "PUT", "/v1/plain/7", body={"a": 1}, status=204)
    traffic.ship()
    watching(traffic, sink).catch_up()
    assert {event["type"] for event in sink.events} == {"entrepot.flow.new"}
    del sink.events[:]
    for hour in range(4, 8):
        traffic.add(hour, "GET", f"{SETTINGS}/{hour}", {"theme": "dark", "size": "large", "extra": {"x": 1}})
    traffic.ship()
    watching(traffic, sink).catch_up()
    changes = [
        (event["type"], change["field"], change["change"], change["at"], change["after"])
        for event in sink.events
        for change in event["data"]["changes"]
    ]
    assert changes == [
        ("entrepot.shape.changed", "$.extra", "added", "2025-11-22T12:00:00.000000Z", ["object"]),
        ("entrepot.shape.changed", "$.size", "retyped", "2025-11-22T12:00:00.000000Z", ["string"]),
        ("entrepot.shape.changed", "$.old", "removed", "2025-11-22T12:00:00.000000Z", []),
    ]
    assert sink.events[0]["data"]["sources"] == ["billing"]
    report = CoverageReport(traffic.archive.catalog.coverage, Settings())
    shapes = {flow.method: (flow.request_shape, flow.response_shape) for flow in report.flows(FlowFilter())}
    assert shapes["GET"][1] is not None
    assert shapes["GET"][1].state == "changed"
    assert shapes["PUT"][0] is not None
    assert shapes["PUT"][0].state == "stable"
    assert shapes["PUT"][1] is None
    rebuild_catalog(traffic.archive.vault, traffic.archive.catalog)
    watching(traffic, sink).catch_up()
    assert len(sink.events) == 2


def test_counting_again_forgets_nothing_that_was_noticed(traffic: Traffic) -> None:
    traffic.add(0, "GET", "/a", {"x": 1})
    traffic.add(0, "GET", "/b", {"x": 1})
    traffic.ship()
    watching(traffic).catch_up()
    before = traffic.archive.catalog.fingerprint()
    coverage = traffic.archive.catalog.coverage
    coverage.recount(["orders"])
    assert traffic.archive.catalog.fingerprint() == before
    assert coverage.news(10) == []
    assert coverage.unread_samples(10) == []


def test_a_webhook_that_fails_hears_of_it_later(traffic: Traffic, sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    clock = FixedClock()
    traffic.add(0, "GET", "/a", {})
    traffic.add(0, "GET", "/b", {})
    traffic.ship()
    sink.answers = [500, 429, 500]
    watching(traffic, sink, clock).go()
    counts = traffic.archive.catalog.coverage.event_counts()
    assert (dict(counts.raised), counts.waiting, counts.given_up) == ({"entrepot.flow.new": 2}, 2, 0)
    assert "s3cret" not in caplog.text
    # Not at once; and another process takes it up.
    assert watching(traffic, sink, clock).go().failed == 0
    clock.advance(1.5)
    done = watching(traffic, sink, clock).go()
    assert (done.delivered, done.failed) == (1, 1)
    clock.advance(1.5)
    assert watching(traffic, sink, clock).go().delivered == 0
    clock.advance(1)
    assert watching(traffic, sink, clock).go().delivered == 1
    assert len({event["id"] for event in sink.events}) == 2
    assert traffic.archive.catalog.coverage.event_counts().waiting == 0


def test_an_event_claimed_by_a_process_that_died_is_sent_by_another(traffic: Traffic, sink: Sink) -> None:
    clock = FixedClock()
    traffic.add(0, "GET", "/a", {})
    traffic.ship()
    # Nobody listens on port 1, as while a webhook is away; then the process ends in the middle of an attempt.
    away = Sink(url="http://127.0.0.1:1/")
    assert watching(traffic, away, clock).go().failed == 1
    clock.advance(2)
    coverage = traffic.archive.catalog.coverage
    assert len(coverage.claim_events(clock.now(), clock.now() + watch._LEASE, 10)) == 1
    assert watching(traffic, sink, clock).go().delivered == 0
    clock.advance(61)
    assert watching(traffic, sink, clock).go().delivered == 1


def test_an_event_is_given_up_in_the_end_and_at_once_when_nobody_wants_it(traffic: Traffic, sink: Sink) -> None:
    clock = FixedClock()
    traffic.add(0, "GET", "/a", {})
    traffic.add(0, "GET", "/b", {})
    traffic.ship()
    sink.answers = [410, 500]
    watching(traffic, sink, clock).go()
    coverage = traffic.archive.catalog.coverage
    assert (coverage.event_counts().waiting, coverage.event_counts().given_up) == (1, 1)
    clock.advance(3 * 86_400)
    sink.answers = [500]
    watching(traffic, sink, clock).go()
    assert (coverage.event_counts().waiting, coverage.event_counts().given_up) == (0, 2)
    assert sink.events == []


def test_without_a_webhook_nothing_waits(traffic: Traffic, sink: Sink) -> None:
    traffic.add(0, "GET", "/a", {}, rule="settings", action=Action.PROTECT)
    traffic.ship()
    watching(traffic).catch_up()
    watching(traffic, sink).catch_up()
    assert sink.events == []
    assert traffic.archive.catalog.coverage.event_counts().raised == {"entrepot.flow.new": 1}
    (flow,) = CoverageReport(traffic.archive.catalog.coverage, Settings()).flows(FlowFilter())
    assert (flow.protection, flow.differs) == ("unprotected", True)
    assert [(entry.rule, entry.action) for entry in flow.captured] == [("settings", "protect")]


def test_bodies_that_are_gone_or_malformed_hold_nothing_up(traffic: Traffic) -> None:
    traffic.add(0, "GET", "/deep", answer="x")
    deep = traffic._recording.exchanges[-1]
    assert deep.response is not None
    deep.response.body.data = b"[" * 100_000
    deep.response.body.size = 100_000
    traffic.add(0, "GET", "/gone", {"a": "b" * 3000})
    traffic.ship()
    for key in [stat.key for stat in traffic.archive.vault.list("segments/")]:
        if "spool-1" in key:
            traffic.archive.vault.delete(key)
    watching(traffic).catch_up()
    assert traffic.archive.catalog.coverage.unread_samples(10) == []
    report = CoverageReport(traffic.archive.catalog.coverage, Settings())
    assert {flow.response_shape for flow in report.flows(FlowFilter())} == {None}
