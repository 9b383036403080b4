"""Puts the API together. `entrepot serve` runs it under uvicorn; tests run it under their own client.

To add a resource: write a module here with `router`, an APIRouter whose paths are below `/v1` and whose endpoints are
plain functions with an `operation_id`, a summary and a docstring; add the module to `ROUTERS` and its headings to
`docs/reference/http.md` (a test compares them). Raise EntrepotErrors; `problems` answers them. A router that needs to
start or stop something takes a `lifespan`.
"""

from collections.abc import Callable
from importlib import import_module, metadata

from fastapi import Depends, FastAPI, Response

from entrepot_store.archive import Archive
from entrepot_store.catalog import Catalog
from entrepot_store.clock import Clock, SystemClock
from entrepot_store.config import Settings
from entrepot_store.vault import Vault

from . import description, problems, services
from .auth import authenticate
from .strict import refuse_unknown_parameters

ROUTERS = (
    *("exchanges", "bodies", "documents", "contents", "diffs", "tree", "timegate", "timemap"),
    *("products", "coverage", "completeness", "replays", "id_maps", "replay_checks", "status"),
)
"""Modules here whose `router` is mounted under /v1."""

PLAIN_ROUTERS = ("health",)
"""Modules whose `router` stands beside /v1, for machines that hold no token."""

_ALWAYS = (400, 401, 403, 422, 500, 503)
"""Problems that any endpoint below /v1 may answer with."""


def create_app(
    settings: Settings,
    catalog: Catalog,
    vault: Vault,
    *,
    clock: Clock | None = None,
    in_force: Callable[[], Settings] | None = None,
) -> FastAPI:
    """The ASGI application. Owns neither catalog nor vault: whoever opened them closes them. `in_force` is asked for
    the rules as they are at the moment; without it they are those of `settings`."""
    app = FastAPI(
        title="Entrepot",
        version=metadata.version("entrepot"),
        description="What integrated products sent each other, kept, to be looked up and put back.",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name us by whatever Host the client sent
    )
    archive = Archive(vault, catalog)
    services.install(app, services.Services(settings, catalog, vault, archive, clock or SystemClock(), in_force))
    problems.install(app)
    for name in ROUTERS:
        app.include_router(
            import_module(f".{name}", __package__).router,
            prefix="/v1",
            dependencies=[Depends(authenticate), Depends(refuse_unknown_parameters), Depends(_never_cached)],
            responses=problems.responses(*_ALWAYS),
        )
    for name in PLAIN_ROUTERS:
        app.include_router(
            import_module(f".{name}", __package__).router, dependencies=[Depends(refuse_unknown_parameters)]
        )
    description.complete(app)
    return app


def _never_cached(response: Response) -> None:
    """What is listed here is private and changes. Answers that an endpoint makes itself (bodies) say so themselves."""
    response.headers["Cache-Control"] = "no-store"
