"""The root of the command line: lists all commands from the registry, imports only the one that is called."""

from functools import cache
from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from .registry import COMMANDS, Entry

_BY_NAME = {entry.name: entry for entry in COMMANDS}


class LazyGroup(TyperGroup):
    """A group whose listed commands are empty stand-ins until one of them is to run.

    Typer's own command and context classes are private, hence the Any in the signatures.
    """

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, found, rest = super().resolve_command(ctx, args)  # refuses unknown names, with a suggestion
        return name, load(_BY_NAME[found.name]) if found is not None and found.name else None, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = max(len(entry.name) for entry in COMMANDS)
        for panel in dict.fromkeys(entry.panel for entry in COMMANDS):
            with formatter.section(panel):
                formatter.write_dl(
                    [(entry.name.ljust(width), entry.summary) for entry in COMMANDS if entry.panel == panel]
                )


def load(entry: Entry) -> Any:
    """The real command (a TyperCommand or TyperGroup), from its module's `command` or `app`."""
    module = import_module(f"entrepot_api.cli.{entry.module}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name=entry.name, context_settings=getattr(module, "CONTEXT_SETTINGS", None))(module.command)
    command = typer.main.get_command(app)
    command.name = entry.name
    return command


@cache
def entrepot() -> Any:
    """The root command; completion for the user's shell is installed with `--install-completion`."""
    app = typer.Typer(
        cls=LazyGroup,
        name="entrepot",
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help: greppable, and quick because Rich is not imported
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    root: Any = typer.main.get_command(app)
    for entry in COMMANDS:
        root.add_command(TyperCommand(entry.name, help=entry.summary))
    return root


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"entrepot {metadata.version('entrepot')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Captures, keeps and replays the data that integrated products exchange over their APIs."""
