"""`/v1/documents/{id}/diff`: what differs between two versions (`entrepot_store.diff`)."""

from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from entrepot_store.diff import compare

from ..query import MOMENT_HELP
from ..time_travel import both_ends, content_of
from ..tokens import Scope
from ..views.document import DiffView, diff_view
from . import problems
from .auth import require
from .documents import Identifier
from .services import ServicesDep

_AT_ONCE = BoundedSemaphore(2)
"""A diff of long contents takes seconds and hundreds of megabytes; more at a time wait, and the rest of the API goes
on."""

router = APIRouter(prefix="/documents", tags=["documents"], dependencies=[Depends(require(Scope.READ))])


@router.get(
    "/{identifier}/diff",
    operation_id="get_diff",
    summary="What differs between two versions",
    responses=problems.responses(404, 410),
)
def get_diff(
    *,
    identifier: Identifier,
    services: ServicesDep,
    start: Annotated[
        str | None,
        Query(alias="from", description=f"A moment or the id of a version; the one before `to`. {MOMENT_HELP}"),
    ] = None,
    end: Annotated[str | None, Query(alias="to", description="Likewise; without it the latest version.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Changes listed; more are counted.")] = 1000,
) -> DiffView:
    """JSON by path, text by line, tables by row and column, everything else by size, type and digest."""
    documents = services.catalog.documents
    document = documents.document(identifier)
    before, after = both_ends(documents, document, start, end, services.clock.now())
    with _AT_ONCE:
        found = compare(content_of(services.archive, before), content_of(services.archive, after), limit=limit)
    return diff_view(document.id, before, after, found)
