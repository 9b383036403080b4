"""The `entrepot` command.

`main` is the console script. `registry` lists the commands, `group` loads one when it is called, `errors` is the one
place where an error becomes a sentence and an exit code, `options` holds what several commands share.

To add a command: write a module here that exposes `command`, a function with Typer annotations whose docstring is its
help (or `app`, a `typer.Typer` with subcommands), add a line to `registry.COMMANDS`, and its heading to
`docs/reference/cli.md` (a test compares them). A module may also expose `CONTEXT_SETTINGS`, a dict that Typer takes.
Commands return None; they raise an EntrepotError, or `typer.Exit(code)` for another code than 0.
"""

from collections.abc import Sequence

from .errors import guarded


def main(args: Sequence[str] | None = None) -> None:
    """Runs the command line and exits the process. `args` None means `sys.argv`."""

    def run() -> None:
        from .group import entrepot

        entrepot().main(args=args, prog_name="entrepot")

    guarded(run)


__all__ = ["main"]
