"""Prometheus metrics, made anew at every scrape from the state files and the catalog.

The API is one process among several and counts nothing itself: proxy and shipper say what they did in their state
files, and whatever number stands there is exposed as `entrepot_<part>_<fact>`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.registry import Collector

from entrepot_store.clock import from_rfc3339
from entrepot_store.errors import EntrepotError

from .services import Services

__all__ = ["CONTENT_TYPE", "render"]

_OUTCOMES = ("seen", "stored", "ignored", "truncated", "failed")


def render(services: Services) -> bytes:
    """The text exposition of everything. A registry of our own: the library's global one would add this process's."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_State(services))
    registry.register(_Completeness(services))
    return generate_latest(registry)


class _State(Collector):
    """What the parts say of themselves in `DATA/run/*.json`."""

    def __init__(self, services: Services) -> None:
        self._folder = services.settings.data / "run"

    def collect(self) -> Iterator[Metric]:
        ready = GaugeMetricFamily("entrepot_part_ready", "1 while the part says that it is ready.", labels=["part"])
        updated = GaugeMetricFamily(
            "entrepot_part_updated_timestamp_seconds", "When the part last wrote its state.", labels=["part"]
        )
        facts: dict[str, float] = {}
        for file in sorted(self._folder.glob("*.json")):
            try:
                state = json.loads(file.read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue  # the part stopped in good order since the folder was listed
            part = str(state["part"])
            ready.add_metric([part], float(bool(state.get("ready"))))
            updated.add_metric([part], from_rfc3339(state["updated_at"]) / 1_000_000)
            for name, value in _numbers(state):
                facts[f"entrepot_{_metric_name(part)}_{name}"] = value
        yield ready
        yield updated
        for name, value in facts.items():
            yield GaugeMetricFamily(name, "As the part's state file says.", value=value)


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
        yield GaugeMetricFamily("entrepot_gaps_unacknowledged", "Gaps to look at.", value=len(gaps))
        counts = CounterMetricFamily(
            "entrepot_ledger_exchanges", "Exchanges of all worker runs, by outcome.", labels=["outcome"]
        )
        for outcome in _OUTCOMES:
            counts.add_metric([outcome], sum(getattr(entry, outcome) for entry in ledger))
        yield counts


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
