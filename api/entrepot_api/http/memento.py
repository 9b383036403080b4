"""The words of RFC 7089 (Memento): what is said in headers of a version, its original, its TimeGate and TimeMap.

All our own addresses are relative references: behind a balancer we do not know by which name and scheme we are reached.
"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote, urlsplit
from uuid import UUID

from fastapi import Request

from entrepot_store.catalog.documents import DocumentRow, VersionRow
from entrepot_store.errors import BadInput, NotFound

from ..document_names import plain_url
from .services import Services

_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_SAFE = "%/:=&?~+!$,;'@()*[]"
"""What a URI may hold beside letters and digits; everything else is percent-encoded, so that no header is broken."""
_LAST = 253_402_300_799_000_000
"""The end of the year 9999, behind which dates cannot be written."""


def http_date(at: int) -> str:
    """`Sat, 22 Nov 2025 08:26:40 GMT`, of microseconds since the epoch; the second that it is in."""
    return format_datetime(datetime.fromtimestamp(min(max(at, 0), _LAST) // 1_000_000, UTC), usegmt=True)


def accept_datetime(header: str) -> int:
    """The last microsecond of the second that an `Accept-Datetime` names: a version is dated by the second in which it
    began, and who asks for that date means it. Raises BadInput."""
    try:
        if not _DATE.fullmatch(header.strip()):
            raise ValueError(header)  # noqa: TRY301 - the one sentence for both kinds of nonsense
        return round(parsedate_to_datetime(header.strip()).timestamp()) * 1_000_000 + 999_999
    except (ValueError, OverflowError):
        raise BadInput(
            f"Accept-Datetime: {header!r} is no date as HTTP writes it.", hint="Such as Sat, 22 Nov 2025 08:26:40 GMT."
        ) from None


def original_url(services: Services, document: DocumentRow, version: VersionRow) -> str | None:
    """Where its product has the document: its key at the origin that the version was captured from, or if that is not
    known any more, at the destination's name. None for one that is no resource but what was once sent to one."""
    if not document.key.startswith("/"):
        return None
    try:
        captured = urlsplit(services.catalog.exchange(version.exchange).url)
        origin = f"{captured.scheme}://{captured.netloc.rpartition('@')[2]}"
    except (NotFound, ValueError):
        origin = f"http://{document.destination}"
    return _uri(origin + document.key)


def url_below(request: Request, name: str) -> str:
    """The URL that stands in the path behind `/v1/NAME/`, with the query, which is its own and not ours."""
    raw = request.scope["raw_path"].decode("latin-1")
    url = raw.partition(f"/{name}/")[2]
    query = request.scope["query_string"].decode("latin-1")
    return plain_url(f"{url}?{query}" if query else url)


def version_path(document: UUID, version: UUID) -> str:
    """The address of a version's content, which never changes."""
    return f"/v1/documents/{document}/versions/{version}/content"


def timegate_path(original: str) -> str:
    return f"/v1/timegate/{_uri(original)}"


def timemap_path(original: str) -> str:
    return f"/v1/timemap/{_uri(original)}"


def link(target: str, relation: str, **parameters: str) -> str:
    """One entry of a `Link` header or of a TimeMap."""
    more = "".join(f'; {name}="{value}"' for name, value in parameters.items())
    return f'<{_uri(target)}>; rel="{relation}"{more}'


def timemap_links(original: str) -> list[str]:
    return [
        link(original, "original"),
        link(timemap_path(original), "timemap", type="application/link-format"),
    ]


def memento_links(first: VersionRow, last: VersionRow, chosen: VersionRow) -> list[str]:
    """First, last and the chosen version, each once with all that it is."""
    relations: dict[UUID, list[str]] = {}
    for version, relation in ((first, "first"), (last, "last"), (chosen, "")):
        relations.setdefault(version.id, []).append(relation)
    versions = {version.id: version for version in (first, last, chosen)}
    return [
        link(
            version_path(version.document, version.id),
            " ".join([*filter(None, relations[version.id]), "memento"]),
            datetime=http_date(version.at),
        )
        for version in versions.values()
    ]


def memento_headers(services: Services, document: DocumentRow, version: VersionRow) -> dict[str, str]:
    """Of an answer that is a version: when it began, and the way to the others."""
    original = original_url(services, document, version)
    if original is None:
        return {"Memento-Datetime": http_date(version.at)}
    links = [link(original, "original"), link(timegate_path(original), "timegate"), timemap_links(original)[1]]
    return {"Memento-Datetime": http_date(version.at), "Link": ", ".join(links)}


def _uri(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe=_SAFE)
