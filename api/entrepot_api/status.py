"""How everything is doing, as one value: for `entrepot status`, `GET /v1/status` and the metrics alike.

Puts together what the parts say of themselves (`entrepot_store.state`), what lies in the spool, and what the catalog
knows. It works when nothing runs and when vault or catalog are away, since that is when it is asked for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

from sqlalchemy.engine import make_url

from entrepot_store.catalog import Catalog, ExchangeFilter
from entrepot_store.clock import Clock, SystemClock, from_rfc3339, to_rfc3339
from entrepot_store.config import Settings
from entrepot_store.errors import EntrepotError, NotFound
from entrepot_store.spool import SpoolFolder
from entrepot_store.spool.backlog import seconds_behind, unshipped
from entrepot_store.spool.files import DAMAGED
from entrepot_store.state import read_state
from entrepot_store.vault import Vault

from .drills import DrillsStatus, drill_problems, drills_status

PARTS = ("proxy", "ship", "api")
SUPERVISOR = "up"
STALE_SECONDS = 5.0
"""Parts write their state every second; one that has not for this long does not do its work."""
FORGOTTEN_SECONDS = 900.0
"""How long a replica that stopped writing is shown."""
BEHIND_SECONDS = 60.0
"""From here on being behind is a problem and not just the shipper's rhythm."""


class SpoolStatus(TypedDict):
    """`files` wait to be shipped; `damaged` ones were shipped as far as they are readable and wait for a person."""

    bytes: int
    files: int
    max_bytes: int
    damaged: int


class LedgerStatus(TypedDict):
    """The last counts of every worker run, added up. At rest `seen = stored + ignored + truncated + failed`."""

    seen: int
    stored: int
    ignored: int
    truncated: int
    failed: int
    in_flight: int
    balanced: bool


class GapStatus(TypedDict):
    """`missing` adds up what is known to be lost in unacknowledged gaps; `latest` is the reason of the last one."""

    unacknowledged: int
    missing: int
    latest: str | None


class ReplacedStatus(TypedDict):
    """Segments that others have taken the place of, and that wait to be removed; `oldest` is since when one does."""

    segments: int
    bytes: int
    oldest: str | None


class PlaceStatus(TypedDict):
    """Where vault or catalog is, without secrets, and why it cannot be used (None: it can)."""

    location: str
    error: str | None


class Status(TypedDict):
    """`seconds_behind` is the age of the oldest capture that is not in the catalog. `ledger`, `gaps`, `exchanges`,
    `replaced` and `drills` are None while the catalog is away. A part has `state` (`running`, `stale`: it died or
    hangs, `stopped`: it ended in good order or never ran), `pid`, `last_error`, `restarts`, and facts of its own.
    `problems` are sentences. `drills` says of which products a restoration was rehearsed, and how that went."""

    problems: list[str]
    seconds_behind: float
    spool: SpoolStatus
    parts: dict[str, dict[str, Any]]
    ledger: LedgerStatus | None
    gaps: GapStatus | None
    exchanges: int | None
    replaced: ReplacedStatus | None
    drills: DrillsStatus | None
    vault: PlaceStatus
    catalog: PlaceStatus


def collect(
    settings: Settings,
    catalog: Catalog | EntrepotError | None,
    vault: Vault | EntrepotError | None = None,
    clock: Clock | None = None,
) -> Status:
    """Never raises for what is away or missing: that is the answer. An error in place of `catalog` or `vault` says why
    it could not be opened, None that it was not. Raises OSError if the data folder cannot be read."""
    clock = clock or SystemClock()
    known, catalog_error = _knowledge(catalog, settings, clock.now())
    folder = settings.data / "spool"
    spool = SpoolFolder(folder) if folder.is_dir() else None
    status = Status(
        problems=[],
        seconds_behind=round(seconds_behind(spool, clock.now()), 3) if spool else 0.0,
        spool=SpoolStatus(
            bytes=spool.size() if spool else 0,
            files=len(unshipped(spool)) if spool else 0,
            max_bytes=settings.spool.max_bytes,
            damaged=len(spool.names(DAMAGED)) if spool else 0,
        ),
        parts=_parts(settings.data, clock.now()),
        ledger=known[0],
        gaps=known[1],
        exchanges=known[2],
        replaced=known[3],
        drills=known[4],
        vault=PlaceStatus(location=settings.vault_location, error=_vault_error(vault)),
        catalog=PlaceStatus(
            location=make_url(settings.catalog_url).render_as_string(hide_password=True), error=catalog_error
        ),
    )
    status["problems"] = list(_problems(status))
    return status


type _Knowledge = tuple[LedgerStatus | None, GapStatus | None, int | None, ReplacedStatus | None, DrillsStatus | None]
_NOTHING: _Knowledge = (None, None, None, None, None)


def _knowledge(catalog: Catalog | EntrepotError | None, settings: Settings, now: int) -> tuple[_Knowledge, str | None]:
    if catalog is None:
        return _NOTHING, None
    if isinstance(catalog, EntrepotError):
        return _NOTHING, str(catalog)
    try:
        exchanges, drills = catalog.count(ExchangeFilter()), drills_status(catalog, settings.drill.max_age, now)
        return (_ledger(catalog), _gaps(catalog), exchanges, _replaced(catalog), drills), None
    except EntrepotError as error:
        return _NOTHING, str(error)


def _ledger(catalog: Catalog) -> LedgerStatus:
    entries = catalog.ledger()
    return LedgerStatus(
        seen=sum(entry.seen for entry in entries),
        stored=sum(entry.stored for entry in entries),
        ignored=sum(entry.ignored for entry in entries),
        truncated=sum(entry.truncated for entry in entries),
        failed=sum(entry.failed for entry in entries),
        in_flight=sum(entry.in_flight for entry in entries),
        balanced=all(entry.balanced for entry in entries),
    )


def _gaps(catalog: Catalog) -> GapStatus:
    gaps = catalog.gaps(acknowledged=False)
    return GapStatus(
        unacknowledged=len(gaps),
        missing=sum(row.gap.missing for row in gaps),
        latest=f"{to_rfc3339(gaps[-1].gap.until)}: {gaps[-1].gap.reason}" if gaps else None,
    )


def _replaced(catalog: Catalog) -> ReplacedStatus:
    rows = catalog.retention.superseded()
    return ReplacedStatus(
        segments=len(rows),
        bytes=sum(row.size for row in rows),
        oldest=to_rfc3339(rows[0].since) if rows else None,
    )


def _vault_error(vault: Vault | EntrepotError | None) -> str | None:
    """Asks for an object that nobody stores: a vault that says so is there, and lets us in."""
    if vault is None:
        return None
    if isinstance(vault, EntrepotError):
        return str(vault)
    try:
        vault.stat("status-probe")
    except NotFound:
        return None
    except EntrepotError as error:
        return str(error)
    return None


def _parts(data: Path, now: int) -> dict[str, dict[str, Any]]:
    """Every part that there always is, and each of several that share this folder (`proxy@host`), which then stand
    for the one of that name."""
    supervisor = read_state(data, SUPERVISOR)
    supervised = supervisor["parts"] if supervisor and _fresh(supervisor, now) else {}
    replicas = {path.stem: read_state(data, path.stem) for path in sorted((data / "run").glob("[!.]*@*.json"))}
    # A replica that was killed never comes back under its name. Its loss is a gap, for a person to acknowledge; its
    # last words need not stand here for ever.
    recent = {name: state for name, state in replicas.items() if state and _fresh(state, now, FORGOTTEN_SECONDS)}
    replicated = {name.partition("@")[0] for name in recent}
    single = {name: read_state(data, name) for name in PARTS if name not in replicated}
    return {name: _part(state, supervised.get(name), now) for name, state in (single | recent).items()}


def _part(state: dict[str, Any] | None, supervised: dict[str, Any] | None, now: int) -> dict[str, Any]:
    """`supervised` is what the supervisor says of the part; it notices a death before the part's file grows old."""
    if state is None and supervised is None:
        return {"state": "stopped", "pid": None, "restarts": 0, "last_error": None}
    state = state or {"pid": None, "last_error": None}
    dead = supervised is not None and not supervised["ready"]
    running = not dead and "updated_at" in state and _fresh(state, now)
    restarts, last_end = (supervised["restarts"], supervised["last_end"]) if supervised else (0, None)
    facts = {key: value for key, value in state.items() if key not in ("part", "pid", "last_error")}
    return {
        "state": "running" if running else "stale",
        "pid": state["pid"] if running else None,
        "restarts": restarts,
        "last_error": state["last_error"] or last_end,
        **facts,
    }


def _fresh(state: dict[str, Any], now: int, seconds: float = STALE_SECONDS) -> bool:
    return abs(now - from_rfc3339(state["updated_at"])) <= seconds * 1_000_000


def _problems(status: Status) -> Iterator[str]:
    """What a person should look at, worst first: captures that are lost, then what may lose some."""
    gaps, ledger, spool = status["gaps"], status["ledger"], status["spool"]
    if gaps and gaps["unacknowledged"]:
        yield f"{gaps['unacknowledged']} gaps in the capture are not acknowledged (see `entrepot gaps`)"
    if ledger and ledger["failed"]:
        yield f"{ledger['failed']} exchanges passed and could not be captured (see `entrepot ledger`)"
    if ledger and not ledger["balanced"]:
        yield "the ledger does not add up: some exchanges are unaccounted for (see `entrepot ledger`)"
    if spool["damaged"]:
        yield f"{spool['damaged']} spool files are damaged and kept as .damaged"
    for name, part in status["parts"].items():
        yield from _part_problems(name, part)
    for name, place in (("catalog", status["catalog"]), ("vault", status["vault"])):
        if place["error"]:
            yield f"the {name} cannot be used: {place['error']}"
    yield from drill_problems(status["drills"])
    if spool["bytes"] >= spool["max_bytes"] * 0.8:
        yield f"the spool is {spool['bytes'] * 100 // spool['max_bytes']} % full"
    if status["seconds_behind"] >= BEHIND_SECONDS:
        yield f"captures wait {status['seconds_behind']:.0f} s to be shipped"


def _part_problems(name: str, part: dict[str, Any]) -> Iterator[str]:
    if part["state"] == "stale":
        reason = part["last_error"]["message"] if part["last_error"] else "it stopped saying how it is"
        yield f"{name} does not work: {reason}"
    if part["state"] != "running":
        return
    if part.get("spool_error"):
        yield f"{name} cannot keep what it captures: {part['spool_error']}"
    if (part.get("rules") or {}).get("error"):
        yield f"{name} goes on with the rules it had, the new ones cannot be used: {part['rules']['error']}"
    compaction = part.get("compaction") or {}
    if compaction.get("failing"):
        yield f"{name} cannot merge small segments ({compaction['failures']} failures): {compaction['failing']}"
    redaction = part.get("redaction") or {}
    if redaction.get("withheld"):
        withheld, last = redaction["withheld"], redaction["last_withheld"]
        yield f"{name} did not keep {withheld:,} bodies that it had to redact and could not (the last: {last})"
