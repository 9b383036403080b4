"""`/v1/documents`: documents, filtered and paged, and their versions. What is in them: `contents`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from entrepot_store.catalog import Order
from entrepot_store.catalog.documents import DocumentFilter
from entrepot_store.documents.identity import LONGEST_KEY

from ..query import document_filter
from ..tokens import Scope
from ..views import PageView
from ..views.document import DocumentView, VersionView, document_view, version_view
from . import problems
from .auth import require
from .fields import FieldsDep
from .next_page import NEXT_PAGE, link_next
from .parameters import Cursor, Limit
from .services import ServicesDep
from .strict import BY_FIELDS

router = APIRouter(prefix="/documents", tags=["documents"], dependencies=[Depends(require(Scope.READ))])

Identifier = Annotated[UUID, Path(description="The id of a document.")]
Version = Annotated[UUID, Path(description="The id of a version of it.")]

_Names = Annotated[list[str] | None, Query()]
_Text = Annotated[str | None, Query(max_length=LONGEST_KEY)]


def _filter(
    *,
    destination: _Names = None,
    key: _Text = None,
    key_prefix: _Text = None,
    key_template: Annotated[
        str | None,
        Query(
            max_length=LONGEST_KEY,
            description="Of the key's path, as `path_template`.",
            examples=["/v1/settings/{user}"],
        ),
    ] = None,
    rule: _Names = None,
    retention_class: Annotated[list[str] | None, Query(alias="class", description="Retention class.")] = None,
    media_type: Annotated[list[str] | None, Query(description="Without parameters.")] = None,
    deleted: Annotated[bool | None, Query(description="Whether the last version is a tombstone.")] = None,
    fields: FieldsDep,
) -> DocumentFilter:
    return document_filter(
        destination=destination,
        key=key,
        key_prefix=key_prefix,
        key_template=key_template,
        rule=rule,
        retention_class=retention_class,
        media_type=media_type,
        deleted=deleted,
        fields=fields,
    )


@router.get(
    "",
    operation_id="list_documents",
    summary="List documents",
    responses=NEXT_PAGE,
    openapi_extra={BY_FIELDS: True},
)
def list_documents(
    *,
    request: Request,
    response: Response,
    services: ServicesDep,
    where: Annotated[DocumentFilter, Depends(_filter)],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> PageView[DocumentView]:
    """Documents that meet every given condition, by destination and key."""
    page = services.catalog.documents.documents(where, limit=limit, cursor=cursor)
    link_next(request, response, page.next)
    return PageView[DocumentView](items=[document_view(row) for row in page.items], next=page.next)


@router.get("/{identifier}", operation_id="get_document", summary="One document", responses=problems.responses(404))
def get_document(identifier: Identifier, services: ServicesDep) -> DocumentView:
    """One document, without its contents."""
    return document_view(services.catalog.documents.document(identifier))


@router.get(
    "/{identifier}/versions",
    operation_id="list_versions",
    summary="Versions of a document",
    responses={**NEXT_PAGE, **problems.responses(404)},
)
def list_versions(
    *,
    identifier: Identifier,
    request: Request,
    response: Response,
    services: ServicesDep,
    limit: Limit = 100,
    cursor: Cursor = None,
    order: Annotated[Order, Query(description="By time.")] = Order.OLDEST,
) -> PageView[VersionView]:
    """Every distinct content that the document had, oldest first unless asked otherwise."""
    documents = services.catalog.documents
    document = documents.document(identifier)
    page = documents.versions(document.id, limit=limit, cursor=cursor, newest_first=order is Order.NEWEST)
    link_next(request, response, page.next)
    return PageView[VersionView](items=[version_view(row) for row in page.items], next=page.next)


@router.get(
    "/{identifier}/versions/{version}",
    operation_id="get_version",
    summary="One version",
    responses=problems.responses(404),
)
def get_version(identifier: Identifier, version: Version, services: ServicesDep) -> VersionView:
    """One version, without its content."""
    return version_view(services.catalog.documents.version(identifier, version))
