"""How commands print: tables for people, JSON for programs, bytes into files or pipes."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from entrepot_store.errors import BadInput

from ..text import visible

_UNBOUNDED = 100_000
"""Columns of a table that nobody's terminal bounds: into a pipe, nothing is cut off."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table on standard output; the columns in `right` hold numbers. Cells may hold captured text."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    interactive = sys.stdout.isatty()
    console = Console(width=None if interactive else _UNBOUNDED, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # The last column takes what is left and wraps; the others are what people copy.
        last = column == columns[-1]
        table.add_column(column, justify="right" if column in right else "left", no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    if interactive:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    # Without what the widest cell of the last column would fill the others up with.
    for line in captured.get().splitlines():
        print(line.rstrip(" "))


def say(sentence: str) -> None:
    """A remark beside the output, on standard error."""
    print(visible(sentence), file=sys.stderr)


@contextmanager
def output(target: Path | None) -> Iterator[BinaryIO]:
    """Where a command writes bytes: the file, readable by its owner only since captures are private, in one step at
    the end; or standard output for None and `-`. Raises BadInput before anything binary reaches a terminal."""
    if target is None or str(target) == "-":
        if sys.stdout.isatty():
            raise BadInput(
                "This is not written into a terminal: it may hold anything.", hint="Name a file with -o, or use a pipe."
            )
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if target.is_dir() or not target.parent.is_dir():
        problem = "that is a folder" if target.is_dir() else f"there is no folder {target.parent}"
        raise BadInput(f"-o {target}: {problem}.", hint="Name a file in a folder that is there.")
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # 0600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(descriptor)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class Advance(Protocol):
    """Takes what is done so far, and what all of it is if that is only known now."""

    def __call__(self, done: int, total: int | None = None, /) -> None: ...


@contextmanager
def progress_bar(verb: str, total: int | None = None) -> Iterator[Advance]:
    """A bar on standard error while something long runs, if a person watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(verb, total=total)
        yield lambda done, total=None: progress.update(task, completed=done, total=total)
