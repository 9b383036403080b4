"""`entrepot checkout`: a product's documents as of a moment, as files (`entrepot_store.checkout`)."""

import json
from pathlib import Path
from typing import Annotated

import typer

from entrepot_store.clock import SystemClock, to_rfc3339
from entrepot_store.errors import Damaged

from ..query import past_moment, stored_text
from .document_options import AtOption, ToOption
from .importing import PARTLY
from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import progress_bar, say


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.", show_default=False)],
    *,
    destination: ToOption,
    at: AtOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a product's documents as they were at a moment as files, with an `index.json`.

    The folder appears whole or not at all. Exit code 10 if some contents are gone or damaged, 13 if only changes of
    some were ever captured; all others are there, and the index names those that are not.
    """
    from entrepot_store.checkout import checkout

    from ..time_travel import check_begun

    now = SystemClock().now()
    moment = now if at is None else past_moment(at, now, "--at")
    with opened(settings_from(config, data)) as archive:
        check_begun(archive.catalog.documents, destination, moment, "--at")
        with progress_bar("Checking out") as advance:
            done = checkout(archive, stored_text(destination), moment, folder, progress=advance)
    if as_json:
        facts = {"at": to_rfc3339(moment), "files": done.files, "bytes": done.size, "deleted": done.deleted}
        lists = {"erased": done.erased, "failed": done.failed}
        print(json.dumps(facts | {name: [str(found.document) for found in left] for name, left in lists.items()}))
    else:
        print(f"{done.files} documents of {destination} as of {to_rfc3339(moment)} are in {folder}, {done.size} bytes.")
    for failed in (*done.erased, *done.failed):
        say(f"{failed.key}: {failed.reason}")
    lost = sum(not failed.never_seen for failed in done.failed)
    if lost:
        raise Damaged(f"{lost} documents could not be read and have no file.", hint="`index.json` names them.")
    if done.failed:
        say(f"{len(done.failed)} documents have no file, because only changes of them were captured.")
        raise typer.Exit(PARTLY)
