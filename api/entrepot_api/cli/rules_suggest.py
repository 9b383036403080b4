"""`entrepot rules suggest`: writes rules for what looks worth protecting and is not."""

from pathlib import Path
from typing import Annotated

import typer

from .options import ConfigOption, DataOption, opened, settings_from
from .output import output, say


def suggest(
    *,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Instead of standard output; readable by you.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write TOML with rules for unprotected flows that look like configuration, settings, preferences or derived data,
    and the reasons as comments. Nothing changes until you put them into the configuration."""
    from entrepot_store.coverage.suggest import suggest as suggest_rules
    from entrepot_store.coverage.suggest import to_toml

    settings = settings_from(config, data)
    with opened(settings) as archive:
        found = suggest_rules(archive, settings)
    text = to_toml(found)
    if target is None:
        # As text and not as bytes: it is printable, and a terminal is where it is read first.
        print(text, end="")
    else:
        with output(target) as stream:
            stream.write(text.encode())
    fields = sum(map(len, found.ignore.values()))
    say(f"{len(found.rules)} rules suggested, {fields} fields to ignore in rules in force.")
