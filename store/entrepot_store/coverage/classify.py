"""What kind of data a flow seems to carry, and why: the names in its path, how it is used, the names of its fields.

A guess that a person decides about; every reason is a clause that can stand in a comment.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from .report import Flow

type Kind = Literal["configuration", "settings", "preferences", "derived data"]

_WORDS: dict[Kind, frozenset[str]] = {
    "configuration": frozenset(
        {
            *("config", "configs", "configuration", "configurations", "rule", "rules", "policy", "policies"),
            *("flag", "flags", "feature", "features", "schema", "schemas", "template", "templates", "workflow"),
            *("workflows", "integration", "integrations", "webhook", "webhooks", "mapping", "mappings", "role"),
            *("roles", "permission", "permissions", "plan", "plans", "quota", "quotas", "limits", "schedule"),
            *("schedules", "automation", "automations", "definition", "definitions", "catalog", "pricing"),
        }
    ),
    "settings": frozenset({"setting", "settings", "options", "account", "accounts", "profile", "profiles", "setup"}),
    "preferences": frozenset(
        {
            *("preference", "preferences", "prefs", "theme", "themes", "layout", "layouts", "dashboard", "dashboards"),
            *("favorites", "favourites", "bookmarks", "subscriptions", "notifications", "consent", "consents", "view"),
            *("views", "filters", "personalization", "watchlist", "wishlist"),
        }
    ),
    "derived data": frozenset(
        {
            *("insight", "insights", "report", "reports", "analytics", "analysis", "score", "scores", "segment"),
            *("segments", "recommendation", "recommendations", "forecast", "forecasts", "prediction", "predictions"),
            *("summary", "summaries", "aggregate", "aggregates", "statistics", "stats", "metrics", "kpi", "kpis"),
            *("enrichment", "enriched", "computed", "derived", "result", "results", "ranking", "rankings"),
            *("attribution", "cohort", "cohorts", "rating", "ratings", "index", "indices", "export", "exports"),
        }
    ),
}
_PASSING = frozenset(
    {
        *("health", "healthz", "livez", "readyz", "ready", "ping", "status", "heartbeat", "login", "logout", "token"),
        *("oauth", "oauth2", "auth", "session", "sessions", "log", "logs", "trace", "traces", "telemetry", "track"),
        *("beacon", "events", "static", "assets", "favicon.ico", "robots.txt", "search", "autocomplete"),
    }
)
"""Words of traffic that nobody misses."""
_STATIC = re.compile(r"(image|font|audio|video)/|text/(css|html|javascript)|application/javascript")
_FIELDS: dict[Kind, frozenset[str]] = {
    "settings": frozenset({"enabled", "locale", "timezone", "language", "currency", "default", "defaults"}),
    "preferences": frozenset({"theme", "notifications", "newsletter", "layout", "font_size", "opt_in"}),
    "derived data": frozenset({"score", "segment", "computed_at", "generated_at", "confidence", "average", "forecast"}),
}
_KEPT_BY = {"PUT", "PATCH"}
ENOUGH = 2
"""Points from which a guess is made."""


@dataclass(slots=True, frozen=True)
class Finding:
    kind: Kind
    points: int
    reasons: tuple[str, ...]


def classify(flow: Flow, others: Iterable[Flow] = ()) -> Finding | None:
    """The likeliest kind; None if nothing speaks for one. `others` are flows with the same destination and template,
    by other methods or sources: who else reads or writes the same."""
    together = [flow, *others]
    words = _words(flow.template)
    if not flow.answered or words & _PASSING or any(_STATIC.match(kind) for kind in flow.media_types):
        return None
    points: dict[Kind, int] = {}
    reasons: dict[Kind, list[str]] = {}

    def speak(kind: Kind, weight: int, reason: str) -> None:
        points[kind] = points.get(kind, 0) + weight
        reasons.setdefault(kind, []).append(reason)

    for kind, known in _WORDS.items():
        if found := sorted(words & known):
            speak(kind, 2, f'its path says "{found[0]}"')
    names = _field_names(together)
    for kind, known in _FIELDS.items():
        if found := sorted(names & known):
            speak(kind, 1, f"it has {'fields' if len(found) > 1 else 'a field'} named {', '.join(found[:3])}")
    use = _use(together)
    if not points and use is None:
        return None
    kind = max(points, key=lambda each: points[each]) if points else "settings"
    if use is not None:
        speak(kind, 2, use)
    return Finding(kind, points[kind], tuple(reasons[kind])) if points[kind] >= ENOUGH else None


def _words(template: str) -> set[str]:
    plain = re.sub(r"\{[^}]*\}", "", template.lower())
    segments = [segment for segment in plain.split("/") if segment]
    return {*segments, *(word for segment in segments for word in re.split(r"[^a-z0-9]+", segment) if word)}


def _use(together: Iterable[Flow]) -> str | None:
    """State is what is replaced in place; what is only ever added is a log of something."""
    written = sum(flow.exchanges for flow in together if flow.method in _KEPT_BY and flow.answered)
    read = sum(flow.exchanges for flow in together if flow.method == "GET" and flow.answered)
    if written and read:
        return f"it is replaced in place ({written} PUT or PATCH) and read back ({read} GET)"
    return f"it is replaced in place ({written} PUT or PATCH)" if written else None


def _field_names(together: Iterable[Flow]) -> set[str]:
    names: set[str] = set()
    for flow in together:
        for shape in (flow.request_shape, flow.response_shape):
            if shape is not None:
                _collect(json.loads(shape.schema), names)
    return names


def _collect(schema: Any, names: set[str]) -> None:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties" and isinstance(value, dict):
                names.update(name.lower() for name in value)
            _collect(value, names)
    elif isinstance(schema, list):
        for item in schema:
            _collect(item, names)
