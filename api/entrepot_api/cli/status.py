"""`entrepot status`: what `entrepot_api.status` collects, for a person or as JSON."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from .options import ConfigOption, DataOption, JsonOption, settings_from

if TYPE_CHECKING:
    from entrepot_store.catalog import Catalog
    from entrepot_store.config import Settings
    from entrepot_store.errors import EntrepotError
    from entrepot_store.vault import Vault

    from ..status import Status


def command(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    require: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="Exit with 1 unless this part (proxy, ship, api) runs; may be repeated."),
    ] = None,
) -> None:
    """Show how far behind the catalog is, the spool, each part with its last error, and what is known to be missing."""
    from ..status import collect

    settings = settings_from(config, data)
    catalog, vault = _catalog(settings), _vault(settings)
    try:
        status = collect(settings, catalog, vault)
    finally:
        if catalog is not None and hasattr(catalog, "close"):
            catalog.close()
    typer.echo(json.dumps(status, indent=2)) if as_json else _show(status)
    missing = [part for part in require or [] if status["parts"].get(part, {}).get("state") != "running"]
    if missing:
        typer.echo(f"Not running: {', '.join(missing)}.", err=True)
        raise typer.Exit(1)


def _catalog(settings: "Settings") -> "Catalog | EntrepotError | None":
    """The catalog, or why it cannot be opened; None where nothing ever ran, so that asking creates nothing."""
    from entrepot_store.catalog import open_catalog
    from entrepot_store.errors import EntrepotError

    if settings.catalog is None and not (settings.data / "catalog.sqlite").exists():
        return None
    try:
        return open_catalog(settings)
    except EntrepotError as error:
        return error


def _vault(settings: "Settings") -> "Vault | EntrepotError | None":
    from entrepot_store.errors import EntrepotError
    from entrepot_store.vault import open_vault

    if settings.vault is None and not (settings.data / "vault").exists():
        return None
    try:
        return open_vault(settings)
    except EntrepotError as error:
        return error


def _show(status: "Status") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..text import visible

    console = Console(soft_wrap=True, highlight=False)
    for problem in status["problems"]:
        console.print(Text(f"! {visible(problem)}", style="bold red"))
    spool, ledger, gaps = status["spool"], status["ledger"], status["gaps"]
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_row("behind", f"{status['seconds_behind']:.1f} s")
    facts.add_row("spool", f"{spool['bytes']:,} of {spool['max_bytes']:,} bytes in {spool['files']} files")
    for name, place in (("vault", status["vault"]), ("catalog", status["catalog"])):
        facts.add_row(name, Text(place["location"] + (" (away)" if place["error"] else "")))
    facts.add_row("exchanges", "unknown" if status["exchanges"] is None else f"{status['exchanges']:,}")
    if ledger:
        counts = ("stored", "ignored", "truncated", "failed", "in_flight")
        told = " + ".join(f"{ledger[key]:,} {key.replace('_', ' ')}" for key in counts)  # type: ignore[literal-required]  # keys of LedgerStatus
        facts.add_row("ledger", f"{ledger['seen']:,} seen = {told}")
    if gaps:
        facts.add_row(
            "gaps", f"{gaps['unacknowledged']} not acknowledged, {gaps['missing']} captures known to be missing"
        )
    console.print(facts)
    parts = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("part", "state", "pid", "restarts", "last error"):
        parts.add_column(heading)
    for name, part in status["parts"].items():
        error = part["last_error"]
        parts.add_row(
            name,
            Text(part["state"], style={"stale": "bold red", "stopped": "yellow"}.get(part["state"], "green")),
            str(part["pid"] or "-"),
            str(part["restarts"]),
            Text(visible(f"{error['at']} {error['message']}") if error else "-"),
        )
    console.print(parts)
