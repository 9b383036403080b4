"""`/v1/ledger` and `/v1/gaps`: the proof that the capture is complete, and where it is not."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from ..tokens import Scope
from ..views import GapView, LedgerView, PageView, gap_view, ledger_view
from . import problems
from .auth import CallerDep, require
from .services import ServicesDep

router = APIRouter(tags=["completeness"], dependencies=[Depends(require(Scope.READ))])


@router.get("/ledger", operation_id="list_ledger", summary="Counts of every worker run")
def list_ledger(services: ServicesDep) -> PageView[LedgerView]:
    """The last entry of every worker run, by worker. There is one page only."""
    return PageView[LedgerView](items=[ledger_view(entry) for entry in services.catalog.ledger()], next=None)


@router.get("/gaps", operation_id="list_gaps", summary="List gaps")
def list_gaps(
    services: ServicesDep, acknowledged: Annotated[bool | None, Query(description="Only those, or the others.")] = None
) -> PageView[GapView]:
    """Spans of time in which captures are known to be missing, by time. There is one page only."""
    rows = services.catalog.gaps(acknowledged=acknowledged)
    return PageView[GapView](items=[gap_view(row) for row in rows], next=None)


@router.post(
    "/gaps/{identifier}/acknowledge",
    operation_id="acknowledge_gap",
    summary="Acknowledge a gap",
    dependencies=[Depends(require(Scope.ADMIN))],
    responses=problems.responses(404),
)
def acknowledge_gap(
    identifier: Annotated[UUID, Path(description="The id of a gap.")], services: ServicesDep, caller: CallerDep
) -> GapView:
    """Notes that the owner of this token has seen the gap. Doing it again changes nothing."""
    return gap_view(services.catalog.acknowledge_gap(identifier, caller.name, services.clock.now()))
