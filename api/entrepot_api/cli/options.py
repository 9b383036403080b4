"""Options that several commands share, and what becomes of them.

A command that needs the configuration takes `config: ConfigOption = None, data: DataOption = None` and calls
`settings_from(config, data)`; one that reads takes `as_json: JsonOption = False`.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrepot_store.config import Settings, load_settings

if TYPE_CHECKING:
    from entrepot_store.archive import Archive
    from entrepot_store.catalog import Catalog

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration file. [default: entrepot.toml, if there is one]"),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Data folder. [default: as configured, else entrepot-data]")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def settings_from(
    config: Path | None, data: Path | None = None, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """The configuration in force; `overrides` are further values from the command line. Raises ConfigError."""
    given: dict[str, Any] = dict(overrides or {})
    if data is not None:
        given["data"] = data
    return load_settings(config, given)


@contextmanager
def opened_catalog(settings: Settings, *, create: bool = False, migrate: bool = False) -> Iterator["Catalog"]:
    """The catalog of these settings, closed at the end; for commands that need no bodies. Only a command that writes
    to it may `create` it, and only one that ships or rebuilds may `migrate` it. Raises NotFound if there is none,
    TooOld if an older Entrepot made it, and what opening it raises."""
    from entrepot_store.catalog import open_catalog

    with ExitStack() as stack:
        catalog = open_catalog(settings, create=create, migrate=migrate)
        stack.callback(catalog.close)
        yield catalog


@contextmanager
def opened(settings: Settings, *, create: bool = False, migrate: bool = False) -> Iterator["Archive"]:
    """Vault and catalog of these settings, closed at the end. As `opened_catalog`; raises what opening them raises."""
    from entrepot_store.archive import Archive
    from entrepot_store.vault import open_vault

    with opened_catalog(settings, create=create, migrate=migrate) as catalog:
        yield Archive(open_vault(settings), catalog)
