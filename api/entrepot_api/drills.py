"""How products stand in drills, for `entrepot_api.status`: how the last one went, how old the last good one is."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypedDict

from entrepot_replay.lease import is_dead
from entrepot_store.catalog import Catalog
from entrepot_store.catalog.drills import DrillRow, DrillStanding, DrillState
from entrepot_store.clock import to_rfc3339

_DAY = 86_400.0


class DrillStatus(TypedDict):
    """One product. `result` is that of the last drill that ended (passed, failed, interrupted) or None; `at` when it
    began, `age_seconds` how long ago. `last_good` is when the last good one began; `overdue` says that this is longer
    ago than `[drill] max_age`. `recovery_seconds` is how long it took to rebuild the product; `running_since` is set
    while a drill runs."""

    destination: str
    result: str | None
    at: str | None
    age_seconds: float | None
    as_of: str | None
    exit_code: int | None
    share_back: float | None
    recovery_seconds: float | None
    error: str
    last_good: str | None
    good_age_seconds: float | None
    overdue: bool
    running_since: str | None


class DrillsStatus(TypedDict):
    """`never` are products with traffic whose restoration was never rehearsed."""

    products: list[DrillStatus]
    never: list[str]


def drills_status(catalog: Catalog, max_age: int | None, now: int) -> DrillsStatus:
    """`max_age` in microseconds, None for no limit. Raises as the catalog does."""
    standings = catalog.drills.standings()
    drilled = {one.destination for one in standings}
    return DrillsStatus(
        products=[_status(one, max_age, now) for one in standings],
        never=[row.name for row in catalog.products() if row.as_destination and row.name not in drilled],
    )


def drill_problems(drills: DrillsStatus | None) -> Iterator[str]:
    """What a person should look at."""
    for one in drills["products"] if drills else ():
        if one["result"] == "failed":
            why = f": {one['error']}" if one["error"] else ""
            yield f"the last drill of {one['destination']} failed with exit code {one['exit_code']}{why}"
        if one["overdue"]:
            age = one["good_age_seconds"]
            since = f"is {age / _DAY:.1f} days old" if age is not None else "is still to come"
            yield f"the last good drill of {one['destination']} {since} (see `entrepot drill`)"


def _status(one: DrillStanding, max_age: int | None, now: int) -> DrillStatus:
    last, good, running = one.last, one.last_good, one.running
    if running is not None and is_dead(running.owner):  # its process was killed, and could not say so
        last, running = replace(running, state=DrillState.INTERRUPTED), None
    return DrillStatus(
        destination=one.destination,
        result=None if last is None else last.state.value,
        at=None if last is None else to_rfc3339(last.started_at),
        age_seconds=_age(last, now),
        as_of=None if last is None or last.as_of is None else to_rfc3339(last.as_of),
        exit_code=None if last is None else last.exit_code,
        share_back=None if last is None else last.share_back,
        recovery_seconds=None if last is None else last.recovery_seconds,
        error="" if last is None else last.error,
        last_good=None if good is None else to_rfc3339(good.started_at),
        good_age_seconds=_age(good, now),
        overdue=max_age is not None and now - one.good_since > max_age,
        running_since=None if running is None else to_rfc3339(running.started_at),
    )


def _age(drill: DrillRow | None, now: int) -> float | None:
    return None if drill is None else max(0, now - drill.started_at) / 1_000_000
