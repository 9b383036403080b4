"""`entrepot diff DOC`: what differs between two versions of a document."""

from typing import Annotated

import typer

from entrepot_store.clock import SystemClock

from ..text import visible
from .document_options import DocumentArgument
from .options import ConfigOption, DataOption, JsonOption, opened, settings_from


def command(
    words: DocumentArgument,
    *,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME|VERSION", help="The earlier one. [default: the version before --to]"),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME|VERSION", help="The later one. [default: the latest version]")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Changes shown at most.")] = 1000,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what differs between two versions: JSON by path, text by line, tables by row and column.

    Everything else is compared by size, type and digest.
    """
    from entrepot_store.diff import compare

    from ..document_names import find_document
    from ..time_travel import both_ends, content_of
    from ..views import to_json
    from ..views.document import diff_view
    from .diff_text import diff_lines

    settings = settings_from(config, data)
    with opened(settings) as archive:
        documents = archive.catalog.documents
        document = find_document(documents, settings, words)
        before, after = both_ends(documents, document, start, end, SystemClock().now(), dashes="--")
        contents = content_of(archive, before), content_of(archive, after)
        found = compare(*contents, limit=limit)
    if as_json:
        print(to_json(diff_view(document.id, before, after, found)))
        return
    for line in diff_lines(document, (before, contents[0]), (after, contents[1]), found):
        print(visible(line))
