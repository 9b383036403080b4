"""Query parameters that endpoints share: paging, and the filters of exchanges."""

from typing import Annotated

from fastapi import Depends, Query

from entrepot_store.catalog import ExchangeFilter, Order

from ..paging import Paging
from ..query import MOMENT_HELP, exchange_filter
from .fields import FieldsDep
from .services import ServicesDep

MAX_LIMIT = 1000
_LARGEST = 2**63 - 1  # what the catalog's integers hold

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on one page.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")]
OrderParameter = Annotated[Order, Query(description="By time of start.")]

_Names = Annotated[list[str] | None, Query()]
_Text = Annotated[str | None, Query(max_length=8192)]
_Size = Annotated[int | None, Query(ge=0, le=_LARGEST, description="Bytes of request and response body together.")]


def _paging(services: ServicesDep, cursor: Cursor = None) -> Paging:
    return Paging.at(cursor, services.clock.now())


PagingDep = Annotated[Paging, Depends(_paging)]
"""The `cursor` parameter of a listing whose filter may hold ages."""


def _exchange_filter(
    *,
    paging: PagingDep,
    source: _Names = None,
    destination: _Names = None,
    method: _Names = None,
    path: _Text = None,
    path_prefix: _Text = None,
    path_template: Annotated[
        str | None,
        Query(
            max_length=8192,
            description="`{name}` stands for one segment, `*` for anything within one, `**` for any number of them.",
            examples=["/v1/settings/{user}"],
        ),
    ] = None,
    status: Annotated[list[str] | None, Query(description="`404`, or a class such as `5xx`.")] = None,
    content_type: Annotated[
        list[str] | None, Query(description="Of the response, without parameters: `application/json`, `text/*`.")
    ] = None,
    since: Annotated[str | None, Query(description=f"Started at or after. {MOMENT_HELP}")] = None,
    until: Annotated[str | None, Query(description=f"Started before. {MOMENT_HELP}")] = None,
    min_size: _Size = None,
    max_size: _Size = None,
    complete: Annotated[bool | None, Query(description="Nothing, or something, of it is known to be missing.")] = None,
    rule: _Names = None,
    retention_class: Annotated[list[str] | None, Query(alias="class", description="Retention class.")] = None,
    trace_id: _Text = None,
    fields: FieldsDep,
) -> ExchangeFilter:
    return exchange_filter(
        now=paging.now,
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
        fields=fields,
    )


FilterDep = Annotated[ExchangeFilter, Depends(_exchange_filter)]
