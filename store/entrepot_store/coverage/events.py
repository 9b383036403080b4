"""Events: a flow that is new, a shape that changed. CloudEvents 1.0, in the structured JSON mode. `drill_events` has
those of drills; all of them wait in one outbox.

An id is made of what the event says, so that noticing the same thing twice (after a crash, by two shippers, after a
rebuild) is the same event, which is raised once.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from ..catalog.coverage import EventRow, SampleRow
from ..clock import to_rfc3339
from .classify import classify
from .report import Flow
from .shapes import Change
from .tally import HOUR

FLOW_NEW = "entrepot.flow.new"
SHAPE_CHANGED = "entrepot.shape.changed"
SOURCE = "/v1/coverage"
_NAMESPACE = UUID("0c3f9a52-6d0e-5f6b-8f1c-35c86a90d7aa")


def flow_is_new(flow: Flow, identity: str, now: int, *, deliver: bool) -> EventRow:
    """`identity` is the flow's template with every value left out: it does not change when more values are seen."""
    finding = classify(flow)
    data = {
        **_who(flow),
        "protection": flow.protection,
        "rules": [{"rule": ruling.rule, "action": ruling.action.value} for ruling in flow.present],
        "statuses": {str(status or "none"): number for status, number in flow.statuses.items()},
        "looks_like": finding.kind if finding else None,
        "reasons": list(finding.reasons) if finding else [],
    }
    identifier = identify(FLOW_NEW, flow.destination, flow.source, flow.method, identity)
    return make_event(
        identifier, FLOW_NEW, subject=_subject(flow), time=flow.first_seen, data=data, now=now, deliver=deliver
    )


def shape_changed(
    sample: SampleRow, side: str, changes: Sequence[Change], flows: Sequence[Flow], now: int, *, deliver: bool
) -> EventRow:
    """`flows` are those, by source, that the sample stands for."""
    first = flows[0]
    data = {
        "destination": sample.destination,
        "sources": [flow.source for flow in flows],
        "method": sample.method,
        "template": first.template,
        "protection": first.protection,
        "side": side,
        "exchange": str(sample.exchange),
        "changes": [change_json(change) for change in changes],
    }
    said = [f"{change.kind} {change.field} {change.at}" for change in changes]
    identifier = identify(SHAPE_CHANGED, sample.destination, sample.path, sample.method, side, *said)
    subject = f"{sample.destination} {sample.method} {first.template} {side}"
    return make_event(
        identifier, SHAPE_CHANGED, subject=subject, time=changes[0].at * HOUR, data=data, now=now, deliver=deliver
    )


def change_json(change: Change) -> dict[str, Any]:
    return {
        "field": change.field,
        "change": change.kind,
        "at": to_rfc3339(change.at * HOUR),
        "before": list(change.before),
        "after": list(change.after),
    }


def sentence(event: EventRow) -> str:
    """What the log says."""
    data: Mapping[str, Any] = event.document["data"]
    if event.kind == FLOW_NEW:
        like = f" It looks like {data['looks_like']}." if data["looks_like"] else ""
        return f"New flow, {data['protection']}: {event.document['subject']}.{like}"
    changes = ", ".join(f"{change['field']} {change['change']}" for change in data["changes"])
    return f"Changed shape, {data['protection']}: {event.document['subject']}: {changes}."


def _who(flow: Flow) -> dict[str, Any]:
    return {
        "source": flow.source,
        "destination": flow.destination,
        "method": flow.method,
        "template": flow.template,
        "first_seen": to_rfc3339(flow.first_seen),
    }


def _subject(flow: Flow) -> str:
    return f"{flow.source} -> {flow.destination} {flow.method} {flow.template}"


def make_event(
    identifier: UUID,
    kind: str,
    *,
    subject: str,
    time: int,
    data: Mapping[str, Any],
    now: int,
    deliver: bool,
    source: str = SOURCE,
) -> EventRow:
    """The row of a CloudEvent; times in microseconds. `deliver`: a webhook is to be told."""
    document = {
        "specversion": "1.0",
        "id": str(identifier),
        "source": source,
        "type": kind,
        "subject": subject,
        "time": to_rfc3339(time),
        "datacontenttype": "application/json",
        "data": data,
    }
    return EventRow(identifier, kind, now, document, due_at=now if deliver else None)


def identify(*parts: str) -> UUID:
    """The id of the event that says this."""
    return uuid5(_NAMESPACE, "\0".join(parts).encode("utf-8", "backslashreplace").decode())
