"""`entrepot drill`: rehearses a restoration (`entrepot_replay.drill`), and lists what came of earlier rehearsals."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot_store.errors import BadInput

from ..query import stored_text
from .carry_out import carry_out
from .drill_text import lasting, portion, result_line
from .options import ConfigOption, DataOption, JsonOption, opened, opened_catalog, settings_from
from .output import print_table, say
from .replay_verify import verify
from .sending import (
    ConcurrencyOption,
    CredentialOption,
    IgnoreOption,
    InsecureOption,
    RateOption,
    TargetCaOption,
    TimeoutOption,
    WithoutCredentialsOption,
)

if TYPE_CHECKING:
    from entrepot_replay.report import Report
    from entrepot_store.catalog import Catalog
    from entrepot_store.catalog.drills import DrillRow

_SENDING, _ALL = "Sending", "Drills"


def command(
    *,
    destination: Annotated[
        str | None, typer.Option("--to", "--destination", metavar="PRODUCT", help="The product to rehearse with.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="CMD", help="Starts an empty copy of it, and stays in the foreground; run without a shell."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="URL", help="Where that copy listens: http://HOST[:PORT][/PREFIX].")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long it may take until it answers.")
    ] = 60.0,
    allow_delete: Annotated[
        bool, typer.Option("--allow-delete", help="Send recorded DELETE requests as well.")
    ] = False,
    credential: CredentialOption = None,
    without_credentials: WithoutCredentialsOption = False,
    concurrency: ConcurrencyOption = None,
    rate: RateOption = None,
    timeout: TimeoutOption = None,
    ignore: IgnoreOption = None,
    target_ca: TargetCaOption = None,
    insecure: InsecureOption = False,
    list_all: Annotated[
        bool, typer.Option("--list", help="List earlier drills, with --to those of one product.", rich_help_panel=_ALL)
    ] = False,
    limit: Annotated[
        int,
        typer.Option(min=1, max=1000, metavar="N", help="Drills listed at most.", rich_help_panel=_ALL),
    ] = 100,
    cursor: Annotated[
        str | None,
        typer.Option(
            metavar="CURSOR", help="`next` of the list before, to see the one after it.", rich_help_panel=_ALL
        ),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start an empty copy of a product, replay everything into it, verify, stop it, and keep the result with its date.

    The exit code is that of the replay with its verification: 0 only when everything is back; 20: some answers or
    documents differ; 21: some steps failed or documents are missing; 22: not everything was sent or verified; 23: the
    product did not start. 8: something listens at the target already.
    """
    from entrepot_replay.credentials import Credentials, CredentialSource, configured_for
    from entrepot_replay.drill import Drill, Drills, Hands
    from entrepot_replay.options import RunOptions
    from entrepot_replay.service import Replays
    from entrepot_replay.target import Target
    from entrepot_replay.verify import Verifier
    from entrepot_store.catalog.sql import replay_store

    settings = settings_from(config, data)
    if list_all:
        if start or target:
            raise BadInput("These options do not go together.", hint="Give --list alone, or with --to PRODUCT.")
        with opened_catalog(settings) as catalog:
            _list(catalog, destination, limit, cursor, as_json=as_json)
        return
    if not (destination and start and target):
        raise BadInput(
            "Nothing says what to drill.",
            hint="Give --to PRODUCT --start 'CMD' --target URL, or --list for earlier ones.",
        )
    given = {
        "concurrency": concurrency,
        "rate": rate,
        "timeout": timeout,
        "ignore": tuple(ignore) if ignore else None,
        "tls_ca": target_ca,
        "without_credentials": without_credentials or None,
        "tls_verify": False if insecure else None,
    }
    options = RunOptions.from_json({name: value for name, value in given.items() if value is not None})
    sources = [CredentialSource.parse(text) for text in credential or ()]
    secrets = Credentials(sources, configured_for(settings.credential, destination, Target.parse(target)))
    with opened(settings) as archive, _interruptible():
        replays = Replays(archive, replay_store(archive.catalog))
        verifier = Verifier(archive, replays, settings)
        hands = Hands(
            lambda run: carry_out(run, "Replaying"),
            lambda row: verify(verifier, row, options, secrets, reachable=True),
            say,
        )
        drill = Drill(
            destination=stored_text(destination),
            target=target,
            start=start,
            wait=wait,
            allow_delete=allow_delete,
            options=options,
        )
        row, report = Drills(archive, replays, settings).run(drill, secrets, hands)
    for note in secrets.notes():
        say(note)
    _show(row, report, as_json=as_json)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM, and SIGHUP unless `nohup` ignores it, as Ctrl-C: the product is stopped and the drill recorded, whoever
    ends us."""
    obeyed = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, signal.default_int_handler) for number in obeyed}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(row: "DrillRow", report: "Report", *, as_json: bool) -> None:
    from ..text import visible
    from ..views.base import to_json
    from ..views.drill import drill_view
    from .replay_text import report_lines

    if as_json:
        print(to_json(drill_view(row)))
    else:
        for line in report_lines(report):
            if "entrepot replay --resume" not in line:  # advice for a target that is still there
                print(line)
        print(visible(result_line(row)))
    if row.exit_code:
        raise typer.Exit(row.exit_code)


def _list(catalog: "Catalog", destination: str | None, limit: int, cursor: str | None, *, as_json: bool) -> None:
    from ..views import PageView
    from ..views.base import to_json
    from ..views.drill import drill_view

    page = catalog.drills.drills(destination, limit=limit, cursor=cursor)
    views = [drill_view(row) for row in page.items]
    if as_json:
        print(to_json(PageView(items=views, next=page.next)))
        return
    print_table(
        ("STARTED", "TO", "RESULT", "CODE", "BACK", "REBUILT IN", "REPLAY", "ERROR"),
        [
            (
                view.started_at[:19] + "Z",
                view.to,
                view.state,
                "-" if view.exit_code is None else str(view.exit_code),
                "-" if view.share_back is None else portion(view.share_back),
                "-" if view.recovery_seconds is None else lasting(view.recovery_seconds),
                str(view.replay),
                view.error,
            )
            for view in views
        ],
        right=("CODE", "BACK", "REBUILT IN"),
    )
    if page.next is not None:
        say(f"There are more: --cursor {page.next}")
