"""`entrepot rebuild-catalog`: the catalog made anew from the vault alone (`entrepot_store.ship.rebuild`)."""

import json
from typing import Annotated

import typer

from entrepot_store.errors import Damaged

from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import progress_bar, say


def command(
    config: ConfigOption = None,
    data: DataOption = None,
    accept_missing: Annotated[
        bool, typer.Option("--accept-missing", help="Rebuild although segments that the catalog knows are gone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the catalog anew from the vault alone.

    Tokens, replays and acknowledgements of gaps stay as they are: no vault holds them. Nothing is emptied before the
    vault has answered for every segment that the catalog knows. Exit code 10 if a segment does not decode; everything
    else is in the catalog then.
    """
    from entrepot_store.ship import rebuild_catalog

    with opened(settings_from(config, data), create=True) as archive, progress_bar("Rebuilding") as advance:
        rebuilt = rebuild_catalog(archive.vault, archive.catalog, accept_missing=accept_missing, progress=advance)
    if as_json:
        print(
            json.dumps(
                {
                    "segments": rebuilt.segments,
                    "exchanges": rebuilt.exchanges,
                    "damaged": [{"key": key, "reason": reason} for key, reason in rebuilt.damaged],
                    "unlisted": list(rebuilt.unlisted),
                }
            )
        )
    else:
        print(f"{rebuilt.exchanges} exchanges from {rebuilt.segments} segments are in the catalog.")
    for key in rebuilt.unlisted:
        say(f"The vault holds {key} but its listing lacked it.")
    if rebuilt.damaged:
        reasons = "; ".join(reason for _, reason in rebuilt.damaged)
        raise Damaged(
            f"{len(rebuilt.damaged)} segments do not decode and are not in the catalog: {reasons}",
            hint="They are left where they are; bring them back from a copy of the vault and rebuild again.",
        )
