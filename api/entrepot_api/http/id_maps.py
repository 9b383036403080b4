"""`/v1/replays/{id}/id-map` and `/graph`: what the target made in the place of what was lost, and who uses it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from entrepot_store.catalog.replays import Value

from ..tokens import Scope
from ..views import PageView
from ..views.replay import FlowStepView, ValueView, flow_view, value_view
from . import problems
from .auth import require
from .parameters import Cursor, Limit
from .replays import Identifier, ReplaysDep, link_next

router = APIRouter(prefix="/replays", tags=["replays"], dependencies=[Depends(require(Scope.READ))])

_LINKED: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"Link": {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}}}
}


class ValueRequest(BaseModel):
    """One entry of an id map, as it is listed; what else a listing says of it is left aside."""

    model_config = ConfigDict(extra="ignore")

    role: str = Field(default="", max_length=500)
    recorded: str = Field(min_length=1, max_length=4096)
    live: str = Field(min_length=1, max_length=4096)


@router.get(
    "/{identifier}/id-map",
    operation_id="get_replay_id_map",
    summary="The id map of a replay",
    responses={**problems.responses(404), **_LINKED},
)
def get_id_map(  # noqa: PLR0917 - the framework passes them by name
    identifier: Identifier,
    request: Request,
    response: Response,
    replays: ReplaysDep,
    unmapped: Annotated[bool | None, Query(description="Only what stayed unmapped, or only what is mapped.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> PageView[ValueView]:
    """Recorded values and what stands in their place at the target; `live` is null where a request needed a value that
    no answer had brought."""
    page = replays.store.values(identifier, unmapped=unmapped, limit=limit, cursor=cursor)
    link_next(request, response, page.next)
    return PageView[ValueView](items=[value_view(value) for value in page.items], next=page.next)


@router.put(
    "/{identifier}/id-map",
    operation_id="edit_replay_id_map",
    summary="Edit the id map of a replay",
    dependencies=[Depends(require(Scope.REPLAY))],
    responses=problems.responses(404, 409),
)
def edit_id_map(
    identifier: Identifier,
    replays: ReplaysDep,
    entries: Annotated[list[ValueRequest], Field(min_length=1, max_length=10_000)],
) -> list[ValueView]:
    """Puts entries into the map, over those that are there; no answer changes them any more. Not while it runs."""
    values = [Value(one.role, one.recorded, one.live, edited=True) for one in entries]
    replays.store.set_values(identifier, values)
    return [value_view(value) for value in values]


@router.get(
    "/{identifier}/graph",
    operation_id="get_replay_graph",
    summary="The graph of a replay",
    responses={**problems.responses(404), **_LINKED},
)
def get_graph(  # noqa: PLR0917 - the framework passes them by name
    identifier: Identifier,
    request: Request,
    response: Response,
    replays: ReplaysDep,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> PageView[FlowStepView]:
    """Which steps each one waits for, and which values of their answers it uses, with the places of both."""
    page = replays.store.steps(identifier, limit=limit, cursor=cursor)
    link_next(request, response, page.next)
    return PageView[FlowStepView](items=[flow_view(step) for step in page.items], next=page.next)
