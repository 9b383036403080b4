"""`entrepot rules check`: what is wrong with the rules, beyond what makes a file unreadable."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from entrepot_store.errors import EntrepotError, NotFound

from ..text import visible
from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from


def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Instead of the configuration in force.")
    ] = None,
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for rules that can never match, classes kept for ever, names that nothing has and, where there is a catalog,
    rules that match nothing captured so far. Ends with 1 if a rule can never match."""
    from entrepot_store.rules.check import check as check_rules

    from ..views import to_json
    from ..views.rules import check_view

    settings = settings_from(file or config, data)
    with ExitStack() as stack:
        try:
            catalog = stack.enter_context(opened_catalog(settings))
        except NotFound:
            catalog = None  # nothing was captured yet: the rules themselves can be checked
        findings = check_rules(settings, catalog)
    if as_json:
        print(to_json(check_view(settings.rule, findings, catalog=catalog is not None)))
    else:
        for finding in findings:
            print(visible(f"{'error' if finding.error else 'warning'}: {finding.message}"))
        traffic = "" if catalog is not None else "; nothing was captured yet that they could be held against"
        rules = f"{len(settings.rule)} rule{'s' * (len(settings.rule) != 1)}"
        print(f"{rules}, {len(findings) or 'no'} finding{'s' * (len(findings) != 1)}{traffic}.")
    if any(finding.error for finding in findings):
        raise typer.Exit(EntrepotError.exit_code)
