"""`/v1/status`: how each part is doing, the same that `entrepot status` shows."""

from fastapi import APIRouter, Depends

from ..status import Status, collect
from ..tokens import Scope
from .auth import require
from .services import ServicesDep

router = APIRouter(prefix="/status", tags=["status"], dependencies=[Depends(require(Scope.READ))])


@router.get("", operation_id="get_status", summary="How each part is doing")
def get_status(services: ServicesDep) -> Status:
    """What proxy, shipper and API last said of themselves, how far behind shipping is, and the last error of each."""
    return collect(services.settings, services.catalog, services.vault, services.clock)
