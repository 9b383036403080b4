"""From a version to its bytes. A version that a PATCH made, and nothing showed since, is the patch applied to the
version before it: as JSON Merge Patch (RFC 7396) or JSON Patch (RFC 6902), by what the request said it was.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, BinaryIO

import jsonpatch

from ..archive import Archive
from ..catalog.documents import DocumentCatalog, Effect, VersionRow
from ..clock import to_rfc3339
from ..errors import Damaged, Erased, NotFound
from .canonical import LONGEST_JSON, parse_json
from .coded import codings_of, uncoded


class NeverSeen(NotFound):
    """Only changes of a document were captured: nothing is lost or damaged, and nobody knows what it is."""


_DEEPEST = 1000
"""Patches in a row that are applied; behind them somebody should have looked at the document once."""


@contextmanager
def open_content(archive: Archive, documents: DocumentCatalog, version: VersionRow) -> Iterator[BinaryIO]:
    """The content of a version as a stream: of `version.size` bytes, unless its effect is PATCH. Raises as
    `content_bytes`."""
    if version.effect is not Effect.CONTENT:
        yield BytesIO(content_bytes(archive, documents, version))
        return
    with archive.body(archive.catalog.exchange(version.exchange), version.side) as stream:
        yield stream


def content_bytes(archive: Archive, documents: DocumentCatalog, version: VersionRow) -> bytes:
    """The content of a version, in memory.

    Raises as `history_of`, and what `Archive.body` raises.
    """
    base, patches = history_of(documents, version)
    if not patches:
        return archive.body_bytes(archive.catalog.exchange(base.exchange), base.side)
    content = _body(archive, base)
    for patch in patches:
        content = _applied(content, _body(archive, patch), patch)
    return content


def history_of(documents: DocumentCatalog, version: VersionRow) -> tuple[VersionRow, list[VersionRow]]:
    """The version whose content was seen, and the changes since, oldest first. Raises NotFound for a tombstone, Erased
    for what was expunged and for changes to it, and NeverSeen for changes to what was never seen."""
    if version.effect is Effect.ERASED:
        raise Erased(f"The version of {to_rfc3339(version.at)} was erased {erased_when(version)}.")
    if version.effect is Effect.TOMBSTONE:
        raise NotFound(f"The document was deleted at {to_rfc3339(version.at)}; that version has no content.")
    patches: list[VersionRow] = []
    base: VersionRow | None = version
    while base is not None and base.effect is Effect.PATCH and len(patches) < _DEEPEST:
        patches.append(base)
        base = documents.version_at(base.document, base.at - 1)
    if base is not None and base.effect is Effect.ERASED:
        raise Erased(
            f"The version of {to_rfc3339(version.at)} is a change (PATCH), and what it changed was erased"
            f" {erased_when(base)}.",
            hint="The patch itself is the request body of its exchange.",
        )
    if base is None or base.effect is not Effect.CONTENT:
        raise NeverSeen(
            f"The version of {to_rfc3339(version.at)} is a change (PATCH), and what it changed was never seen.",
            hint="The patch itself is the request body of its exchange.",
        )
    return base, patches[::-1]


def erased_when(version: VersionRow) -> str:
    return "at a time that is not known" if version.erased_at is None else f"at {to_rfc3339(version.erased_at)}"


def _body(archive: Archive, version: VersionRow) -> bytes:
    row = archive.catalog.exchange(version.exchange)
    message = row.request if version.side == "request" else row.response
    data = archive.body_bytes(row, version.side)
    return data if message is None else uncoded(data, codings_of(message), LONGEST_JSON)


def _applied(content: bytes, patch: bytes, version: VersionRow) -> bytes:
    if max(len(content), len(patch)) > LONGEST_JSON:
        raise NotFound(f"The version of {to_rfc3339(version.at)} is a change to a document too long to apply it to.")
    try:
        return patched(content, patch, version.media_type)
    except (ValueError, RecursionError, jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise Damaged(
            f"The patch of {to_rfc3339(version.at)} does not apply to the version before it: {error}.",
            hint="Something changed the document in between that was not captured; look at the exchange itself.",
        ) from error


def patched(content: bytes, patch: bytes, media_type: str) -> bytes:
    """JSON with a patch applied: a JSON Patch, if that is its media type or it is a list, else a JSON Merge Patch.
    Raises ValueError, RecursionError, JsonPatchException and JsonPointerException."""
    value, change = parse_json(content), parse_json(patch)
    if media_type == "application/json-patch+json" or isinstance(change, list):
        changed = jsonpatch.apply_patch(value, change)
    else:
        changed = merge_patch(value, change)
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, word by word."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result
