"""`entrepot replay`: plans, sends and compares; resumes; shows reports.

Without `--yes` a plan is made, printed and stored, and nothing is sent.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.replays import ReplayState, Wanted
from entrepot_store.errors import BadInput

from . import idmaps
from .carry_out import carry_out
from .filters import filtered
from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import output, print_table, say
from .replay_text import flow_lines, plan_lines, report_lines
from .replay_verify import verify
from .sending import (
    ConcurrencyOption,
    IgnoreOption,
    InsecureOption,
    MaxFailuresOption,
    RateOption,
    RetryFailedOption,
    RetryUnknownOption,
    TargetCaOption,
    TimeoutOption,
    WithoutCredentialsOption,
)

if TYPE_CHECKING:
    from entrepot_replay.credentials import Credentials
    from entrepot_replay.options import RunOptions
    from entrepot_replay.report import Report
    from entrepot_replay.service import Replays
    from entrepot_replay.verify import Verifier
    from entrepot_store.catalog.replays import ReplayRow

_SENDING, _ALL = "Sending", "Replays and reports"


@filtered
def command(
    *,
    where: ExchangeFilter,
    target: Annotated[
        str | None, typer.Option(metavar="URL", help="Where to send to: http://HOST[:PORT][/PREFIX].")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send what the plan says, at once.")] = False,
    allow_delete: Annotated[
        bool, typer.Option("--allow-delete", help="Send recorded DELETE requests as well.")
    ] = False,
    allow_captured_host: Annotated[
        bool, typer.Option("--allow-captured-host", help="Let the target be a server that was captured from.")
    ] = False,
    credential: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SOURCE",
            help="A secret for the references in a header: authorization=env:VARIABLE, …=file:PATH or …=cmd:COMMAND; "
            "sigv4=… for AWS keys, KEY_ID:SECRET. May be repeated; wins over [[credential]].",
            rich_help_panel=_SENDING,
        ),
    ] = None,
    without_credentials: WithoutCredentialsOption = False,
    concurrency: ConcurrencyOption = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.001, metavar="X", help="Keep the recorded pace, so many times as fast.", rich_help_panel=_SENDING
        ),
    ] = None,
    rate: RateOption = None,
    timeout: TimeoutOption = None,
    wait_for_target: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long to wait for a target that goes away meanwhile. [default: 30]",
            rich_help_panel=_SENDING,
        ),
    ] = None,
    max_failures: MaxFailuresOption = None,
    max_failure_ratio: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Stop when more than this share of the steps failed or are unknown (of 20 at least).",
            rich_help_panel=_SENDING,
        ),
    ] = None,
    ignore: IgnoreOption = None,
    id_map: Annotated[
        str | None,
        typer.Option(
            metavar="ID|FILE",
            help="With --target: begin with the id map of another replay, or with an exported one.",
            rich_help_panel=_SENDING,
        ),
    ] = None,
    retry_unknown: RetryUnknownOption = False,
    retry_failed: RetryFailedOption = False,
    target_ca: TargetCaOption = None,
    insecure: InsecureOption = False,
    resume: Annotated[
        UUID | None,
        typer.Option(metavar="ID", help="Start or go on with a planned replay.", rich_help_panel=_ALL),
    ] = None,
    report: Annotated[
        UUID | None, typer.Option(metavar="ID", help="Show how a replay went.", rich_help_panel=_ALL)
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show the plan and send nothing, which is the default.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="With a plan: which step uses what of which other, and why.")
    ] = False,
    show_id_map: Annotated[
        UUID | None,
        typer.Option(
            "--show-id-map", metavar="ID", help="Show or export (--json) a replay's id map.", rich_help_panel=_ALL
        ),
    ] = None,
    map_value: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="RECORDED=LIVE",
            help="With --show-id-map: set an entry; ROLE:RECORDED=LIVE where only the role tells. May be repeated.",
            rich_help_panel=_ALL,
        ),
    ] = None,
    pause: Annotated[
        UUID | None, typer.Option(metavar="ID", help="Pause a replay, wherever it runs.", rich_help_panel=_ALL)
    ] = None,
    cancel: Annotated[
        UUID | None, typer.Option(metavar="ID", help="End a replay for good.", rich_help_panel=_ALL)
    ] = None,
    verify_again: Annotated[
        UUID | None,
        typer.Option(
            "--verify",
            metavar="ID",
            help="Read from the target what a replay should have brought back, and compare.",
            rich_help_panel=_ALL,
        ),
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not read the target back at the end.", rich_help_panel=_SENDING)
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the report as one HTML page too.", rich_help_panel=_ALL),
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List all replays.", rich_help_panel=_ALL)] = False,
    limit: Annotated[
        int,
        typer.Option(min=1, max=10_000, metavar="N", help="Steps or replays shown at most.", rich_help_panel=_ALL),
    ] = 100,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send captured writes to a target, compare the answers, and read back whether everything is there again. Without
    --yes the plan is shown and nothing is sent.

    The exit code is 0 only when every planned step was answered as recorded and every document is back; 20: some
    answers or documents differ, or there are too many; 21: some steps failed, are unknown or cannot be replayed, or
    documents are missing or unknown; 22: not everything was sent or verified; 23: the target takes no connections.
    """
    from entrepot_replay.credentials import Credentials, CredentialSource, configured_for
    from entrepot_replay.options import RunOptions
    from entrepot_replay.report import make_report
    from entrepot_replay.selection import Selection
    from entrepot_replay.service import Replays
    from entrepot_replay.target import Target
    from entrepot_replay.verify import Verifier
    from entrepot_store.catalog.sql import replay_store

    if sum(map(bool, (resume, report, list_all, target, show_id_map, pause, cancel, verify_again))) != 1 or (
        plan and yes
    ):
        raise BadInput(
            "Nothing says what to do." if target is None else "These options do not go together.",
            hint="Give --to PRODUCT --target URL for a new replay, or one of --resume, --report, --verify, --pause, "
            "--cancel, --show-id-map with its ID, or --list.",
        )
    given = {
        "concurrency": concurrency,
        "speed": speed,
        "ignore": tuple(ignore) if ignore else None,
        "max_failure_ratio": max_failure_ratio,
        "rate": rate,
        "timeout": timeout,
        "wait_for_target": wait_for_target,
        "max_failures": max_failures,
        "tls_ca": target_ca,
        "retry_unknown": retry_unknown or None,
        "retry_failed": retry_failed or None,
        "without_credentials": without_credentials or None,
        "tls_verify": False if insecure else None,
    }
    overrides = {name: value for name, value in given.items() if value is not None}
    sources = [CredentialSource.parse(text) for text in credential or ()]
    settings = settings_from(config, data)
    with opened(settings) as archive:
        replays = Replays(archive, replay_store(archive.catalog))
        verifier = None if no_verify and verify_again is None else Verifier(archive, replays, settings)
        if list_all:
            _list(replays, limit, as_json=as_json)
        elif report is not None:
            _show(make_report(replays.store, report, limit=limit), html, as_json=as_json)
        elif show_id_map is not None:
            idmaps.show(replays, show_id_map, map_value or (), as_json=as_json)
        elif pause is not None or cancel is not None:
            wanted = Wanted.PAUSE if pause is not None else Wanted.CANCEL
            _print_state(replays, replays.ask(pause or cancel or UUID(int=0), wanted), as_json=as_json)
        elif resume is not None or verify_again is not None:
            row = replays.store.get(resume or verify_again or UUID(int=0))
            # What a run is to retry is asked for each time anew, and not remembered from the run before.
            anew = {"retry_unknown": False, "retry_failed": False}
            options = RunOptions.from_json({**row.options, **anew, **overrides})
            secrets = Credentials(
                sources, configured_for(settings.credential, row.destination, Target.parse(row.target))
            )
            if resume is not None and "restore" in row.selection:
                raise BadInput(f"{resume} is a restore.", hint=f"Go on with: entrepot restore --resume {resume}")
            _run(replays, row, options, secrets, verifier, sends=resume is not None)
            _show(make_report(replays.store, row.id, limit=limit), html, as_json=as_json)
        else:
            options = RunOptions.from_json(overrides)
            selection = Selection(where, allow_delete=allow_delete)
            # A variable that is not set is said before anything is planned.
            secrets = Credentials(
                sources, configured_for(settings.credential, selection.destination, Target.parse(target or ""))
            )
            row = replays.plan(
                selection,
                target or "",
                options,
                allow_captured_host=allow_captured_host,
                settings=settings,
            )
            if id_map is not None:
                idmaps.take_over(replays, row.id, id_map)
            if yes:
                named = {name for name in row.plan["secret_names"] if secrets.covers_all(name)}
                for line in plan_lines(row, set(row.plan["secret_names"]) if without_credentials else named):
                    (say if as_json else print)(line)
                _run(replays, row, options, secrets, verifier)
                _show(make_report(replays.store, row.id, limit=limit), html, as_json=as_json)
            else:
                _print_plan(replays, row, as_json=as_json, explain=explain)


def _run(
    replays: "Replays",
    row: "ReplayRow",
    options: "RunOptions",
    credentials: "Credentials",
    verifier: "Verifier | None",
    *,
    sends: bool = True,
) -> None:
    """Sends what is to be sent (if it `sends`), and reads back what came of it, once all of it is sent."""
    if not sends and verifier is not None:
        verify(verifier, row, options, credentials)
        return
    run = replays.start(row.id, options, credentials)
    ended = carry_out(run, "Replaying")
    if verifier is not None and ended.state is ReplayState.FINISHED and run.executor.progress.done:
        verify(verifier, ended, options, credentials, reachable=True)
    for note in credentials.notes():
        say(note)


def _print_plan(replays: "Replays", row: "ReplayRow", *, as_json: bool, explain: bool) -> None:
    from entrepot_replay.report import all_steps

    from ..views.base import to_json
    from ..views.replay import explained_view, replay_view

    if as_json:
        counts = replays.store.counts(row.id)
        steps = all_steps(replays.store, row.id)
        print(to_json(explained_view(row, counts, steps) if explain else replay_view(row, counts)))
        return
    for line in plan_lines(row):
        print(line)
    if explain:
        print()
        for step in all_steps(replays.store, row.id):
            for line in flow_lines(step):
                print(line)


def _print_state(replays: "Replays", row: "ReplayRow", *, as_json: bool) -> None:
    from ..views.base import to_json
    from ..views.replay import replay_view, state_text

    if as_json:
        print(to_json(replay_view(row, replays.store.counts(row.id))))
    else:
        asked = f", and asked to {row.wanted.value}" if row.wanted is not Wanted.RUN else ""
        print(f"Replay {row.id} is {state_text(row)}{asked}.")


def _show(report: "Report", page: Path | None, *, as_json: bool) -> None:
    from ..views.base import to_json
    from ..views.replay import report_view

    if page is not None:
        from ..views.replay_page import report_page

        with output(page) as stream:
            stream.write(report_page(report).encode())
    if as_json:
        print(to_json(report_view(report)))
    else:
        for line in report_lines(report):
            print(line)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _list(replays: "Replays", limit: int, *, as_json: bool) -> None:
    from ..views import PageView
    from ..views.base import to_json
    from ..views.replay import replay_view

    page = replays.store.replays(limit=limit)
    views = [replay_view(row, replays.store.counts(row.id)) for row in page.items]
    if as_json:
        print(to_json(PageView(items=views, next=page.next)))
        return
    print_table(
        ("ID", "CREATED", "TO", "STATE", "STEPS", "AS RECORDED", "NOT", "TARGET"),
        [
            (
                str(view.id),
                view.created_at[:19] + "Z",
                view.to,
                view.state,
                str(view.plan.get("steps", "-")),
                str(view.counts.identical + view.counts.equivalent),
                str(view.counts.different + view.counts.failed + view.counts.unknown),
                view.target,
            )
            for view in views
        ],
        right=("STEPS", "AS RECORDED", "NOT"),
    )
