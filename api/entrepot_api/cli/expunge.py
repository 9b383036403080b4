"""`entrepot expunge`: payloads are taken out for good (`entrepot_store.expunge`). A dry run unless `--yes`."""

import getpass
import json
import time
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from entrepot_store.errors import BadInput, Busy

from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import say
from .upkeep import FOLDER, in_turn

if TYPE_CHECKING:
    from entrepot_store.archive import Archive

_PATIENCE_SECONDS = 60.0


def command(
    *,
    exchange: Annotated[list[UUID] | None, typer.Option(metavar="ID", help="All of one exchange; repeatable.")] = None,
    payload: Annotated[
        list[str] | None, typer.Option(metavar="sha256:HEX", help="One payload, wherever it is; repeatable.")
    ] = None,
    document: Annotated[
        list[UUID] | None, typer.Option(metavar="ID", help="All that was said about a document; repeatable.")
    ] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE", help="All exchanges with that index field; several must all hold."),
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands in the erasure ledger.")] = "",
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who. [default: the user]")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without, nothing is changed.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take payloads out of vault, catalog and spool for good; the rest of their exchanges stays, marked as erased.

    Refused under a legal hold or an object lock. Run again without a selection it ends what a crash interrupted.
    """
    from entrepot_store.catalog.fields import FieldCondition
    from entrepot_store.expunge import expunge
    from entrepot_store.expunge.select import select
    from entrepot_store.spool import SpoolFolder
    from entrepot_store.spool.files import DAMAGED

    settings = settings_from(config, data)
    conditions = [FieldCondition.parse(text) for text in subject or ()]
    digests = [_digest(text) for text in payload or ()]
    selected = bool(exchange or digests or document or conditions)
    if yes and selected and not reason:
        raise BadInput("--reason is missing: the erasure ledger says why something was erased.")
    with opened(settings) as archive:
        if yes:
            _ship(settings.data, archive)
        sides = select(
            archive.catalog, exchanges=exchange or (), payloads=digests, documents=document or (), subject=conditions
        )
        if selected and not sides:
            say("Nothing is stored of that.")
        if not yes:
            ids = [str(identifier) for identifier in sorted(sides)]
            print(json.dumps({"exchanges": ids}, indent=2)) if as_json else print(*ids, sep="\n")
            say(f"Payloads of {len(sides)} exchanges would be erased. Nothing was changed; --yes does it.")
            return
        catalog, folder, who = archive.catalog, settings.data / FOLDER, by or getpass.getuser()
        done = in_turn(lambda: expunge(archive.vault, catalog, folder, sides, by=who, reason=reason))
    erasure = None if done.erasure is None else str(done.erasure)
    if as_json:
        print(json.dumps({"erasure": erasure, "exchanges": done.exchanges, "segments": done.segments}, indent=2))
    else:
        print(f"{done.exchanges} exchanges erased, {done.segments} segments written again; erasure {erasure or '-'}.")
    for name in SpoolFolder(settings.data / "spool").names(DAMAGED):
        say(f"spool file {name} is damaged and was kept; look whether it holds any of it, and remove it by hand.")


def _digest(text: str) -> bytes:
    algorithm, _, digits = text.partition(":")
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if algorithm != "sha256" or len(digest) != 32:
        raise BadInput(f"--payload: {text!r} is not sha256: and 64 hexadecimal digits.")
    return digest


def _ship(data: Path, archive: "Archive") -> None:
    """What waits in this folder's spools goes to the vault first, where it can be erased. Raises Busy if another
    shipper does not get it done."""
    from entrepot_store.ship import run_shipper
    from entrepot_store.spool import SpoolFolder
    from entrepot_store.spool.backlog import unshipped

    deadline = time.monotonic() + _PATIENCE_SECONDS
    for folder in (data / "spool", data / "imports"):
        waiting = set(unshipped(SpoolFolder(folder))) if folder.is_dir() else set()
        while waiting:
            with suppress(Busy):  # the shipper of this folder is at it
                run_shipper(SpoolFolder(folder), archive.vault, archive.catalog, Event(), mode="once")
            time.sleep(0.1)
            waiting &= set(unshipped(SpoolFolder(folder)))
            if waiting and time.monotonic() > deadline:
                raise Busy(
                    f"{len(waiting)} spool files in {folder} are not shipped yet; they may hold what is to be erased.",
                    hint="See `entrepot status`, and run it again when they are.",
                )
