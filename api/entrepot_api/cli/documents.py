"""`entrepot documents`: lists what successive payloads are copies of."""

from typing import Annotated

import typer

from entrepot_store.clock import to_rfc3339

from ..query import document_filter
from .document_options import CursorOption, LimitOption
from .filters import FieldOption, once
from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table, say

_COLUMNS = ("ID", "TO", "VERSIONS", "LAST SEEN", "RULE", "TYPE", "KEY")


def command(
    *,
    destination: Annotated[
        list[str] | None, typer.Option("--to", "--destination", metavar="PRODUCT", help="May be repeated.")
    ] = None,
    key: Annotated[list[str] | None, typer.Option(metavar="KEY", help="Exactly this key.")] = None,
    key_prefix: Annotated[list[str] | None, typer.Option(metavar="KEY", help="Keys that begin so.")] = None,
    key_template: Annotated[
        list[str] | None, typer.Option(metavar="TEMPLATE", help="Such as /v1/settings/{user}, of the key's path.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(metavar="RULE", help="May be repeated.")] = None,
    retention_class: Annotated[
        list[str] | None, typer.Option("--class", metavar="CLASS", help="Retention class; may be repeated.")
    ] = None,
    media_type: Annotated[
        list[str] | None, typer.Option(metavar="TYPE", help="Without parameters; may be repeated.")
    ] = None,
    deleted: Annotated[bool | None, typer.Option("--deleted/--present", help="Deleted by now, or not.")] = None,
    fields: FieldOption = None,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List documents, by destination and key. All given conditions must hold."""
    from ..views import PageView, to_json
    from ..views.document import document_view

    where = document_filter(
        destination=destination,
        key=once("--key", key),
        key_prefix=once("--key-prefix", key_prefix),
        key_template=once("--key-template", key_template),
        rule=rule,
        retention_class=retention_class,
        media_type=media_type,
        deleted=deleted,
        fields=fields,
    )
    with opened_catalog(settings_from(config, data)) as catalog:
        page = catalog.documents.documents(where, limit=limit, cursor=cursor)
    if as_json:
        print(to_json(PageView(items=[document_view(row) for row in page.items], next=page.next)))
        return
    print_table(
        _COLUMNS,
        [
            (
                *(str(row.id), row.destination, str(row.versions), to_rfc3339(row.last_seen)[:-8] + "Z", row.rule),
                *("deleted" if row.deleted else row.media_type or "-", row.key),
            )
            for row in page.items
        ],
        right=("VERSIONS",),
    )
    if page.next is not None:
        say(f"There are more: add --cursor {page.next}")
