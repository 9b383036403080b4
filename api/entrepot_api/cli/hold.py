"""`entrepot hold`, `hold place` and `hold release`: legal holds on retention classes."""

import getpass
import json
from typing import Annotated
from uuid import UUID

import typer

from entrepot_store.clock import SystemClock, to_rfc3339
from entrepot_store.errors import BadInput

from .options import ConfigOption, DataOption, JsonOption, opened, opened_catalog, settings_from
from .output import print_table, say

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who. [default: the user]")]


@app.callback(invoke_without_command=True)
def holds(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those released as well.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the legal holds. Nothing of a class under one is pruned or expunged."""
    if context.invoked_subcommand is not None:
        if config is not None or data is not None or as_json or everything:
            raise BadInput("Options of a subcommand stand behind it.", hint="entrepot hold place CLASS --data DIR")
        return
    with opened_catalog(settings_from(config, data)) as catalog:
        found = catalog.retention.holds(released=None if everything else False)
    if as_json:
        items = [
            {
                "id": str(row.id),
                "class": row.retention_class,
                "since": to_rfc3339(row.since),
                "placed_by": row.placed_by,
                "reason": row.reason,
                "released_at": None if row.released_at is None else to_rfc3339(row.released_at),
                "released_by": row.released_by,
            }
            for row in found
        ]
        print(json.dumps({"items": items}, indent=2))
        return
    print_table(
        ("ID", "CLASS", "SINCE", "BY", "RELEASED", "REASON"),
        [
            (
                *(str(row.id), row.retention_class, to_rfc3339(row.since), row.placed_by),
                "-" if row.released_at is None else to_rfc3339(row.released_at),
                row.reason,
            )
            for row in found
        ],
    )


@app.command("place")
def place(
    name: Annotated[str, typer.Argument(metavar="CLASS", help="The retention class.")],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands with the hold for ever.")],
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Place a legal hold on a class."""
    from entrepot_store.retention import standing

    with opened(settings_from(config, data)) as archive:
        row = standing.hold(
            archive.vault,
            archive.catalog.retention,
            SystemClock(),
            name,
            by=by or getpass.getuser(),
            reason=reason,
        )
    print(row.id)
    say(f"Nothing of class {name} is pruned or expunged until `entrepot hold release {row.id}`.")


@app.command("release")
def release(
    identifier: Annotated[UUID, typer.Argument(metavar="ID", help="As `entrepot hold` lists it.")],
    *,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Release a legal hold. Nothing is removed before the next `entrepot prune --yes`."""
    from entrepot_store.retention import standing

    with opened(settings_from(config, data)) as archive:
        retention = archive.catalog.retention
        standing.release(archive.vault, retention, SystemClock(), identifier, by=by or getpass.getuser())
    say(f"Hold {identifier} is released.")
