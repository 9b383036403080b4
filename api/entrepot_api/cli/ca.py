"""`entrepot ca`: the certificate that programs must trust for their HTTPS to be captured."""

from typing import Annotated

import typer

from entrepot_store.errors import NotFound

from .options import ConfigOption, DataOption, settings_from

FILE = "ca/ca.pem"
"""In the data folder; the proxy makes it. Its private key lies beside it and is never printed."""


def command(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    show: Annotated[bool, typer.Option("--print", help="Print the certificate (PEM) instead of its path.")] = False,
) -> None:
    """Show where the proxy's CA certificate is, or print it."""
    path = settings_from(config, data).data / FILE
    if not path.is_file():
        raise NotFound(f"There is no CA yet: {path} is missing.", hint="The proxy makes it when it first starts.")
    typer.echo(path.read_text(encoding="ascii").rstrip() if show else str(path.absolute()))
