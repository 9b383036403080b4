"""`entrepot tree`: all documents of a product as of a moment."""

from typing import Annotated

import typer

from entrepot_store.clock import SystemClock, to_rfc3339

from ..query import past_moment
from .document_options import AtOption, ToOption
from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table
from .versions import what

_COLUMNS = ("FROM", "VERSION", "BYTES", "TYPE", "KEY")


def command(
    *,
    destination: ToOption,
    at: AtOption = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Those as well that were deleted by then.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List all documents of a product as they were at a moment, by key. `entrepot checkout` writes them as files."""
    from ..time_travel import check_begun, tree
    from ..views import PageView, to_json
    from ..views.document import TreeEntryView, document_view, version_view

    now = SystemClock().now()
    moment = now if at is None else past_moment(at, now, "--at")
    with opened_catalog(settings_from(config, data)) as catalog:
        check_begun(catalog.documents, destination, moment, "--at")
        found = [
            (document, version)
            for document, version in tree(catalog.documents, destination, moment)
            if deleted or not version.tombstone
        ]
    if as_json:
        views = [TreeEntryView(document=document_view(row), version=version_view(version)) for row, version in found]
        print(to_json(PageView(items=views, next=None)))
        return
    print_table(
        _COLUMNS,
        [
            (
                *(to_rfc3339(version.at), str(version.id), str(version.size)),
                *(what(version), document.key),
            )
            for document, version in found
        ],
        right=("BYTES",),
    )
