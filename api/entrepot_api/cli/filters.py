"""The filters of exchanges as options, the same for every command that selects some.

A command is decorated with `@filtered` and takes `where: ExchangeFilter`; it gets all these options in its help. One
that lists pages takes `paging: Paging` as well, and gets `--cursor`.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.clock import SystemClock
from entrepot_store.errors import BadInput

from ..paging import Paging
from ..query import exchange_filter

_AGE = "RFC 3339 time, date, or age (30m, 2h, 3d, 1w)."

FieldOption = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="CONDITION",
        help="On a field that its rule indexes: customer=42, total>=10, name^=Mi.",
    ),
]


def _where(
    now: int,
    *,
    source: Annotated[
        list[str] | None, typer.Option("--from", "--source", metavar="PRODUCT", help="Sent by; may be repeated.")
    ] = None,
    destination: Annotated[
        list[str] | None, typer.Option("--to", "--destination", metavar="PRODUCT", help="Sent to; may be repeated.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(metavar="METHOD", help="May be repeated.")] = None,
    path: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="Exactly this path, without the query.")
    ] = None,
    path_prefix: Annotated[list[str] | None, typer.Option(metavar="PATH", help="Paths that begin so.")] = None,
    path_template: Annotated[
        list[str] | None,
        typer.Option(metavar="TEMPLATE", help="Such as /v1/settings/{user}; * within a segment, ** across."),
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option(metavar="STATUS", help="404, or a class: 5xx; may be repeated.")
    ] = None,
    content_type: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="Of the response: application/json, text/*; may be repeated."),
    ] = None,
    since: Annotated[list[str] | None, typer.Option(metavar="TIME", help=f"Started at or after: {_AGE}")] = None,
    until: Annotated[list[str] | None, typer.Option(metavar="TIME", help=f"Started before: {_AGE}")] = None,
    min_size: Annotated[
        list[int] | None, typer.Option(min=0, max=2**63 - 1, metavar="BYTES", help="Both bodies together, at least.")
    ] = None,
    max_size: Annotated[
        list[int] | None, typer.Option(min=0, max=2**63 - 1, metavar="BYTES", help="Both bodies together, at most.")
    ] = None,
    complete: Annotated[
        bool | None, typer.Option("--complete/--incomplete", help="Nothing, or something, of it is missing.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(metavar="RULE", help="May be repeated.")] = None,
    retention_class: Annotated[
        list[str] | None, typer.Option("--class", metavar="CLASS", help="Retention class; may be repeated.")
    ] = None,
    trace_id: Annotated[list[str] | None, typer.Option(metavar="ID", help="Of a distributed trace.")] = None,
    fields: FieldOption = None,
) -> ExchangeFilter:
    return exchange_filter(
        now=now,
        source=source,
        destination=destination,
        method=method,
        path=once("--path", path),
        path_prefix=once("--path-prefix", path_prefix),
        path_template=once("--path-template", path_template),
        status=status,
        content_type=content_type,
        since=once("--since", since),
        until=once("--until", until),
        min_size=once("--min-size", min_size),
        max_size=once("--max-size", max_size),
        complete=complete,
        rule=rule,
        retention_class=retention_class,
        trace_id=once("--trace-id", trace_id),
        fields=fields,
    )


def _paging(
    *,
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="`next` of the page before, to see the one after it.")
    ] = None,
) -> Paging:
    return Paging.at(cursor, SystemClock().now())


def once[T](option: str, values: list[T] | None) -> T | None:
    """The value of an option that stands for one condition. Of two, one would be dropped without a word."""
    if values is not None and len(values) > 1:
        raise BadInput(f"{option} may be given once only.")
    return values[0] if values else None


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Replaces a command's parameters `where` and `paging` by the options. Its other ones must be keyword-only."""
    own = inspect.signature(command, eval_str=True).parameters
    filters, pages = _options_of(_where), _options_of(_paging)

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        paging = _paging(**{name: options.pop(name) for name in pages if name in options})
        where = _where(paging.now, **{name: options.pop(name) for name in filters})
        if "paging" in own:
            options["paging"] = paging
        command(*args, where=where, **options)

    replacing = {"where": filters.values(), "paging": pages.values()}
    parameters = [new for name, parameter in own.items() for new in replacing.get(name, (parameter,))]
    # Typer reads a command's options from its signature and its annotations.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # inspect looks for it on any callable
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _options_of(reader: Callable[..., object]) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(reader, eval_str=True).parameters
    return {name: each for name, each in parameters.items() if each.kind is inspect.Parameter.KEYWORD_ONLY}
