"""`entrepot coverage`: which traffic there is, and which of it is protected."""

from typing import TYPE_CHECKING, Annotated

import typer

from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table, say

if TYPE_CHECKING:
    from entrepot_store.coverage.report import Flow

_COLUMNS = ("PROTECTION", "FROM", "TO", "METHOD", "EXCHANGES", "LAST SEEN", "SHAPE", "RULE", "PATH")


def command(
    *,
    source: Annotated[
        list[str] | None, typer.Option("--from", "--source", metavar="PRODUCT", help="May be repeated.")
    ] = None,
    destination: Annotated[
        list[str] | None, typer.Option("--to", "--destination", metavar="PRODUCT", help="May be repeated.")
    ] = None,
    covered: Annotated[
        bool | None,
        typer.Option("--protected/--unprotected", help="Only what the rules protect; or what they do not, or in part."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Flows on one page.")] = 100,
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="`next` of the page before, to see the one after it.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who sends what to whom, and whether the rules protect it. * behind a rule: something else was done when the
    flow was captured last."""
    from entrepot_store.coverage.report import CoverageReport, FlowFilter

    from ..views import PageView, to_json
    from ..views.coverage import flow_view

    settings = settings_from(config, data)
    where = FlowFilter(source=tuple(source or ()), destination=tuple(destination or ()), covered=covered)
    with opened_catalog(settings) as catalog:
        page = CoverageReport(catalog.coverage, settings).page(where, limit=limit, cursor=cursor)
        ignored = sum(entry.ignored for entry in catalog.ledger())
    if as_json:
        print(to_json(PageView(items=[flow_view(flow) for flow in page.items], next=page.next)))
        return
    print_table(_COLUMNS, [_cells(flow) for flow in page.items], right=("EXCHANGES",))
    if page.next is not None:
        say(f"There are more: add --cursor {page.next}")
    elif ignored:
        say(f"{ignored} exchanges were ignored by a rule: they are counted and not kept, and are in no flow.")


def _cells(flow: "Flow") -> tuple[str, ...]:
    from entrepot_store.clock import to_rfc3339

    states = {shape.state for shape in (flow.request_shape, flow.response_shape) if shape is not None}
    rules = ", ".join(f"{ruling.rule} ({ruling.action.value})" for ruling in flow.present)
    return (
        flow.protection,
        flow.source,
        flow.destination,
        flow.method,
        str(flow.exchanges),
        to_rfc3339(flow.last_seen)[:19] + "Z",
        next((state for state in ("changed", "new", "stable") if state in states), "-"),
        rules + ("*" if flow.differs else ""),
        flow.template + ("" if flow.answered else "  (never answered)"),
    )
