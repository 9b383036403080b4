"""`entrepot serve`: the HTTP API (`entrepot_api.http`) as a process."""

import logging
from typing import Annotated

import typer

from .options import ConfigOption, DataOption, opened, settings_from


def command(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Port 0 for a free one. [default: 127.0.0.1:8081]")
    ] = None,
) -> None:
    """Run the HTTP API.

    It says where it listens on its standard error and in DATA/run/api.json. SIGTERM lets answers under way finish.
    """
    from entrepot_store.config import Reloader
    from entrepot_store.coverage.in_force import SettingsInForce
    from entrepot_store.logs import log_to_stderr
    from entrepot_store.state import StateFile

    from ..http import create_app
    from ..http.server import ApiServer, bind
    from ..supervisor.leash import hold_leash

    log_to_stderr("alembic", "uvicorn.error", "urllib3")
    settings = settings_from(config, data, {"api": {"listen": listen}} if listen else None)
    listener = bind(settings.api.listen)
    with listener, opened(settings, create=True) as archive:
        in_force = SettingsInForce(settings, Reloader(config, {"data": settings.data}))
        app = create_app(settings, archive.catalog, archive.vault, in_force=in_force)
        server = ApiServer(app, listener, StateFile(settings.data, "api"))
        server.handle_signals()
        hold_leash(settings.data)
        logging.getLogger(__name__).info("The API listens on %s.", server.url)
        server.serve_until_told()
