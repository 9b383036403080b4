"""`/v1/tree`: all documents of a product as of a moment."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from entrepot_store.catalog.documents import DocumentFilter

from ..query import MOMENT_HELP, past_moment, stored_text
from ..time_travel import check_begun
from ..tokens import Scope
from ..views import PageView
from ..views.document import TreeEntryView, document_view, version_view
from . import problems
from .auth import require
from .next_page import NEXT_PAGE, link_next
from .parameters import Limit, PagingDep
from .services import ServicesDep

router = APIRouter(prefix="/tree", tags=["documents"], dependencies=[Depends(require(Scope.READ))])


@router.get(
    "",
    operation_id="get_tree",
    summary="A product's documents as of a moment",
    responses={**NEXT_PAGE, **problems.responses(404)},
)
def get_tree(
    *,
    request: Request,
    response: Response,
    services: ServicesDep,
    destination: Annotated[str, Query(max_length=255, description="The product.")],
    at: Annotated[str | None, Query(description=f"The moment; without it the present. {MOMENT_HELP}")] = None,
    deleted: Annotated[bool, Query(description="Those as well that were deleted by then.")] = False,
    paging: PagingDep,
    limit: Limit = 100,
) -> PageView[TreeEntryView]:
    """All documents that the product had, by key, each with the version that held. A page may have fewer than `limit`
    although there are more."""
    documents = services.catalog.documents
    moment = paging.now if at is None else past_moment(at, paging.now, "at")
    if paging.cursor is None:
        check_begun(documents, destination, moment)
    where = DocumentFilter(destination=(stored_text(destination),), as_of=moment)
    page = documents.documents(where, limit=limit, cursor=paging.cursor)
    found = [(row, documents.version_at(row.id, moment)) for row in page.items]
    following = paging.next(page.next)
    link_next(request, response, following)
    return PageView[TreeEntryView](
        items=[
            TreeEntryView(document=document_view(row), version=version_view(version))
            for row, version in found
            if version is not None and (deleted or not version.tombstone)
        ],
        next=following,
    )
