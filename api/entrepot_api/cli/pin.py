"""`entrepot pin DOC`: a version that no policy takes away (`entrepot_store.retention.standing`)."""

import getpass
from typing import Annotated
from uuid import UUID

import typer

from entrepot_store.clock import SystemClock, to_rfc3339
from entrepot_store.errors import BadInput

from .document_options import DocumentArgument
from .options import ConfigOption, DataOption, opened, settings_from
from .output import say


def command(
    words: DocumentArgument,
    *,
    version: Annotated[
        UUID | None, typer.Option(metavar="ID", help="One version, as `entrepot versions` lists it.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="What the document was at that moment.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who. [default: the user]")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Pin a version of a document, or what it was at a moment, so that `entrepot prune` leaves it."""
    from entrepot_store.retention import standing

    from ..document_names import find_document
    from ..query import past_moment

    if (version is None) == (at is None):
        raise BadInput("A pin is of --version ID or of --at TIME, one of the two.")
    clock = SystemClock()
    settings = settings_from(config, data)
    with opened(settings) as archive:
        documents = archive.catalog.documents
        document = find_document(documents, settings, words)
        moment = None if at is None else past_moment(at, clock.now(), "--at")
        held = documents.version(document.id, version) if version else documents.version_at(document.id, moment or 0)
        if held is None:
            raise BadInput(f"--at: the document was first seen at {to_rfc3339(document.first_seen)}.")
        row = standing.pin(
            archive.vault,
            archive.catalog.retention,
            clock,
            document.id,
            version=version,
            at=moment,
            by=by or getpass.getuser(),
            note=note,
        )
    print(row.id)
    say(f"The version of {to_rfc3339(held.at)} stays, whatever the rules say, until `entrepot unpin {row.id}`.")
