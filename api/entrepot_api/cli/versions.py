"""`entrepot versions DOC`: every distinct content that a document had."""

from typing import Annotated

import typer

from entrepot_store.catalog import Order
from entrepot_store.catalog.documents import Effect, VersionRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.documents.content import erased_when

from .document_options import CursorOption, DocumentArgument, LimitOption
from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table, say

_COLUMNS = ("FROM", "VERSION", "BYTES", "EXCHANGE", "WHAT")


def command(
    words: DocumentArgument,
    *,
    order: Annotated[Order, typer.Option(help="By time.")] = Order.OLDEST,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions of a document: each distinct content, from when on it was so, and what it came with."""
    from ..document_names import find_document
    from ..views import PageView, to_json
    from ..views.document import version_view

    settings = settings_from(config, data)
    with opened_catalog(settings) as catalog:
        document = find_document(catalog.documents, settings, words)
        newest = order is Order.NEWEST
        page = catalog.documents.versions(document.id, limit=limit, cursor=cursor, newest_first=newest)
    if as_json:
        print(to_json(PageView(items=[version_view(row) for row in page.items], next=page.next)))
        return
    print_table(
        _COLUMNS,
        [(to_rfc3339(row.at), str(row.id), str(row.size), str(row.exchange), what(row)) for row in page.items],
        right=("BYTES",),
    )
    if page.next is not None:
        say(f"There are more: add --cursor {page.next}")


def what(row: VersionRow) -> str:
    """What a version came with, in a word or two."""
    if row.tombstone:
        return "deleted"
    if row.erased:
        return f"erased {erased_when(row)}"
    kind = row.media_type or "no type"
    if row.effect is Effect.PATCH:
        return f"patch ({kind})"
    return f"{kind}, malformed" if row.malformed else kind
