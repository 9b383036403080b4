"""`entrepot proxy`: becomes the capture proxy (`python -O -m entrepot_proxy`).

It replaces this process instead of starting another, so signals, the exit code and standard input are the proxy's.
`-O` drops a type check that mitmproxy makes for every field of every message.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import ConfigOption, DataOption


def command(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Forward proxy; '' for none, port 0 for a free one. [default: 127.0.0.1:8080]"
        ),
    ] = None,
    reverse: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=URL@HOST:PORT", help="A listener in front of one product; may be repeated."),
    ] = None,
) -> None:
    """Run the capture proxy. What it captures waits in DATA/spool until `entrepot ship` moves it into the vault."""
    os.execv(sys.executable, [sys.executable, *proxy_arguments(config, data, listen, reverse or [])])  # noqa: S606 - no shell is wanted


def proxy_arguments(config: Path | None, data: Path | None, listen: str | None, reverse: list[str]) -> list[str]:
    """Arguments of the interpreter; what was not given is not passed on, so that the configuration decides it."""
    arguments = ["-P", "-O", "-m", "entrepot_proxy"]
    for option, value in (("--config", config), ("--data", data), ("--listen", listen)):
        if value is not None:
            arguments += [option, str(value)]
    for listener in reverse:
        arguments += ["--reverse", listener]
    return arguments
