"""Prometheus metrics, made anew at every scrape from the state files and the catalog.

The API is one process among several and counts nothing itself: proxy and shipper say what they did in their state
files, and whatever number stands there is exposed as `entrepot_<part>_<fact>`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.registry import Collector

from entrepot_store.catalog.drills import DrillState
from entrepot_store.coverage.drill_events import DRILL_FAILED, DRILL_OVERDUE
from entrepot_store.coverage.events import FLOW_NEW, SHAPE_CHANGED
from entrepot_store.errors import EntrepotError

from ..status import collect
from .services import Services

__all__ = ["CONTENT_TYPE", "render"]

_OUTCOMES = ("seen", "stored", "ignored", "truncated", "failed")


def render(services: Services) -> bytes:
    """The text exposition of everything. A registry of our own: the library's global one would add this process's."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_State(services))
    registry.register(_Completeness(services))
    registry.register(_Coverage(services))
    registry.register(_Drills(services))
    return generate_latest(registry)


class _State(Collector):
    """What the parts say of themselves in `DATA/run/*.json`, and what waits in the spool."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        status = collect(self._services.settings, None, clock=self._services.clock)
        yield GaugeMetricFamily(
            "entrepot_seconds_behind", "Age of the oldest capture that waits to be shipped.", status["seconds_behind"]
        )
        yield GaugeMetricFamily("entrepot_spool_bytes", "Bytes that wait to be shipped.", status["spool"]["bytes"])
        up = GaugeMetricFamily("entrepot_part_up", "1 while the part runs and says so.", labels=["part"])
        for part, state in status["parts"].items():
            up.add_metric([part], float(state["state"] == "running"))
        yield up
        facts = {
            f"entrepot_{_metric_name(part)}_{name}": value
            for part, state in status["parts"].items()
            for name, value in _numbers(state)
        }
        for name, value in facts.items():
            yield GaugeMetricFamily(name, "As the part's state file says.", value)


class _Completeness(Collector):
    """The ledger's sums and the gaps that nobody has acknowledged."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("entrepot_catalog_up", "1 when the catalog answered this scrape.")
        try:
            gaps = self._catalog.gaps(acknowledged=False)
            ledger = self._catalog.ledger()
        except EntrepotError:
            up.add_metric([], 0)
            yield up  # the metric is the report: an alert on it is what an operator sees
            return
        up.add_metric([], 1)
        yield up
        yield GaugeMetricFamily("entrepot_gaps_unacknowledged", "Gaps to look at.", len(gaps))
        counts = CounterMetricFamily(
            "entrepot_ledger_exchanges", "Exchanges of all worker runs, by outcome.", labels=["outcome"]
        )
        for outcome in _OUTCOMES:
            counts.add_metric([outcome], sum(getattr(entry, outcome) for entry in ledger))
        yield counts


class _Coverage(Collector):
    """Flows, and the events that new and changed ones raised."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog

    def collect(self) -> Iterator[Metric]:
        try:
            flows = self._catalog.coverage.flow_counts()
            events = self._catalog.coverage.event_counts()
        except EntrepotError:
            return  # `entrepot_catalog_up` says it
        captured = GaugeMetricFamily(
            "entrepot_flows", "Flows that servers answer, by what the rules at the time did.", labels=["action"]
        )
        for action in ("protect", "capture"):
            captured.add_metric([action], flows.get(action, 0))
        yield captured
        raised = CounterMetricFamily("entrepot_events", "Events raised, by type.", labels=["type"])
        for kind in (FLOW_NEW, SHAPE_CHANGED, DRILL_FAILED, DRILL_OVERDUE):
            raised.add_metric([kind], events.raised.get(kind, 0))
        yield raised
        yield GaugeMetricFamily("entrepot_events_waiting", "Events still to be delivered.", events.waiting)
        yield GaugeMetricFamily("entrepot_events_given_up", "Events that no webhook took.", events.given_up)


class _Drills(Collector):
    """The last drill of every product that was ever drilled, and when one last was good."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        try:
            standings = self._services.catalog.drills.standings()
        except EntrepotError:
            return  # `entrepot_catalog_up` says it
        now, of = self._services.clock.now(), ["destination"]
        age = GaugeMetricFamily(
            "entrepot_drill_good_age_seconds",
            "Since the last drill that brought everything back; before there is one, since the first drill.",
            labels=of,
        )
        good = GaugeMetricFamily("entrepot_drill_good", "1 if the last drill brought everything back.", labels=of)
        code = GaugeMetricFamily("entrepot_drill_exit_code", "The exit code of the last drill.", labels=of)
        share = GaugeMetricFamily("entrepot_drill_share_back", "Share of the documents that were back.", labels=of)
        took = GaugeMetricFamily(
            "entrepot_drill_recovery_seconds", "How long the last drill took to rebuild.", labels=of
        )
        for one in standings:
            age.add_metric([one.destination], (now - one.good_since) / 1_000_000)
            last = one.last
            if last is None:
                continue
            good.add_metric([one.destination], float(last.state is DrillState.PASSED))
            for family, value in ((code, last.exit_code), (share, last.share_back), (took, last.recovery_seconds)):
                if value is not None:
                    family.add_metric([one.destination], float(value))
        yield from (age, good, code, share, took)


def _numbers(state: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a state file, named by its path; `pid` identifies and measures nothing."""
    for key, value in state.items():
        name = f"{prefix}{_metric_name(key)}"
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{name}_")
        elif isinstance(value, int | float) and not isinstance(value, bool) and key != "pid":
            yield name, float(value)


def _metric_name(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", text)
