"""`entrepot payload ID`: the bytes of a body."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from .exchange import IdentifierArgument
from .options import ConfigOption, DataOption, opened, settings_from

_SNIFF = 8192


def command(
    identifier: IdentifierArgument,
    *,
    request: Annotated[
        bool, typer.Option("--request/--response", help="Which of the two bodies.", show_default="--response")
    ] = False,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there; - is standard output.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write the body of a request or a response, after transfer and content decoding.

    Goes to standard output unless a file is named. A body that is no plain text is not written into a terminal.
    """
    from entrepot_store.errors import BadInput, NotFound

    from .output import output

    with opened(settings_from(config, data)) as archive:
        row = archive.catalog.exchange(identifier)
        if not request and row.response is None:
            raise NotFound(f"Exchange {identifier} has no response: {row.error or 'none came'}.")
        with archive.body(row, "request" if request else "response") as body:
            if sys.stdout.isatty() and target is None:
                start = body.read(_SNIFF)
                if not _is_text(start, whole=len(start) < _SNIFF):
                    raise BadInput("The body is not plain text.", hint="Name a file with -o, or use a pipe.")
                sys.stdout.buffer.write(start)
                while chunk := body.read(_SNIFF):
                    # What comes later may still be hostile: the terminal gets it without its control characters.
                    sys.stdout.buffer.write(chunk.translate(None, _STEERING))
                return
            with output(target) as stream:
                shutil.copyfileobj(body, stream, 64 * 1024)


_STEERING = bytes(code for code in (*range(32), 127) if code not in b"\t\n")


def _is_text(start: bytes, *, whole: bool) -> bool:
    """Whether a terminal may have it: UTF-8 without control characters other than line ends and tabs."""
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        if whole or error.start < len(start) - 3:  # a character may be cut in two where we stopped reading
            return False
        text = start[: error.start].decode("utf-8")
    return all(character in "\t\n\r" or character.isprintable() for character in text)
