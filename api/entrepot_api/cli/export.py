"""`entrepot export`: captured exchanges in formats that other programs read (`entrepot_store.export`)."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.model import Exchange

from .filters import filtered
from .options import ConfigOption, DataOption, opened, settings_from
from .output import output, progress_bar, say

if TYPE_CHECKING:
    from entrepot_store.archive import Archive


class Format(StrEnum):
    """What can be written. `warc.gz` is lossless; `har` is text; `mitm` holds every body in memory."""

    WARC_GZ = "warc.gz"
    HAR = "har"
    MITM = "mitm"


@filtered
def command(
    *,
    where: ExchangeFilter,
    form: Annotated[Format, typer.Option("--format", help="What to write.", show_default=False)],
    target: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there; - is standard output.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write exchanges as warc.gz (for WARC tools), HAR (for browsers) or a mitmproxy flow file.

    Goes to standard output unless a file is named; a named file appears whole or not at all. Takes the same filters as
    `entrepot exchanges`.
    """
    with opened(settings_from(config, data)) as archive:
        total = archive.catalog.count(where)
        with output(target) as stream, progress_bar("Exporting", total) as advance:
            count = _write(form, archive, where, stream, advance)
    say(f"{count} exchanges written.")


def _write(
    form: Format, archive: "Archive", where: ExchangeFilter, stream: BinaryIO, advance: Callable[[int], None]
) -> int:
    from entrepot_store.export.selection import whole_exchanges

    if form is Format.MITM:
        from entrepot_store.export.mitm import write_flow_file

        return write_flow_file(_counted(whole_exchanges(archive, where, None), advance), stream)
    from entrepot_store.export.har import write_har
    from entrepot_store.export.warc_gz import write_warc_gz

    with tempfile.TemporaryDirectory(prefix="entrepot-export-") as scratch:  # for long bodies; 0700
        spill = Path(scratch)
        exchanges = _counted(whole_exchanges(archive, where, spill), advance)
        if form is Format.HAR:
            return write_har(exchanges, stream, spill)
        return write_warc_gz(exchanges, stream, spill)


def _counted(exchanges: Iterable[Exchange], advance: Callable[[int], None]) -> Iterator[Exchange]:
    for number, exchange in enumerate(exchanges, start=1):
        yield exchange
        advance(number)
