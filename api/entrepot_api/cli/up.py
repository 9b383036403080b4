"""`entrepot up`: proxy, shipper and API together, under one supervisor (`entrepot_api.supervisor`)."""

from typing import Annotated, Any

import typer

from .options import ConfigOption, DataOption, settings_from


def command(
    *,
    data: DataOption = None,
    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Forward proxy; '' for none, port 0 for a free one. [default: 127.0.0.1:8080]"
        ),
    ] = None,
    reverse: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=URL@HOST:PORT", help="A listener in front of one product; may be repeated."),
    ] = None,
    api: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="HTTP API; '' for none. [default: 127.0.0.1:8081]")
    ] = None,
    vault: Annotated[
        str | None, typer.Option(metavar="LOCATION", help="s3://bucket/prefix or a directory. [default: DATA/vault]")
    ] = None,
    catalog: Annotated[
        str | None, typer.Option(metavar="URL", help="SQLite or PostgreSQL. [default: sqlite in DATA]")
    ] = None,
    config: ConfigOption = None,
    drain_seconds: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long the spool may be shipped after SIGTERM.")
    ] = 30.0,
) -> None:
    """Run proxy, shipper and API together on one machine.

    Writes DATA/ready.json when all of it accepts connections. A part that dies is started again. SIGTERM or Ctrl-C
    drains: open exchanges finish or are recorded as cut, the spool is shipped; a second signal stops waiting for that.
    SIGHUP has the proxy read its rules again.
    """
    from ..supervisor import DataFolder, Supervisor, check_addresses, check_storage
    from ..supervisor.child import say
    from ..supervisor.parts import ApiPart, Part, ProxyPart, ShipPart, environment, listeners
    from ..supervisor.ready import remove_ready

    settings = settings_from(config, data, _overrides(proxy, reverse, api, vault, catalog))
    settings = settings.model_copy(update={"data": settings.data.absolute()})
    config_file = config.absolute() if config else None
    parts: list[Part] = [ShipPart(settings)]
    if settings.proxy.listen or settings.proxy.reverse:
        parts.insert(0, ProxyPart(settings, config_file))
    if api != "":
        parts.append(ApiPart(settings))
    with DataFolder(settings.data) as folder:
        folder.acquire(lambda text: say("up", text))
        remove_ready(settings.data)  # of a supervisor that was killed together with its children
        check_addresses(listeners(settings, {part.name: part for part in parts}))
        token = check_storage(settings)
        Supervisor(
            folder,
            parts,
            environment(settings, config_file),
            token=token,
            proxy_drain_seconds=settings.proxy.drain_seconds,
            ship_drain_seconds=drain_seconds,
        ).run()


def _overrides(
    proxy: str | None, reverse: list[str] | None, api: str | None, vault: str | None, catalog: str | None
) -> dict[str, Any]:
    """The options as the keys of `entrepot.toml`; what was not given is not there. Raises BadInput."""
    from entrepot_store.config import ReverseListener
    from entrepot_store.errors import BadInput

    given: dict[str, Any] = {"vault": vault, "catalog": catalog, "api": {"listen": api} if api else None}
    section: dict[str, Any] = {}
    if proxy is not None:
        section["listen"] = proxy or None
    if reverse:
        try:
            section["reverse"] = [ReverseListener.parse(text) for text in reverse]
        except ValueError as error:
            raise BadInput(f"--reverse: {error}.") from None
    given["proxy"] = section or None
    return {key: value for key, value in given.items() if value is not None}
