"""`entrepot ship`: the shipper (`entrepot_store.ship`) as a process."""

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from entrepot_store.clock import SystemClock

from .options import ConfigOption, DataOption, opened, settings_from
from .upkeep import FOLDER

_LAST_WORDS_SECONDS = 5.0
"""How long the end waits for coverage and for compaction, which take up their work where they stopped."""


def command(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Try every file that is there once, then end; the first error ends it.")
    ] = False,
    drain: Annotated[bool, typer.Option("--drain", help="End when nothing is left to ship.")] = False,
) -> None:
    """Move captures from the spool into vault and catalog, and merge small segments now and then.

    Goes on until SIGTERM; when vault or catalog go away it waits and says so. It can be killed at any point.
    """
    from entrepot_store.compact.schedule import ScheduledCompaction
    from entrepot_store.config import Reloader
    from entrepot_store.coverage.in_force import SettingsInForce
    from entrepot_store.coverage.watch import CoverageWatch
    from entrepot_store.documents import CurrentRecipes
    from entrepot_store.errors import BadInput
    from entrepot_store.logs import log_to_stderr
    from entrepot_store.ship import run_shipper
    from entrepot_store.spool import SpoolFolder
    from entrepot_store.spool.backlog import seconds_behind
    from entrepot_store.state import StateFile

    from ..supervisor.leash import hold_leash

    if once and drain:
        raise BadInput("--once and --drain exclude each other.", hint="--drain also waits for files being written.")
    log_to_stderr("alembic", "urllib3")
    settings = settings_from(config, data)
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    hold_leash(settings.data)
    state = StateFile(settings.data, "ship")
    in_force = SettingsInForce(settings, Reloader(config, {"data": settings.data}))
    with opened(settings, create=True, migrate=True) as archive:
        archive.vault.check()  # makes the bucket, if it may; a wrong key is said now and not with the first capture
        watch = CoverageWatch(archive, in_force)
        spool = SpoolFolder(settings.data / "spool")
        every = settings.compact.every_seconds
        compaction = ScheduledCompaction(
            archive, settings.data / FOLDER, every, lambda: seconds_behind(spool, SystemClock().now())
        )
        beside = [threading.Thread(target=watch.run, args=(stop,), name="coverage", daemon=True)]
        if every:
            beside.append(threading.Thread(target=compaction.run, args=(stop,), name="compaction", daemon=True))
        for thread in beside if not (once or drain) else ():
            thread.start()
        totals = run_shipper(
            spool,
            archive.vault,
            archive.catalog,
            stop,
            mode="once" if once else "drain" if drain else "forever",
            state=state,
            recipes=CurrentRecipes(settings, Reloader(config)),
            beside=lambda: {"compaction": compaction.facts()},
        )
        if once or drain:
            watch.catch_up()
            watch.close()
        else:
            for thread in beside:
                thread.join(_LAST_WORDS_SECONDS)
    state.remove()
    typer.echo(
        f"Shipped {totals.exchanges} exchanges of {totals.files} spool files, {totals.bytes_stored} bytes stored."
        + (f" {totals.gaps} gaps recorded: see `entrepot gaps`." if totals.gaps else "")
    )
