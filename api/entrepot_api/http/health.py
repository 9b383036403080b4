"""`/healthz`, `/readyz` and `/metrics`: for balancers and Prometheus, which hold no token; they name no product,
path or payload."""

import logging
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from entrepot_store.errors import EntrepotError, NotFound

from . import problems
from .metrics import CONTENT_TYPE, render
from .services import Services, ServicesDep

logger = logging.getLogger(__name__)

router = APIRouter(tags=["health"])

_PROBE = "ready-probe"
"""A key that nothing is ever stored under: being told so proves that the vault answers and lets us in."""


class Health(BaseModel):
    status: Literal["ok"] = "ok"


@router.get("/healthz", operation_id="healthz", summary="The process lives", responses=problems.responses(400, 500))
def healthz() -> Health:
    """Answers as long as the process does; looks at nothing else, so that a database that is away does not get us
    restarted."""
    return Health()


@router.get(
    "/readyz", operation_id="readyz", summary="Vault and catalog answer", responses=problems.responses(400, 500, 503)
)
def readyz(services: ServicesDep) -> Health:
    """503 while the vault or the catalog cannot be read."""
    for name, probe in (("catalog", _probe_catalog), ("vault", _probe_vault)):
        try:
            probe(services)
        except EntrepotError as error:
            logger.warning("Not ready: %s", error)
            # Whoever asks here holds no token, so it is told which part is away and not where that part is.
            raise type(error)(f"The {name} is not ready; the log says why.") from error
    return Health()


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Text exposition format."},
        **problems.responses(400, 500),
    },
)
def metrics(services: ServicesDep) -> Response:
    """What the parts say of themselves, the ledger's sums and the gaps nobody has acknowledged."""
    return Response(render(services), headers={"Content-Type": CONTENT_TYPE})


def _probe_catalog(services: Services) -> None:
    services.catalog.is_shipped(_PROBE)


def _probe_vault(services: Services) -> None:
    try:
        services.vault.stat(_PROBE)
    except NotFound:
        return
