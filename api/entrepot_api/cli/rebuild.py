"""`entrepot rebuild-catalog`: the catalog made anew from the vault alone (`entrepot_store.ship.rebuild`)."""

import json
from pathlib import Path
from typing import Annotated

import typer

from entrepot_store.config import Settings
from entrepot_store.errors import Damaged, NotFound

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

    settings = settings_from(config, data)
    _check_places(settings)
    with opened(settings, create=True, migrate=True) as archive, progress_bar("Rebuilding") as advance:
        rebuilt = rebuild_catalog(archive.vault, archive.catalog, accept_missing=accept_missing, progress=advance)
    if as_json:
        print(
            json.dumps(
                {
                    "segments": rebuilt.segments,
                    "exchanges": rebuilt.exchanges,
                    "damaged": [{"key": key, "reason": reason} for key, reason in rebuilt.damaged],
                    "unlisted": list(rebuilt.unlisted),
                    "missing": list(rebuilt.missing),
                }
            )
        )
    else:
        print(f"{rebuilt.exchanges} exchanges from {rebuilt.segments} segments are in the catalog.")
    for key in rebuilt.unlisted:
        say(f"The vault holds {key} but its listing lacked it.")
    if rebuilt.missing:
        say(f"{len(rebuilt.missing)} segments are gone; what only they held is a gap now, see `entrepot gaps`.")
    if rebuilt.damaged:
        reasons = "; ".join(reason for _, reason in rebuilt.damaged)
        raise Damaged(
            f"{len(rebuilt.damaged)} segments do not decode and are not in the catalog: {reasons}",
            hint="They are left where they are; bring them back from a copy of the vault and rebuild again.",
        )


def _check_places(settings: Settings) -> None:
    """A name that was mistyped must not become a folder with an empty catalog. Raises NotFound."""
    inside = settings.vault is None or settings.catalog is None
    if inside and not settings.data.is_dir():
        raise NotFound(
            f"There is no data folder {settings.data}.",
            hint="Does --data name the folder that `entrepot up` uses? Make it first if a new one is meant.",
        )
    vault = settings.vault_location
    if "://" not in vault and not Path(vault).is_dir():
        raise NotFound(
            f"There is no vault at {vault}.", hint="`vault` in entrepot.toml says where it is; --data, where else."
        )
