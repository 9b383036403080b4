"""`entrepot compact`: small segments become large ones (`entrepot_store.compact`)."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import progress_bar, say
from .upkeep import FOLDER, GraceOption, grace_micros, in_turn, say_swept


def command(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Merge whatever is small, also where it is hardly worth it yet.")
    ] = False,
    grace: GraceOption = "1h",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Merge small segments into large ones, while everything else goes on.

    What was replaced stays for those who read it, until a later run finds it older than the grace. Running it again
    does nothing until there is something to do; it can be killed at any point.
    """
    from entrepot_store.compact import compact
    from entrepot_store.expunge import settle_erasures

    settings = settings_from(config, data)
    folder = settings.data / FOLDER
    with opened(settings) as archive, progress_bar("Compacting") as advance:
        retention = archive.catalog.retention
        kept = grace_micros(grace)
        in_turn(lambda: settle_erasures(archive.vault, archive.catalog, folder))
        done = in_turn(
            lambda: compact(archive.vault, retention, folder, eager=everything, grace=kept, progress=advance)
        )
    if as_json:
        print(json.dumps(asdict(done), indent=2))
        return
    print(
        f"{done.merged} segments of {done.read} bytes became {done.made} of {done.written} bytes."
        if done.made
        else "There is nothing to merge."
    )
    say_swept(done.swept, say)
