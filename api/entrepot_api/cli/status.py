"""`entrepot status`: what `entrepot_api.status` collects, for a person or as JSON."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ..text import visible
from .options import ConfigOption, DataOption, JsonOption, settings_from

if TYPE_CHECKING:
    from entrepot_store.catalog import Catalog
    from entrepot_store.config import Settings
    from entrepot_store.errors import EntrepotError
    from entrepot_store.vault import Vault

    from ..status import Status

_STYLES = {"running": "green", "stale": "bold red", "stopped": "yellow"}


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
    from entrepot_store.errors import EntrepotError

    from ..status import collect

    settings = settings_from(config, data)
    catalog, vault = _catalog(settings), _vault(settings)
    try:
        status = collect(settings, catalog, vault)
    finally:
        if not isinstance(catalog, EntrepotError):
            catalog.close()
    typer.echo(json.dumps(status, indent=2)) if as_json else _show(status)
    missing = [part for part in require or [] if status["parts"].get(part, {}).get("state") != "running"]
    if missing:
        typer.echo(f"Not running: {', '.join(missing)}.", err=True)
        raise typer.Exit(1)


def _catalog(settings: "Settings") -> "Catalog | EntrepotError":
    """The catalog, or why it cannot be opened; asking creates none."""
    from entrepot_store.catalog import open_catalog
    from entrepot_store.errors import EntrepotError

    try:
        return open_catalog(settings, create=False)
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
    """Problems first and in red, then the figures, then the parts."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    for problem in status["problems"]:
        console.print(Text(f"! {visible(problem)}", style="bold red"))
    for name, fact in _facts(status):
        console.print(Text(f"{name:<10} {visible(fact)}"))
    console.print()
    for name, part in status["parts"].items():
        error = part["last_error"]
        line = Text(f"{name:<10} ")
        line.append(f"{part['state']:<8}", style=_STYLES[part["state"]])
        line.append(f" process {part['pid']}" if part["pid"] else "")
        line.append(f"  restarted {part['restarts']}×" if part["restarts"] else "")
        line.append(f"  last error {error['at']}: {visible(error['message'])}" if error else "")
        console.print(line)


def _facts(status: "Status") -> Iterator[tuple[str, str]]:
    from .drill_text import drill_lines

    spool, ledger, gaps = status["spool"], status["ledger"], status["gaps"]
    yield "behind", f"{status['seconds_behind']:.1f} s"
    yield "spool", f"{spool['bytes']:,} of {spool['max_bytes']:,} bytes, {spool['files']} files wait to be shipped"
    for name, place in (("vault", status["vault"]), ("catalog", status["catalog"])):
        yield name, place["location"] + (" (away)" if place["error"] else "")
    yield "exchanges", "unknown" if status["exchanges"] is None else f"{status['exchanges']:,}"
    replaced = status["replaced"]
    if replaced and replaced["segments"]:
        told = f"{replaced['segments']:,} merged segments of {replaced['bytes']:,} bytes wait to be removed"
        yield "replaced", f"{told}, since {replaced['oldest']}"
    for told in drill_lines(status["drills"]):
        yield "drill", told
    if ledger:
        told = (
            f"{ledger['seen']:,} seen = {ledger['stored']:,} stored + {ledger['ignored']:,} ignored"
            f" + {ledger['truncated']:,} truncated + {ledger['failed']:,} failed"
        )
        yield "ledger", told + (f" + {ledger['in_flight']:,} under way" if ledger["in_flight"] else "")
    if gaps:
        yield "gaps", f"{gaps['unacknowledged']} not acknowledged, {gaps['missing']:,} captures known to be missing"
