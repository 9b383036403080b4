"""Events of drills: one that failed, and a product whose last good one has grown old. They go the way of `events`:
through the outbox in the catalog, which `watch` empties into the webhook.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ..catalog.coverage import EventRow
from ..catalog.drills import DrillRow, DrillStanding
from ..clock import to_rfc3339
from .events import identify, make_event

DRILL_FAILED = "entrepot.drill.failed"
DRILL_OVERDUE = "entrepot.drill.overdue"
SOURCE = "/v1/status"


def drill_failed(drill: DrillRow, now: int, *, deliver: bool) -> EventRow:
    """Of a drill that ended with anything but success."""
    data = {
        "destination": drill.destination,
        "drill": str(drill.id),
        "replay": None if drill.replay is None else str(drill.replay),
        "target": drill.target,
        "exit_code": drill.exit_code,
        "error": drill.error,
        "steps": dict(drill.steps),
        "documents": dict(drill.documents),
        "share_back": drill.share_back,
        "started_at": to_rfc3339(drill.started_at),
    }
    return make_event(
        identify(DRILL_FAILED, str(drill.id)),
        DRILL_FAILED,
        subject=drill.destination,
        time=now if drill.ended_at is None else drill.ended_at,
        data=data,
        now=now,
        deliver=deliver,
        source=SOURCE,
    )


def overdue(standings: Iterable[DrillStanding], max_age: int, now: int, *, deliver: bool) -> list[EventRow]:
    """Of every product whose last good drill is older than `max_age` (microseconds); of one that has none, whose first
    drill is. The same event until there is another good drill, and so raised once."""
    return [
        make_event(
            identify(DRILL_OVERDUE, one.destination, str(one.good_since)),
            DRILL_OVERDUE,
            subject=one.destination,
            time=one.good_since + max_age,
            data={
                "destination": one.destination,
                "last_good": None if one.last_good is None else to_rfc3339(one.last_good.started_at),
                "last": None if one.last is None else to_rfc3339(one.last.started_at),
                "last_exit_code": None if one.last is None else one.last.exit_code,
                "max_age_seconds": max_age // 1_000_000,
            },
            now=now,
            deliver=deliver,
            source=SOURCE,
        )
        for one in standings
        if now - one.good_since > max_age
    ]


def sentence(event: EventRow) -> str:
    """What the log says."""
    data: Mapping[str, Any] = event.document["data"]
    if event.kind == DRILL_FAILED:
        why = f": {data['error']}" if data["error"] else ""
        return f"The drill of {data['destination']} failed with exit code {data['exit_code']}{why}"
    since = f"was on {data['last_good']}" if data["last_good"] else "never was"
    days = data["max_age_seconds"] / 86_400
    return f"The last good drill of {data['destination']} {since}; none is to be older than {days:g} days."
