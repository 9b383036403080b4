"""The filters of exchanges as options, the same for every command that selects some.

A command is decorated with `@filtered` and takes `where: ExchangeFilter`; it gets all these options in its help.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.clock import SystemClock

from ..query import exchange_filter

_AGE = "RFC 3339 time, date, or age (30m, 2h, 3d, 1w)."


def _options(
    *,
    source: Annotated[
        list[str] | None, typer.Option("--from", "--source", metavar="PRODUCT", help="Sent by; may be repeated.")
    ] = None,
    destination: Annotated[
        list[str] | None, typer.Option("--to", "--destination", metavar="PRODUCT", help="Sent to; may be repeated.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(metavar="METHOD", help="May be repeated.")] = None,
    path: Annotated[str | None, typer.Option(metavar="PATH", help="Exactly this path, without the query.")] = None,
    path_prefix: Annotated[str | None, typer.Option(metavar="PATH", help="Paths that begin so.")] = None,
    path_template: Annotated[
        str | None,
        typer.Option(metavar="TEMPLATE", help="Such as /v1/settings/{user}; * within a segment, ** across."),
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option(metavar="STATUS", help="404, or a class: 5xx; may be repeated.")
    ] = None,
    content_type: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="Of the response: application/json, text/*; may be repeated."),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help=f"Started at or after: {_AGE}")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help=f"Started before: {_AGE}")] = None,
    min_size: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, metavar="BYTES", help="Both bodies together, at least.")
    ] = None,
    max_size: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, metavar="BYTES", help="Both bodies together, at most.")
    ] = None,
    complete: Annotated[
        bool | None, typer.Option("--complete/--incomplete", help="Nothing, or something, of it is missing.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(metavar="RULE", help="May be repeated.")] = None,
    retention_class: Annotated[
        list[str] | None, typer.Option("--class", metavar="CLASS", help="Retention class; may be repeated.")
    ] = None,
    trace_id: Annotated[str | None, typer.Option(metavar="ID", help="Of a distributed trace.")] = None,
) -> ExchangeFilter:
    return exchange_filter(
        now=SystemClock().now(),
        source=source,
        destination=destination,
        method=method,
        path=path,
        path_prefix=path_prefix,
        path_template=path_template,
        status=status,
        content_type=content_type,
        since=since,
        until=until,
        min_size=min_size,
        max_size=max_size,
        complete=complete,
        rule=rule,
        retention_class=retention_class,
        trace_id=trace_id,
    )


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Replaces a command's parameter `where` by the filter options. Its other options must be keyword-only."""
    own = inspect.signature(command, eval_str=True).parameters
    filters = inspect.signature(_options, eval_str=True).parameters

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        where = _options(**{name: options.pop(name) for name in filters})
        command(*args, where=where, **options)

    parameters = [parameter for name, parameter in own.items() if name != "where"]
    first_keyword = next(
        (index for index, each in enumerate(parameters) if each.kind is inspect.Parameter.KEYWORD_ONLY), len(parameters)
    )
    parameters[first_keyword:first_keyword] = filters.values()
    # Typer reads a command's options from its signature and its annotations.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # inspect looks for it on any callable
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
