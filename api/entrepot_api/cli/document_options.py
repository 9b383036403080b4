"""Arguments and options that the commands about documents share."""

from typing import Annotated

import typer

DocumentArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="DOC...", help="An id, a URL, or destination and key: orders /v1/settings/7.", show_default=False
    ),
]
ToOption = Annotated[str, typer.Option("--to", "--destination", metavar="PRODUCT", help="The product they belong to.")]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="RFC 3339 time, date, or age (30m, 2h, 3d, 1w). [default: now]"),
]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Lines on one page.")]
CursorOption = Annotated[
    str | None, typer.Option(metavar="CURSOR", help="`next` of the page before, to see the one after it.")
]
