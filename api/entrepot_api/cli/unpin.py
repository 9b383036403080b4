"""`entrepot unpin ID`: the rules decide again."""

import getpass
from typing import Annotated
from uuid import UUID

import typer

from entrepot_store.clock import SystemClock

from .options import ConfigOption, DataOption, opened, settings_from
from .output import say


def command(
    identifier: Annotated[UUID, typer.Argument(metavar="ID", help="As `entrepot pins` lists it.")],
    *,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who. [default: the user]")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Take a pin away. Nothing is removed before the next `entrepot prune --yes`."""
    from entrepot_store.retention import standing

    with opened(settings_from(config, data)) as archive:
        retention = archive.catalog.retention
        standing.unpin(archive.vault, retention, SystemClock(), identifier, by=by or getpass.getuser())
    say(f"Pin {identifier} is gone.")
