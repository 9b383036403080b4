"""`entrepot show DOC`: a document as of a moment."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from entrepot_store.clock import SystemClock, to_rfc3339

from .document_options import AtOption, DocumentArgument
from .options import ConfigOption, DataOption, opened, settings_from
from .output import output, say
from .payload import show_text


def command(
    words: DocumentArgument,
    *,
    at: AtOption = None,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there; - is standard output.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write a document as it was at a moment; which version that is goes to standard error.

    Goes to standard output unless a file is named. What is no plain text is not written into a terminal.
    """
    from entrepot_store.documents.representation import represent

    from ..document_names import find_document
    from ..time_travel import not_deleted, version_as_of

    settings = settings_from(config, data)
    with opened(settings) as archive:
        documents = archive.catalog.documents
        document = find_document(documents, settings, words)
        version = version_as_of(documents, document, at, SystemClock().now(), "--at")
        shown = represent(archive, not_deleted(version, document))
        until = f" until {to_rfc3339(version.until)}" if version.until is not None else ""
        say(f"{document.destination} {document.key}, version {version.id}: from {to_rfc3339(version.at)}{until}.")
        with shown.open() as content:
            if sys.stdout.isatty() and target is None:
                show_text(content)
                return
            with output(target) as stream:
                shutil.copyfileobj(content, stream, 64 * 1024)
