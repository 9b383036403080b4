"""`entrepot gaps` and `entrepot gaps ack`: where captures are missing, and that somebody has seen it."""

import getpass
from typing import Annotated
from uuid import UUID

import typer

from entrepot_store.errors import BadInput

from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table, say

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def gaps(
    context: typer.Context,
    *,
    all_gaps: Annotated[bool, typer.Option("--all", help="Those already acknowledged as well.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where captures are known to be missing. `entrepot gaps ack ID` notes that somebody has seen it."""
    if context.invoked_subcommand is not None:
        if config is not None or data is not None or as_json or all_gaps:
            raise BadInput("Options of `gaps ack` stand behind `ack`.", hint="entrepot gaps ack ID --data DIR")
        return
    from ..views import PageView, gap_view, to_json

    with opened_catalog(settings_from(config, data)) as catalog:
        views = [gap_view(row) for row in catalog.gaps(acknowledged=None if all_gaps else False)]
    if as_json:
        print(to_json(PageView(items=views, next=None)))
        return
    print_table(
        ("ID", "WORKER", "SINCE", "UNTIL", "MISSING", "ACKNOWLEDGED BY", "REASON"),
        [
            (
                str(view.id),
                view.worker,
                view.since,
                view.until,
                str(view.missing) if view.missing else "unknown",
                view.acknowledged_by or "-",
                view.reason,
            )
            for view in views
        ],
        right=("MISSING",),
    )


@app.command("ack")
def acknowledge(
    identifiers: Annotated[list[UUID], typer.Argument(metavar="ID...", help="As `entrepot gaps` lists them.")],
    *,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who. [default: the user]")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Note that somebody has seen these gaps. Doing it again changes nothing."""
    from entrepot_store.clock import SystemClock, to_rfc3339

    with opened_catalog(settings_from(config, data)) as catalog:
        for identifier in identifiers:
            row = catalog.acknowledge_gap(identifier, by or getpass.getuser(), SystemClock().now())
            at = to_rfc3339(row.acknowledged_at) if row.acknowledged_at is not None else "now"
            say(f"Gap {row.id} is acknowledged by {row.acknowledged_by} at {at}.")
