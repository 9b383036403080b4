"""Options of the commands that send: `replay`, `restore` and `drill` take them alike."""

from typing import Annotated

import typer

_SENDING = "Sending"

ConcurrencyOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        metavar="N",
        help="Steps under way at once, of those that do not depend on one another. [default: 1]",
        rich_help_panel=_SENDING,
    ),
]
CredentialOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=SOURCE",
        help="A secret for the references in a header, as for replay. May be repeated; wins over [[credential]].",
        rich_help_panel=_SENDING,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="JSONPATH",
        help="Differences at this place do not count: $.meta.took, $.items[*].seen; may be repeated.",
        rich_help_panel=_SENDING,
    ),
]
InsecureOption = Annotated[
    bool, typer.Option("--insecure", help="Do not verify the target's certificate.", rich_help_panel=_SENDING)
]
MaxFailuresOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Stop when so many steps failed or are unknown.", rich_help_panel=_SENDING),
]
RateOption = Annotated[
    float | None, typer.Option(min=0.001, metavar="N", help="Requests a second.", rich_help_panel=_SENDING)
]
RetryFailedOption = Annotated[
    bool, typer.Option("--retry-failed", help="Send failed steps again.", rich_help_panel=_SENDING)
]
RetryUnknownOption = Annotated[
    bool,
    typer.Option(
        "--retry-unknown",
        help="Send steps again whose outcome is unknown, even if they may take effect twice.",
        rich_help_panel=_SENDING,
    ),
]
TargetCaOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="CAs to trust besides the usual.", rich_help_panel=_SENDING)
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(min=0.1, metavar="SECONDS", help="Without progress. [default: 30]", rich_help_panel=_SENDING),
]
WithoutCredentialsOption = Annotated[
    bool,
    typer.Option(
        "--without-credentials", help="Leave out headers whose secret is not given.", rich_help_panel=_SENDING
    ),
]
