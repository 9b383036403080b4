"""`entrepot import FILE`: takes in traffic that somebody recorded already (`entrepot_store.imports`)."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import progress_bar, say

if TYPE_CHECKING:
    from entrepot_store.imports import ImportReport

PARTLY = 13
"""Exit code when some entries could not be imported; all others are."""


def command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A HAR or mitmproxy flow file.", exists=True, dir_okay=False, readable=True
        ),
    ],
    *,
    source: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who sent the requests. [default: by address, else import]"),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in recorded traffic: a HAR file from a browser, or a flow file of mitmproxy.

    Rules and redaction apply as if it had passed through the proxy. Importing a file again adds nothing. Entries that
    cannot be imported are listed, and the exit code is 13 then; all others are imported.
    """
    from entrepot_store.imports import import_file

    settings = settings_from(config, data)
    with opened(settings, create=True) as archive, progress_bar("Importing") as advance:
        report = import_file(file, settings, archive, source=source, progress=advance)
    if as_json:
        print(json.dumps(asdict(report), indent=2))
    else:
        print(_summary(report))
    for refused in report.refused:
        say(f"Not imported: {refused.where}: {refused.reason}.")
    if report.refused:
        raise typer.Exit(PARTLY)


def _summary(report: "ImportReport") -> str:
    parts = [f"{report.imported} of {report.found} exchanges imported"]
    if report.incomplete:
        parts.append(f"{report.incomplete} of them incomplete: they failed, or the recording lacks a body")
    if report.known:
        parts.append(f"{report.known} were here already")
    if report.ignored:
        parts.append(f"{report.ignored} ignored by a rule")
    if report.refused:
        parts.append(f"{len(report.refused)} cannot be imported")
    return "; ".join(parts) + "."
