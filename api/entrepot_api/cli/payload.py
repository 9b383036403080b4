"""`entrepot payload ID`: the bytes of a body."""

import codecs
import shutil
import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from entrepot_store.errors import BadInput, NotFound

from ..text import visible
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
    from .output import output

    with opened(settings_from(config, data)) as archive:
        row = archive.catalog.exchange(identifier)
        if not request and row.response is None:
            raise NotFound(f"Exchange {identifier} has no response: {row.error or 'none came'}.")
        with archive.body(row, "request" if request else "response") as body:
            if sys.stdout.isatty() and target is None:
                show_text(body)
                return
            with output(target) as stream:
                shutil.copyfileobj(body, stream, 64 * 1024)


def show_text(body: BinaryIO) -> None:
    """Writes plain text into the terminal. Raises BadInput, before anything is shown, if its beginning is none; what
    turns up later and would steer the terminal is shown escaped."""
    start = body.read(_SNIFF)
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        text = "\x00"
    if any(character not in "\t\n\r" and not character.isprintable() for character in text):
        raise BadInput("The body is not plain text.", hint="Name a file with -o, or use a pipe.")
    chunk = start
    while chunk:
        sys.stdout.write(_plain(decoder.decode(chunk)))
        chunk = body.read(_SNIFF)
    sys.stdout.write(_plain(decoder.decode(b"", final=True)))
    sys.stdout.flush()


def _plain(text: str) -> str:
    # A lone CR would let a line overwrite itself; the one of a CRLF is not missed.
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(visible(cell) for cell in line.split("\t")) for line in lines)
