"""`entrepot addon-path`: where the capture addon is, for `mitmdump -s "$(entrepot addon-path)"`."""

from importlib.util import find_spec
from pathlib import Path

import typer

from entrepot_store.errors import NotFound


def command() -> None:
    """Print the path of the addon, for a stock mitmproxy: `mitmdump -s "$(entrepot addon-path)"`."""
    found = find_spec("entrepot_proxy")  # finds the package without importing it, and mitmproxy with it
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / "mitm_addon.py"
        if path.is_file():
            typer.echo(str(path))
            return
    raise NotFound("The proxy is not installed here.", hint="Install the whole `entrepot` distribution.")
