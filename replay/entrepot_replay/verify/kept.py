"""The content of a document that was written and not read since, as the recording or the kept versions tell it."""

import json
from typing import Any

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.documents.canonical import LONGEST_JSON, is_json
from entrepot_store.documents.coded import codings_of, uncoded
from entrepot_store.documents.content import merge_patch
from entrepot_store.documents.identity import document_key
from entrepot_store.documents.representation import represent
from entrepot_store.errors import Damaged, NotFound

from .expected import Basis, Expected


def written_content(archive: Archive, expected: Expected, row: ExchangeRow) -> tuple[str, bytes]:
    """Media type and content. With changes on top it is the version that was kept, if a rule protects the document;
    else what was seen last with the changes merged into it, or the changes alone, where nothing was seen.

    Raises what reading bodies raises."""
    kind, content = _body(archive, row, expected)
    if expected.basis is not Basis.CHANGED:
        return kind, content
    kept = _version(archive, expected, row)
    if kept is not None:
        return kept
    try:
        merged: Any = json.loads(content) if is_json(kind) and expected.exchange not in expected.changes else {}
        for change in expected.changes:
            patch = archive.catalog.exchange(change)
            merged = merge_patch(merged, json.loads(archive.body_bytes(patch, "request") or b"{}"))
    except (ValueError, RecursionError) as error:
        raise Damaged(f"The changes to it are no JSON: {error}.") from error
    return "application/json", json.dumps(merged).encode()


def _body(archive: Archive, row: ExchangeRow, expected: Expected) -> tuple[str, bytes]:
    message = row.request if expected.side == "request" else row.response
    if message is None:
        raise NotFound("No answer was recorded.")
    return message.content_type, uncoded(archive.body_bytes(row, expected.side), codings_of(message), LONGEST_JSON)


def _version(archive: Archive, expected: Expected, row: ExchangeRow) -> tuple[str, bytes] | None:
    documents = archive.catalog.documents
    path, _, query = expected.path.partition("?")
    try:
        found = documents.find(row.destination, document_key(path, query))
        version = documents.version_at(found.id, expected.at)
        if version is None:
            return None
        content = represent(archive, version)
        return content.media_type, content.plain(LONGEST_JSON)
    except NotFound:
        return None
