"""`/v1/timemap/{url}`: all versions of a URL, as link-format (RFC 6690, RFC 7089) or JSON. Streamed, oldest first."""

import json
import re
from collections.abc import Iterator
from itertools import batched, chain, pairwise
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response, StreamingResponse

from entrepot_store.catalog.documents import VersionRow
from entrepot_store.clock import to_rfc3339

from ..document_names import find_by_url
from ..time_travel import first, latest
from ..tokens import Scope
from . import memento, problems
from .auth import require
from .memento import http_date, link, timegate_path, timemap_path, version_path
from .services import Services, ServicesDep
from .strict import QUERY_OF_URL
from .timegate import Original

router = APIRouter(prefix="/timemap", tags=["memento"], dependencies=[Depends(require(Scope.READ))])

LINK_FORMAT = "application/link-format"
_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.\d*)?)")
_BATCH = 256
"""Entries sent at once."""

Accept = Annotated[str | None, Header(description=f"`{LINK_FORMAT}`, which is the default, or `application/json`.")]

_STRING = {"schema": {"type": "string"}}
_GET: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Every version: its address and when it began.",
        "content": {LINK_FORMAT: _STRING, "application/json": {"schema": {"type": "object"}}},
    },
    **problems.responses(404),
}
_HEAD: dict[int | str, dict[str, Any]] = {
    200: {"description": "There are versions."},
    404: {"description": "No document is known under the URL."},
}


@router.get(
    "/{url:path}",
    operation_id="get_timemap",
    summary="All versions of a URL",
    response_class=Response,
    responses=_GET,
    openapi_extra={QUERY_OF_URL: True},
)
def get_timemap(request: Request, services: ServicesDep, url: Original, accept: Accept = None) -> Response:
    """All versions of the document that its product has under the URL, those included that are 410: tombstones and
    what was erased."""
    return _answer(request, services, accept)


@router.head(
    "/{url:path}",
    operation_id="head_timemap",
    summary="Whether there are versions of a URL",
    response_class=Response,
    responses=_HEAD,
    openapi_extra={QUERY_OF_URL: True},
)
def head_timemap(request: Request, services: ServicesDep, url: Original, accept: Accept = None) -> Response:
    """The headers that GET answers with."""
    found = _answer(request, services, accept)
    return Response(headers={name: found.headers[name] for name in ("content-type", "cache-control", "vary")})


def _answer(request: Request, services: Services, accept: str | None) -> Response:
    documents = services.catalog.documents
    original = memento.url_below(request, "timemap")
    document = find_by_url(documents, services.in_force(), original)
    begun, last = first(documents, document), latest(documents, document)
    versions = documents.iterate_versions(document.id)
    wants_json = _quality(accept, "application/json") > _quality(accept, LINK_FORMAT)
    lines = _json(original, begun, last, versions) if wants_json else _links(original, begun, last, versions)
    media_type = "application/json" if wants_json else LINK_FORMAT
    headers = {"Cache-Control": "no-store", "Vary": "accept"}
    pieces = ("".join(batch) for batch in batched(lines, _BATCH))
    return StreamingResponse(pieces, headers=headers, media_type=media_type)


def _links(original: str, begun: VersionRow, last: VersionRow, versions: Iterator[VersionRow]) -> Iterator[str]:
    yield link(original, "original") + ",\n"
    span = {"from": http_date(begun.at), "until": http_date(last.at)}
    yield link(timemap_path(original), "self", type=LINK_FORMAT, **span) + ",\n"
    yield link(timegate_path(original), "timegate")
    for version in versions:
        relations = [name for name, end in (("first", begun), ("last", last)) if version.id == end.id]
        date = http_date(version.at)
        yield ",\n" + link(_address(version), " ".join([*relations, "memento"]), datetime=date)
    yield "\n"


def _json(original: str, begun: VersionRow, last: VersionRow, versions: Iterator[VersionRow]) -> Iterator[str]:
    """The shape that Memento aggregators agree on; RFC 7089 has none for JSON."""
    head = {
        "original_uri": original,
        "self": timemap_path(original),
        "timegate_uri": timegate_path(original),
        "timemap_uri": {"link_format": timemap_path(original), "json_format": timemap_path(original)},
    }
    yield json.dumps(head)[:-1] + ', "mementos": {"list": ['
    for version, following in pairwise(chain(versions, (None,))):
        if version is not None:
            yield json.dumps(_entry(version)) + ("," if following is not None else "")
    yield f'], "first": {json.dumps(_entry(begun))}, "last": {json.dumps(_entry(last))}}}}}\n'


def _entry(version: VersionRow) -> dict[str, str]:
    entry = {"datetime": to_rfc3339(version.at), "uri": _address(version)}
    return entry if version.erased_at is None else entry | {"erased": to_rfc3339(version.erased_at)}


def _address(version: VersionRow) -> str:
    return version_path(version.document, version.id)


def _quality(accept: str | None, media_type: str) -> float:
    """How much an `Accept` header wants a type: by its own name, else as part of a range; 0 if not at all."""
    wanted: dict[str, float] = {}
    for entry in (accept or "").lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weights = [found[1] for text in parameters if (found := _WEIGHT.fullmatch(text))]
        wanted[name] = float(weights[0]) if weights else 1.0
    kind = media_type.partition("/")[0]
    return next((wanted[name] for name in (media_type, f"{kind}/*", "*/*") if name in wanted), 0.0)
