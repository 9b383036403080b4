"""What endpoints work with: the settings, the archive (vault and catalog) and the clock.

An endpoint takes `services: ServicesDep`. Everything in it may be used from several threads, as endpoints are: they
are plain functions, which the framework runs in its thread pool, because catalog and vault are synchronous.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from entrepot_store.archive import Archive
from entrepot_store.catalog import Catalog
from entrepot_store.clock import Clock
from entrepot_store.config import Settings
from entrepot_store.vault import Vault


@dataclass(slots=True, frozen=True)
class Services:
    settings: Settings
    catalog: Catalog
    vault: Vault
    archive: Archive
    clock: Clock
    reloaded: Callable[[], Settings] | None = None

    def in_force(self) -> Settings:
        """The configuration as it is now: `settings` is what the API was started with."""
        return self.settings if self.reloaded is None else self.reloaded()


def install(app: FastAPI, services: Services) -> None:
    app.state.services = services


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]
