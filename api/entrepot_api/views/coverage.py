"""A flow of the coverage list as JSON: who sends what to whom, what protects it, and how its payloads change."""

import json
from typing import Any, Literal

from pydantic import Field

from entrepot_store.clock import to_rfc3339
from entrepot_store.coverage.report import Captured, Flow, Shape
from entrepot_store.coverage.tally import HOUR

from .base import Moment, View


class RulingView(View):
    """A rule and what it does. `default` is what no rule matches."""

    rule: str
    action: str


class CapturedView(RulingView):
    """What a rule captured of the flow, by its name and action at the time."""

    exchanges: int = Field(ge=0)
    first_seen: Moment
    last_seen: Moment


class ShapeChangeView(View):
    """A field, by JSONPath, that was added, removed or retyped. `at` is exact to the hour."""

    field: str
    change: Literal["added", "removed", "retyped"]
    at: Moment
    before: list[str] = Field(description="JSON types; empty for a field that was added.")
    after: list[str] = Field(description="JSON types; empty for a field that was removed.")


class ShapeView(View):
    """The shape of one side's JSON bodies, as samples show it."""

    state: Literal["new", "stable", "changed"] = Field(description="`new` until there are samples enough to tell.")
    since: Moment
    samples: int = Field(ge=1)
    changes: list[ShapeChangeView]
    json_schema: dict[str, Any] = Field(serialization_alias="schema", description="JSON Schema of the last sample.")


class FlowView(View):
    """One flow. Sizes are of bodies, bytes. `protection` is by the rules in force; `differs` says that they would not
    do now what was done when it was captured last."""

    source: str = Field(description="`*` stands for sources beyond the bound.")
    destination: str
    method: str = Field(description="`OTHER` for methods that nobody registered.")
    template: str
    protection: Literal["protected", "partly", "unprotected"]
    rules: list[RulingView] = Field(description="What the rules in force do with it, the one for most of it first.")
    captured: list[CapturedView] = Field(description="By which rules it was captured, latest first.")
    differs: bool
    answered: bool = Field(description="Whether the server ever answered with a status below 400.")
    exchanges: int = Field(ge=1)
    request_bytes: int = Field(ge=0)
    response_bytes: int = Field(ge=0)
    first_seen: Moment
    last_seen: Moment
    statuses: dict[str, int] = Field(description="Exchanges by status; `none` for those without an answer.")
    media_types: list[str]
    request_shape: ShapeView | None
    response_shape: ShapeView | None


def flow_view(flow: Flow) -> FlowView:
    return FlowView(
        source=flow.source,
        destination=flow.destination,
        method=flow.method,
        template=flow.template,
        protection=flow.protection,
        rules=[RulingView(rule=ruling.rule, action=ruling.action.value) for ruling in flow.present],
        captured=[_captured(entry) for entry in flow.captured],
        differs=flow.differs,
        answered=flow.answered,
        exchanges=flow.exchanges,
        request_bytes=flow.request_bytes,
        response_bytes=flow.response_bytes,
        first_seen=to_rfc3339(flow.first_seen),
        last_seen=to_rfc3339(flow.last_seen),
        statuses={"none" if status is None else str(status): number for status, number in flow.statuses.items()},
        media_types=list(flow.media_types),
        request_shape=_shape(flow.request_shape),
        response_shape=_shape(flow.response_shape),
    )


def _captured(entry: Captured) -> CapturedView:
    return CapturedView(
        rule=entry.rule,
        action=entry.action,
        exchanges=entry.exchanges,
        first_seen=to_rfc3339(entry.first_seen),
        last_seen=to_rfc3339(entry.last_seen),
    )


def _shape(shape: Shape | None) -> ShapeView | None:
    if shape is None:
        return None
    changes = [
        ShapeChangeView(
            field=change.field,
            change=change.kind,
            at=to_rfc3339(change.at * HOUR),
            before=list(change.before),
            after=list(change.after),
        )
        for change in shape.changes
    ]
    return ShapeView(
        state=shape.state,
        since=to_rfc3339(shape.since),
        samples=shape.samples,
        changes=changes,
        json_schema=json.loads(shape.schema),
    )
