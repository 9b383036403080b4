"""What documents were: `/v1/documents/{id}/content?at=` and the immutable `…/versions/{version}/content`.

Both are Mementos (RFC 7089). A tombstone is one as well: 410, with the time at which the document was deleted; and so
is what was erased: 410, with the time at which it was.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from entrepot_store.catalog.documents import DocumentRow, VersionRow
from entrepot_store.documents.representation import represent
from entrepot_store.errors import Gone

from ..query import MOMENT_HELP
from ..time_travel import not_deleted, version_as_of
from ..tokens import Scope
from . import memento, payloads, problems
from .auth import require
from .documents import Identifier, Version
from .payloads import ConditionsDep, IfNoneMatch, Payload
from .services import Services, ServicesDep

router = APIRouter(prefix="/documents", tags=["documents"], dependencies=[Depends(require(Scope.READ))])

At = Annotated[str | None, Query(description=f"The moment; without it the latest version. {MOMENT_HELP}")]

_IMMUTABLE = "private, max-age=31536000, immutable"
_CHECKED = "private, no-cache"
"""May be kept, and must be asked for each time: another version may be the one by then."""

_KNOWN = frozenset(("gzip", "deflate", "br", "zstd"))
"""Content codings that a header may name."""

_MEMENTO = {
    "Memento-Datetime": {"description": "When the version began.", "schema": {"type": "string"}},
    "Link": {"description": "`original`, `timegate` and `timemap`.", "schema": {"type": "string"}},
}


def _described(answers: dict[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """The answers of a payload, with what a Memento has more."""
    return {
        status: {**said, "headers": {**said.get("headers", {}), **_MEMENTO}} if status in (200, 206, 304) else said
        for status, said in answers.items()
    }


_GET = {**_described(payloads.GET), **problems.responses(410)}
_HEAD = {
    **_described(payloads.HEAD),
    410: {"description": "The document was deleted by then, or what it was has been erased."},
}


@router.get(
    "/{identifier}/content",
    operation_id="get_content",
    summary="Content of a document as of a moment",
    response_class=Response,
    responses=_GET,
)
def get_content(identifier: Identifier, services: ServicesDep, conditions: ConditionsDep, at: At = None) -> Response:
    """The payload of the version that held at that moment, with the address of that very version."""
    document, version = _as_of(services, identifier, at)
    found = _payload(services, document, version, cache=_CHECKED)
    return found if isinstance(found, Response) else payloads.get(found, conditions)


@router.head(
    "/{identifier}/content",
    operation_id="head_content",
    summary="Headers of a content",
    response_class=Response,
    responses=_HEAD,
)
def head_content(
    identifier: Identifier, services: ServicesDep, at: At = None, if_none_match: IfNoneMatch = None
) -> Response:
    """The headers that GET answers with."""
    document, version = _as_of(services, identifier, at)
    return _head(_payload(services, document, version, cache=_CHECKED), if_none_match)


@router.get(
    "/{identifier}/versions/{version}/content",
    operation_id="get_version_content",
    summary="Content of a version",
    response_class=Response,
    responses=_GET,
)
def get_version_content(
    identifier: Identifier, version: Version, services: ServicesDep, conditions: ConditionsDep
) -> Response:
    """The payload of one version, at an address whose content never changes."""
    documents = services.catalog.documents
    document, row = documents.document(identifier), documents.version(identifier, version)
    found = _payload(services, document, row, cache=_IMMUTABLE)
    return found if isinstance(found, Response) else payloads.get(found, conditions)


@router.head(
    "/{identifier}/versions/{version}/content",
    operation_id="head_version_content",
    summary="Headers of a version's content",
    response_class=Response,
    responses=_HEAD,
)
def head_version_content(
    identifier: Identifier, version: Version, services: ServicesDep, if_none_match: IfNoneMatch = None
) -> Response:
    """The headers that GET answers with."""
    documents = services.catalog.documents
    document, row = documents.document(identifier), documents.version(identifier, version)
    return _head(_payload(services, document, row, cache=_IMMUTABLE), if_none_match)


def _as_of(services: Services, identifier: Identifier, at: str | None) -> tuple[DocumentRow, VersionRow]:
    documents = services.catalog.documents
    document = documents.document(identifier)
    return document, version_as_of(documents, document, at, services.clock.now())


def _payload(services: Services, document: DocumentRow, version: VersionRow, *, cache: str) -> Payload | Response:
    """The version's payload, or the answer that the document was deleted or its content erased."""
    said = memento.memento_headers(services, document, version)
    try:
        shown = represent(services.archive, not_deleted(version, document))
    except Gone as error:
        return problems.ProblemResponse(problems.problem_for(error), said)
    headers = payloads.payload_headers(version.id, "content", shown.media_type, shown.digest)
    headers |= said
    headers["Content-Location"] = memento.version_path(document.id, version.id)
    if shown.codings and _KNOWN.issuperset(shown.codings):  # any other is what a client wrote, and only it can tell
        headers["Content-Encoding"] = ", ".join(shown.codings)
    headers["Cache-Control"] = cache if shown.settled else _CHECKED
    return Payload(shown.size, headers, shown.open)


def _head(found: Payload | Response, if_none_match: str | None) -> Response:
    if isinstance(found, Payload):
        return payloads.head(found, if_none_match)
    found.body = b""  # of the problem that GET answers with, the headers
    return found
