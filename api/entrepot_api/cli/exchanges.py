"""`entrepot exchanges`: lists what was captured."""

from typing import Annotated

import typer

from entrepot_store.catalog import ExchangeFilter, ExchangeRow, Order

from ..paging import Paging
from .filters import filtered
from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table, say

_COLUMNS = ("STARTED", "ID", "FROM", "TO", "METHOD", "STATUS", "BYTES", "PATH")


@filtered
def command(
    *,
    where: ExchangeFilter,
    paging: Paging,
    order: Annotated[Order, typer.Option(help="By time of start.")] = Order.NEWEST,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Exchanges on one page.")] = 100,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List captured exchanges. All given conditions must hold; several values of one option are alternatives."""
    from ..views import PageView, exchange_view, to_json

    with opened_catalog(settings_from(config, data)) as catalog:
        page = catalog.exchanges(where, limit=limit, cursor=paging.cursor, order=order)
    following = paging.next(page.next)
    if as_json:
        print(to_json(PageView(items=[exchange_view(row) for row in page.items], next=following)))
        return
    print_table(_COLUMNS, [_cells(row) for row in page.items], right=("STATUS", "BYTES"))
    if following is not None:
        say(f"There are more: add --cursor {following}")


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
