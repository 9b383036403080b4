"""`entrepot restore`: brings documents to what they were at a moment (`entrepot_replay.restore`).

Without `--yes` the plan is made, printed and stored, and nothing is written.
"""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from entrepot_store.clock import SystemClock
from entrepot_store.errors import BadInput

from ..query import past_moment, stored_text
from .carry_out import carry_out
from .document_options import AtOption
from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import say
from .restore_text import plan_lines, read_back_lines
from .sending import (
    CredentialOption,
    InsecureOption,
    MaxFailuresOption,
    RetryFailedOption,
    RetryUnknownOption,
    TargetCaOption,
    TimeoutOption,
    WithoutCredentialsOption,
)

if TYPE_CHECKING:
    from entrepot_replay.credentials import Credentials, CredentialSource
    from entrepot_replay.options import RunOptions
    from entrepot_replay.restore.readback import ReadBack
    from entrepot_store.archive import Archive
    from entrepot_store.catalog.replays import ReplayRow, ReplayStore
    from entrepot_store.config import Settings

_SENDING, _ALL = "Sending", "Restores and results"


def command(
    *,
    destination: Annotated[
        str | None, typer.Option("--to", "--destination", metavar="PRODUCT", help="The product whose documents.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="URL", help="Where to restore: http://HOST[:PORT][/PREFIX].")
    ] = None,
    at: AtOption = None,
    document: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DOC", help="Only this one: a path, template, glob, URL or id of a document; may be repeated."
        ),
    ] = None,
    update_existing: Annotated[
        bool, typer.Option("--update-existing", help="Bring documents back that are there and differ.")
    ] = False,
    delete_newer: Annotated[
        bool, typer.Option("--delete-newer", help="Delete documents that were made later, or were gone by then.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do what the plan says, at once.")] = False,
    allow_captured_host: Annotated[
        bool, typer.Option("--allow-captured-host", help="Let the target be a server that was captured from.")
    ] = False,
    credential: CredentialOption = None,
    without_credentials: WithoutCredentialsOption = False,
    rate: Annotated[
        float | None, typer.Option(min=0.001, metavar="N", help="Writes a second.", rich_help_panel=_SENDING)
    ] = None,
    timeout: TimeoutOption = None,
    max_failures: MaxFailuresOption = None,
    retry_failed: RetryFailedOption = False,
    retry_unknown: RetryUnknownOption = False,
    target_ca: TargetCaOption = None,
    insecure: InsecureOption = False,
    resume: Annotated[
        UUID | None, typer.Option(metavar="ID", help="Start or go on with a planned restore.", rich_help_panel=_ALL)
    ] = None,
    report: Annotated[
        UUID | None, typer.Option(metavar="ID", help="Read everything back once more.", rich_help_panel=_ALL)
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, metavar="N", help="Documents shown at most.", rich_help_panel=_ALL)
    ] = 100,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring documents to what they were at a moment. Without --yes the plan is shown and nothing is written.

    What is missing is made; what differs and what came later is left alone unless asked for. Afterwards everything is
    read back. The exit code is 0 only when all that was asked for is as it was; 20: some differ; 21: some are missing
    or cannot be restored; 22: not everything was sent; 23: the target takes no connections.
    """
    from entrepot_replay.credentials import CredentialSource
    from entrepot_replay.options import RunOptions
    from entrepot_replay.restore.decide import Modes
    from entrepot_replay.restore.plan import Restores
    from entrepot_replay.restore.request import Request
    from entrepot_store.catalog.sql import replay_store

    if sum(map(bool, (resume, report, target))) != 1 or (target and not destination):
        raise BadInput(
            "Nothing says what to do." if not (resume or report or target) else "These options do not go together.",
            hint="Give --to PRODUCT --target URL for a new restore, or one of --resume ID and --report ID.",
        )
    given = {
        "rate": rate,
        "timeout": timeout,
        "max_failures": max_failures,
        "retry_failed": retry_failed or None,
        "retry_unknown": retry_unknown or None,
        "tls_ca": target_ca,
        "without_credentials": without_credentials or None,
        "tls_verify": False if insecure else None,
    }
    overrides = {name: value for name, value in given.items() if value is not None}
    sources = [CredentialSource.parse(text) for text in credential or ()]
    settings = settings_from(config, data)
    with opened(settings) as archive:
        store = replay_store(archive.catalog)
        if identifier := resume or report:
            row = store.get(identifier)
            if "restore" not in row.selection:
                raise BadInput(f"{identifier} is a replay, no restore.", hint="Use `entrepot replay` for it.")
            kept = {**row.options, "retry_unknown": False, "retry_failed": False}
            options = RunOptions.from_json({**kept, **overrides})
            secrets = _credentials(settings, sources, row.destination, row.target)
            if resume:
                _run(archive, store, row, options, secrets)
            _show(archive, store, row, options, secrets, limit=limit, as_json=as_json)
            return
        options = RunOptions.from_json(overrides)
        now = SystemClock().now()
        request = Request(
            stored_text(destination or ""),
            target or "",
            now if at is None else past_moment(at, now, "--at"),
            document or (),
            Modes(update_existing, delete_newer),
            allow_captured_host,
        )
        secrets = _credentials(settings, sources, request.destination, request.target)
        row = Restores(archive, store).plan(request, options, secrets, settings)
        _print_plan(store, row, limit=limit, as_json=as_json, runs=yes)
        if yes:
            _run(archive, store, row, options, secrets)
            _show(archive, store, row, options, secrets, limit=limit, as_json=as_json)


def _credentials(
    settings: "Settings", sources: "list[CredentialSource]", destination: str, target: str
) -> "Credentials":
    from entrepot_replay.credentials import Credentials, configured_for
    from entrepot_replay.target import Target

    return Credentials(sources, configured_for(settings.credential, destination, Target.parse(target)))


def _run(
    archive: "Archive", store: "ReplayStore", row: "ReplayRow", options: "RunOptions", secrets: "Credentials"
) -> None:
    from entrepot_replay.service import Replays

    if row.plan["steps"]:
        carry_out(Replays(archive, store).start(row.id, options, secrets), "Restoring")
    for note in secrets.notes():
        say(note)


def _print_plan(store: "ReplayStore", row: "ReplayRow", *, limit: int, as_json: bool, runs: bool) -> None:
    """With `runs` the JSON is left to the result that follows."""
    from entrepot_replay.restore.running import steps_of

    from ..views.base import to_json
    from ..views.restore import plan_view, planned_documents

    view = plan_view(row, planned_documents(steps_of(store, row.id)), limit)
    if as_json and not runs:
        print(to_json(view))
        return
    for line in plan_lines(view, start=not runs):
        (say if as_json else print)(line)


def _show(
    archive: "Archive",
    store: "ReplayStore",
    row: "ReplayRow",
    options: "RunOptions",
    secrets: "Credentials",
    *,
    limit: int,
    as_json: bool,
) -> None:
    from entrepot_replay.errors import NotSent, TargetUnreachable
    from entrepot_replay.restore.readback import read_back

    from ..views.base import to_json
    from ..views.restore import read_back_view

    try:
        result: ReadBack = read_back(archive, store, store.get(row.id), options, secrets, limit=limit)
    except NotSent as error:
        raise TargetUnreachable(
            f"The target {row.target} takes no connections: {error}.",
            hint=f"Start it, and read everything back with: entrepot restore --report {row.id}",
        ) from None
    view = read_back_view(result)
    if as_json:
        print(to_json(view))
    else:
        for line in read_back_lines(view):
            print(line)
    if result.exit_code:
        raise typer.Exit(result.exit_code)
