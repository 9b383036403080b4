"""`entrepot exchanges`: lists what was captured."""

from typing import Annotated

import typer

from entrepot_store.catalog import ExchangeFilter, ExchangeRow, Order
from entrepot_store.config import Settings
from entrepot_store.errors import BadInput
from entrepot_store.search import MOST_EXCHANGES

from ..paging import Paging
from .filters import filtered
from .options import ConfigOption, DataOption, JsonOption, opened, opened_catalog, settings_from
from .output import print_table, progress_bar, say

_COLUMNS = ("STARTED", "ID", "FROM", "TO", "METHOD", "STATUS", "BYTES", "PATH")


@filtered
def command(
    *,
    where: ExchangeFilter,
    paging: Paging,
    order: Annotated[Order, typer.Option(help="By time of start.")] = Order.NEWEST,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Exchanges on one page.")] = 100,
    contains: Annotated[
        str | None, typer.Option(metavar="TEXT", help="With this text in a body, which takes reading the bodies.")
    ] = None,
    scan: Annotated[
        int, typer.Option(min=1, metavar="N", help="Exchanges whose bodies --contains reads at most.")
    ] = MOST_EXCHANGES,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List captured exchanges. All given conditions must hold; several values of one option are alternatives."""
    from ..views import PageView, exchange_view, to_json

    if contains is not None:
        _search(settings_from(config, data), where, contains, order, scan, paging, as_json=as_json)
        return
    with opened_catalog(settings_from(config, data)) as catalog:
        page = catalog.exchanges(where, limit=limit, cursor=paging.cursor, order=order)
    following = paging.next(page.next)
    if as_json:
        print(to_json(PageView(items=[exchange_view(row) for row in page.items], next=following)))
        return
    print_table(_COLUMNS, [_cells(row) for row in page.items], right=("STATUS", "BYTES"))
    if following is not None:
        say(f"There are more: add --cursor {following}")


def _search(  # noqa: PLR0917 - the options of one command
    settings: Settings, where: ExchangeFilter, text: str, order: Order, most: int, paging: Paging, *, as_json: bool
) -> None:
    from entrepot_store.search import search

    from ..views import exchange_view, to_json
    from ..views.scan import ScanView, UnreadableView

    if paging.cursor is not None:
        raise BadInput("--contains and --cursor exclude each other.", hint="Narrow --since and --until instead.")
    with opened(settings) as archive, progress_bar("Searching") as advance:
        found = search(archive, where, text, order=order, most=most, progress=advance)
    if as_json:
        view = ScanView(
            items=[exchange_view(row) for row in found.found],
            read=found.read,
            unread=found.unread,
            unreadable=[UnreadableView(exchange=str(row), reason=reason) for row, reason in found.unreadable],
        )
        print(to_json(view))
    else:
        print_table(_COLUMNS, [_cells(row) for row in found.found], right=("STATUS", "BYTES"))
    say(f"Read the bodies of {found.read} of {found.total} exchanges.")
    if found.unread:
        say(f"{found.unread} were not read: narrow the filter, or raise --scan.")
    for identifier, reason in found.unreadable:
        say(f"{identifier} could not be read: {reason}")


def _cells(row: ExchangeRow) -> tuple[str, ...]:
    from entrepot_store.clock import to_rfc3339

    size = row.request.size + (row.response.size if row.response else 0)
    query = row.url.partition("?")
    return (
        to_rfc3339(row.started_at)[:-4] + "Z",  # milliseconds; the JSON has all of it
        str(row.id),
        row.source,
        row.destination,
        row.method,
        str(row.status) if row.status is not None else "-",
        f"{size}" if row.complete else f"{size}!",
        row.path + query[1] + query[2] + (f"  ({row.error})" if row.error else ""),
    )
