"""`entrepot simulate`: answers in the place of a lost product (`entrepot_replay.simulate`, `entrepot_api.simulate`)."""

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrepot_store.clock import SystemClock, to_rfc3339
from entrepot_store.config import Settings
from entrepot_store.config.settings import split_address
from entrepot_store.errors import BadInput

from ..query import past_moment, stored_text
from ..text import visible
from .document_options import AtOption, ToOption
from .options import ConfigOption, DataOption, opened, settings_from
from .output import print_table, say

if TYPE_CHECKING:
    from entrepot_replay.simulate import Asked, Counts, Missed, Options, Window

_LOOPBACK = ("127.", "::1", "localhost")
_SHOWN_MISSES = 20


def command(
    *,
    destination: ToOption,
    at: AtOption = None,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Port 0 for a free one.")
    ] = "127.0.0.1:8082",
    sequence: Annotated[
        str,
        typer.Option(
            metavar="WHICH",
            help="What is answered in recorded order: writes (and reads of what they made), all, or none.",
        ),
    ] = "writes",
    latency: Annotated[
        str, typer.Option(metavar="HOW", help="none, recorded, or a factor of what was recorded: 0.5.")
    ] = "none",
    ignore_query: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A query field that tells no requests apart; may be repeated."),
    ] = None,
    ignore_json: Annotated[
        list[str] | None,
        typer.Option(metavar="JSONPATH", help="Fields of sent JSON that tell no requests apart; may be repeated."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, one line at the start and one at the end.")
    ] = False,
) -> None:
    """Answer HTTP requests in the place of a product, from what was captured of it, as of a moment.

    Runs until Ctrl-C or SIGTERM, then says what it answered. What nothing captured answers gets a 501 that names the
    nearest captures. Nothing is stored.
    """
    from entrepot_replay.simulate import Counts, Simulation
    from entrepot_store.logs import log_to_stderr

    from ..http.server import ApiServer, bind
    from ..simulate import SimulationApp

    log_to_stderr("alembic", "uvicorn.error", "urllib3")
    factor = _factor(latency)
    settings = settings_from(config, data)
    options = _options(settings, sequence, ignore_query, ignore_json)
    now = SystemClock().now()
    moment = now if at is None else past_moment(at, now, "--at")
    _check(listen)
    with opened(settings) as archive:
        simulation = Simulation(archive, stored_text(destination), moment, options, key=_key(settings))
        window = simulation.window()
        counts = Counts()
        with bind(listen) as listener:
            app = SimulationApp(simulation, counts, latency=factor, missed=_tell_once())
            server = ApiServer(app, listener, None)
            server.handle_signals()
            if as_json:
                print(json.dumps(_facts(server.url, destination, moment, window)), flush=True)
            else:
                _print_window(server.url, destination, moment, window)
            _warn(settings, listen, now)
            server.serve_until_told()
    if as_json:
        print(json.dumps(counts.to_json()))
    else:
        _print_counts(counts)


def _factor(latency: str) -> float:
    named = {"none": 0.0, "recorded": 1.0}
    try:
        factor = named[latency] if latency in named else float(latency)
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= 1000:
        raise BadInput(
            f"--latency: {latency!r} is not a latency.", hint="Write none, recorded, or a factor up to 1000."
        )
    return factor


def _options(settings: Settings, sequence: str, query: list[str] | None, paths: list[str] | None) -> "Options":
    from entrepot_replay.simulate import Options, Sequence
    from entrepot_store.documents import recipes_of
    from entrepot_store.jsonpaths import compile_path

    if sequence not in {*Sequence}:
        raise BadInput(f"--sequence: {sequence!r} is not one.", hint=f"Write {', '.join(Sequence)}.")
    try:
        ignored = [compile_path(path) for path in paths or ()]
    except ValueError as error:
        raise BadInput(f"--ignore-json: {error}.", hint="Such as $.sent_at or $..nonce.") from None
    recipes = recipes_of(settings.rule).values()
    return Options(
        sequence=Sequence(sequence),
        ignored_query=frozenset(name.encode("utf-8", "surrogateescape") for name in query or ()),
        ignored_json=ignored,
        chosen_query=[frozenset(recipe.query) for recipe in recipes if recipe.query is not None],
    )


def _key(settings: Settings) -> bytes | None:
    """The redaction key, if there is one: to make one is not for those who only read."""
    from entrepot_store.redact.key import KEY_FILE, KEY_VARIABLE, load_key

    known = os.environ.get(KEY_VARIABLE) or (settings.data / KEY_FILE).exists()
    return load_key(settings.data) if known else None


def _check(listen: str) -> None:
    try:
        split_address(listen)
    except ValueError as error:
        raise BadInput(f"--listen: {error}.", hint="Such as 127.0.0.1:8082, or port 0 for a free one.") from None


def _tell_once() -> "Callable[[Asked, Missed], None]":
    """Tells each different miss once, while it runs; the counts have them all."""
    from entrepot_replay.simulate.counts import MOST_MISSES

    told: set[tuple[str, str]] = set()

    def tell(asked: "Asked", missed: "Missed") -> None:
        request = asked.method, f"{asked.path}?{asked.query}"
        if request not in told and len(told) < MOST_MISSES:
            told.add(request)
            near = f" Nearest: {missed.near[0].row.method} {missed.near[0].row.path}: {missed.near[0].why}."
            say(f"501 {missed.why}{near if missed.near else ''}")

    return tell


def _facts(url: str, destination: str, at: int, window: "Window") -> dict[str, Any]:
    return {
        "listen": url,
        "to": destination,
        "at": to_rfc3339(at),
        "exchanges": window.exchanges,
        "first_at": to_rfc3339(window.first_at),
        "last_at": to_rfc3339(window.last_at),
        "gaps": _gaps(window),
    }


def _gaps(window: "Window") -> list[str]:
    return [
        f"From {to_rfc3339(row.gap.since)} to {to_rfc3339(row.gap.until)} missing "
        f"{f'{row.gap.missing} captures' if row.gap.missing else 'an unknown number of captures'}: {row.gap.reason}"
        f"{' (acknowledged)' if row.acknowledged_at is not None else ''}."
        for row in window.gaps
    ]


def _print_window(url: str, destination: str, at: int, window: "Window") -> None:
    for gap in _gaps(window):
        print(visible(f"WARNING  {gap}"))
    print(f"Answering for {visible(destination)} as of {to_rfc3339(at)} at {url}")
    print(f"  from {window.exchanges} exchanges, {to_rfc3339(window.first_at)} to {to_rfc3339(window.last_at)}")
    print("Ctrl-C ends it.", flush=True)


def _warn(settings: Settings, listen: str, now: int) -> None:
    from entrepot_store.spool import SpoolFolder
    from entrepot_store.spool.backlog import seconds_behind

    if not split_address(listen)[0].startswith(_LOOPBACK):
        say("WARNING  Whoever reaches this address reads what was captured, without any token.")
    folder = settings.data / "spool"
    behind = seconds_behind(SpoolFolder(folder), now) if folder.is_dir() else 0.0
    if behind >= 60:
        say(f"WARNING  Captures of the last {behind:.0f} seconds are not shipped yet, and not served.")


def _print_counts(counts: "Counts") -> None:
    facts = counts.to_json()
    print(f"Answered {facts['hits']} requests; {facts['misses']} were not captured (501).")
    if facts["failures"]:
        print(f"{facts['failures']} failed: vault or catalog could not be read; see the log.")
    if facts["headers_left_out"]:
        names = ", ".join(f"{visible(name)} ({times})" for name, times in facts["headers_left_out"].items())
        print(f"Headers left out, because the recording has no secrets: {names}.")
    if facts["contents_with_secrets"]:
        print(f"{facts['contents_with_secrets']} contents were sent with references in the place of secrets.")
    missed = facts["missed"]
    if missed:
        rows = [(str(one["times"]), one["request"], one["why"]) for one in missed[:_SHOWN_MISSES]]
        print_table(("TIMES", "REQUEST", "WHY"), rows, right=("TIMES",))
    more = facts["misses"] - sum(one["times"] for one in missed[:_SHOWN_MISSES])
    if more:
        print(f"… and {more} more; --json lists them.")
