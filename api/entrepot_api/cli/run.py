"""`entrepot run -- CMD`: a program with its proxy and CA variables set (`entrepot_api.program`)."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from .options import ConfigOption, DataOption, settings_from

CONTEXT_SETTINGS = {"allow_interspersed_args": False}  # everything behind the program's name is the program's


def command(
    program: Annotated[list[str], typer.Argument(metavar="CMD [ARGS]...", show_default=False)],
    *,
    source: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Name of the program as the source of its exchanges.")
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    proxy: Annotated[
        str | None, typer.Option(metavar="URL", help="A proxy elsewhere, instead of the one that runs in DATA.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CA certificate of the proxy given with --proxy.")
    ] = None,
    no_proxy: Annotated[
        str, typer.Option(metavar="HOSTS", help="Hosts to reach directly, not captured, separated by commas.")
    ] = "",
) -> None:
    """Run a program through the proxy: `entrepot run --as billing -- python billing.py`.

    Its exit code is ours; 128 + n if signal n ended it. An inherited NO_PROXY is replaced, so that nothing passes
    uncaptured by accident.
    """
    from entrepot_store.config.products import check_name
    from entrepot_store.errors import BadInput, NotFound

    from ..listening import accepts_connections
    from ..program import execute, proxy_url_of, variables, write_bundle
    from ..supervisor import read_ready

    if source is not None:
        try:
            check_name(source)
        except ValueError as error:
            raise BadInput(f"--as: {error}.") from None
    if proxy is None:
        folder = settings_from(config, data).data
        ready = read_ready(folder)
        if ready.proxy is None:
            raise NotFound(f"What runs in {folder} has no forward proxy.", hint="Start `entrepot up` with --proxy.")
        proxy, ca = ready.proxy, ca or Path(ready.ca)
    named_proxy = proxy_url_of(proxy, source)
    if not accepts_connections(proxy):
        raise NotFound(f"No proxy answers at {proxy}; nothing was started.", hint="Start it with `entrepot up`.")
    dropped = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    if dropped and not no_proxy:
        typer.echo(f"entrepot run: NO_PROXY={dropped} is not applied; name hosts with --no-proxy.", err=True)
    with tempfile.TemporaryDirectory(prefix="entrepot-run-") as scratch:
        bundle = write_bundle(Path(scratch) / "ca-bundle.pem", ca, os.environ) if ca else None
        code = execute(program, {**os.environ, **variables(named_proxy, no_proxy, ca, bundle)})
    raise typer.Exit(code)
