"""Imports one file: read, decide and redact, spool, ship. Nothing of it reaches a disk before it is redacted."""

import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path

from ..archive import Archive
from ..clock import Clock, SystemClock
from ..config import Settings
from ..config.products import check_name
from ..documents import CurrentRecipes
from ..errors import BadInput, Busy
from ..model import Exchange
from ..redact import RedactionFailed
from ..ship import run_shipper
from ..spool import SpoolFolder
from .detect import detect_format
from .entries import Entry, Refused
from .har import read_har
from .intake import UNKNOWN_SOURCE, Intake
from .mitm import read_flow_file
from .spooled import ImportSpool, clear_partial

FOLDER = "imports"
"""The spool of imports, in the data folder: apart from the proxies', so that an import ships its own files itself."""

_LOCK = "import"
_BATCH = 100
"""Exchanges whose ids are looked up in the catalog at once."""


@dataclass(slots=True)
class ImportReport:
    """What became of every entry: `found = imported + known + ignored + len(refused)`.

    `known` were in the catalog already, `ignored` by their rule; `incomplete` of the imported lack something, most
    often a body that the recorder left out.
    """

    found: int = 0
    imported: int = 0
    known: int = 0
    ignored: int = 0
    incomplete: int = 0
    refused: list[Refused] = field(default_factory=list)


def import_file(
    path: Path,
    settings: Settings,
    archive: Archive,
    *,
    source: str | None = None,
    clock: Clock | None = None,
    progress: Callable[[int], None] = lambda found: None,
) -> ImportReport:
    """Imports a HAR or mitmproxy flow file. `source` names who sent the requests; None: by address, if it is there.

    Raises BadInput if the file is neither, or `source` no name; Busy while another import runs in this data folder;
    what vault and catalog raise. If it ends before it returns, run it again: nothing is imported twice.
    """
    try:
        check_name(source or UNKNOWN_SOURCE)
    except ValueError as error:
        raise BadInput(f"{source!r} cannot name a product: {error}.") from None
    entries = {"har": read_har, "mitm": read_flow_file}[detect_format(path)](path)
    spool = SpoolFolder(settings.data / FOLDER)
    lock = spool.lock(_LOCK)
    if lock is None:
        raise Busy(f"Another import is at work in {settings.data}.", hint="Wait until it has ended.")
    try:
        clear_partial(spool)
        _ship(spool, archive, settings)  # what an import left that was killed before it had shipped
        report = ImportReport()
        worker = f"import{secrets.token_hex(4)}"
        now = (clock or SystemClock()).now()
        held = spool.lock(worker)  # while it is held nobody sweeps this worker's bodies away
        try:
            with (
                ImportSpool(spool, worker, now, settings.spool.seal_bytes) as files,
                Intake(settings, source) as intake,
            ):
                for exchange in _new(_prepared(entries, intake, report, progress), archive, report):
                    files.append(exchange)
                files.seal(report.ignored)
        finally:
            if held is not None:
                held.release(remove=True)
        _ship(spool, archive, settings)
        return report
    finally:
        lock.release()


def _prepared(
    entries: Iterator[Entry], intake: Intake, report: ImportReport, progress: Callable[[int], None]
) -> Iterator[Exchange]:
    for entry in entries:
        report.found += 1
        progress(report.found)
        if isinstance(entry, Refused):
            report.refused.append(entry)
            continue
        try:
            exchange = intake.prepare(entry)
        except RedactionFailed as error:
            report.refused.append(Refused(entry.where, f"what is secret in it cannot be told: {error}"))
            continue
        if exchange is None:
            report.ignored += 1
        else:
            yield exchange


def _new(exchanges: Iterator[Exchange], archive: Archive, report: ImportReport) -> Iterator[Exchange]:
    """Those that the catalog does not have yet, each id once."""
    taken: set[object] = set()
    for batch in batched(exchanges, _BATCH):
        known = archive.catalog.known_exchanges([exchange.id for exchange in batch])
        for exchange in batch:
            if exchange.id in known or exchange.id in taken:
                report.known += 1
                continue
            taken.add(exchange.id)
            report.imported += 1
            report.incomplete += not exchange.complete
            yield exchange


def _ship(spool: SpoolFolder, archive: Archive, settings: Settings) -> None:
    recipes = CurrentRecipes(settings)
    run_shipper(spool, archive.vault, archive.catalog, threading.Event(), mode="once", recipes=recipes)
