"""`entrepot reindex`: documents, versions and index fields made anew by the rules now in force."""

import json

from entrepot_store.errors import Damaged

from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import progress_bar


def command(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Read what is stored again by the rules now in force.

    For a rule that is younger than the traffic it speaks of, and after a change to `ignore`, `document` or `index`.
    What is stored, and under which class, stays as it is. Exit code 10 if a segment does not decode.
    """
    from entrepot_store.documents.reindex import reindex

    settings = settings_from(config, data)
    with opened(settings) as archive, progress_bar("Reindexing") as advance:
        done = reindex(archive, settings, progress=advance)
    if as_json:
        damaged = [{"key": key, "reason": reason} for key, reason in done.damaged]
        print(json.dumps({"segments": done.segments, "looks": done.looks, "fields": done.fields, "damaged": damaged}))
    else:
        print(f"{done.segments} segments read: {done.looks} looks at documents, {done.fields} index fields.")
    if done.damaged:
        raise Damaged(
            f"{len(done.damaged)} segments do not decode, and what they say of documents is missing: "
            + "; ".join(reason for _, reason in done.damaged),
            hint="Bring them back from a copy of the vault, rebuild the catalog and reindex again.",
        )
