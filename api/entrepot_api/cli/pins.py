"""`entrepot pins`: what no policy takes away."""

import json
from contextlib import suppress

from entrepot_store.clock import to_rfc3339
from entrepot_store.errors import NotFound

from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table


def command(*, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the pins."""
    with opened_catalog(settings_from(config, data)) as catalog:
        found = []
        for row in catalog.retention.pins():
            name = str(row.document)  # of a document that was expunged, or is not there yet
            with suppress(NotFound):
                document = catalog.documents.document(row.document)
                name = f"{document.destination} {document.key}"
            found.append((row, name))
    if as_json:
        items = [
            {
                "id": str(row.id),
                "document": str(row.document),
                "version": None if row.version is None else str(row.version),
                "at": None if row.at is None else to_rfc3339(row.at),
                "created_at": to_rfc3339(row.created_at),
                "created_by": row.created_by,
                "note": row.note,
            }
            for row, _ in found
        ]
        print(json.dumps({"items": items}, indent=2))
        return
    print_table(
        ("ID", "DOCUMENT", "WHAT", "SINCE", "BY", "NOTE"),
        [
            (
                str(row.id),
                name,
                f"version {row.version}" if row.at is None else f"at {to_rfc3339(row.at)}",
                to_rfc3339(row.created_at),
                row.created_by,
                row.note,
            )
            for row, name in found
        ],
    )
