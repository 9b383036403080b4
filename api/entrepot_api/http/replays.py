"""`/v1/replays`: plan, start, pause, resume, cancel; steps, report, and progress as server-sent events.

Runs live in threads of this process, under the same lease as any other runner's; `BackgroundRuns` ends them with it.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from entrepot_replay.background import BackgroundRuns
from entrepot_replay.credentials import Credentials, configured_for
from entrepot_replay.options import RunOptions
from entrepot_replay.report import make_report
from entrepot_replay.selection import Selection
from entrepot_replay.service import Replays
from entrepot_replay.target import Target
from entrepot_replay.verify import Verifier
from entrepot_store.catalog.replays import ReplayRow, ReplayState, StepState, Verdict, Wanted
from entrepot_store.catalog.sql import replay_store

from ..tokens import Scope
from ..views import PageView
from ..views.replay import ReplayView, ReportView, StepView, replay_view, report_view, step_view
from . import problems
from .auth import require
from .parameters import Cursor, Limit
from .replay_requests import PlanRequest, StartRequest, VerifyRequest
from .services import Services, ServicesDep

POLL_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 15.0


@asynccontextmanager
async def _background(app: FastAPI) -> AsyncIterator[None]:
    """The process's runs; those still at work when it stops are interrupted and can be resumed."""
    app.state.replay_runs = BackgroundRuns()
    yield
    await run_sync(app.state.replay_runs.stop)


router = APIRouter(
    prefix="/replays", tags=["replays"], dependencies=[Depends(require(Scope.READ))], lifespan=_background
)
_MAY_REPLAY = [Depends(require(Scope.REPLAY))]

Identifier = Annotated[UUID, Path(description="The id of a replay.")]


def _replays(services: ServicesDep) -> Replays:
    return Replays(services.archive, replay_store(services.catalog, services.clock), services.clock)


ReplaysDep = Annotated[Replays, Depends(_replays)]


@router.post(
    "",
    operation_id="plan_replay",
    summary="Plan a replay",
    status_code=201,
    dependencies=_MAY_REPLAY,
    responses={
        **problems.responses(404),
        201: {"headers": {"Location": {"description": "The replay.", "schema": {"type": "string"}}}},
    },
)
def plan_replay(wanted: PlanRequest, services: ServicesDep, replays: ReplaysDep, response: Response) -> ReplayView:
    """Makes and stores a plan. Nothing is sent until it is started."""
    row = replays.plan(
        Selection(wanted.where(services.clock.now()), allow_delete=wanted.allow_delete),
        wanted.target,
        RunOptions.from_json(wanted.given()),
        allow_captured_host=wanted.allow_captured_host,
        settings=services.settings,
    )
    response.headers["Location"] = f"/v1/replays/{row.id}"
    return _view(replays, row)


@router.get(
    "",
    operation_id="list_replays",
    summary="List replays",
    responses={
        200: {"headers": {"Link": {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}}}
    },
)
def list_replays(
    request: Request, response: Response, replays: ReplaysDep, limit: Limit = 100, cursor: Cursor = None
) -> PageView[ReplayView]:
    """All replays, the newest first."""
    page = replays.store.replays(limit=limit, cursor=cursor)
    link_next(request, response, page.next)
    return PageView[ReplayView](items=[_view(replays, row) for row in page.items], next=page.next)


@router.get("/{identifier}", operation_id="get_replay", summary="One replay", responses=problems.responses(404))
def get_replay(identifier: Identifier, replays: ReplaysDep) -> ReplayView:
    """Its plan, its state, and how many steps came out how."""
    return _view(replays, replays.store.get(identifier))


@router.post(
    "/{identifier}/start",
    operation_id="start_replay",
    summary="Start a replay",
    status_code=202,
    dependencies=_MAY_REPLAY,
    responses=problems.responses(404, 409, 502),
)
def start_replay(
    identifier: Identifier,
    request: Request,
    services: ServicesDep,
    replays: ReplaysDep,
    wanted: StartRequest | None = None,
) -> ReplayView:
    """Sends the steps that were not sent yet, in the background. Follow it at `events`."""
    return _start(identifier, request, services, replays, wanted or StartRequest())


@router.post(
    "/{identifier}/resume",
    operation_id="resume_replay",
    summary="Resume a replay",
    status_code=202,
    dependencies=_MAY_REPLAY,
    responses=problems.responses(404, 409, 502),
)
def resume_replay(
    identifier: Identifier,
    request: Request,
    services: ServicesDep,
    replays: ReplaysDep,
    wanted: StartRequest | None = None,
) -> ReplayView:
    """Goes on with a replay that was paused, stopped or interrupted; with `retry_failed` or `retry_unknown` also with
    one that is finished. The same as starting it."""
    return _start(identifier, request, services, replays, wanted or StartRequest())


@router.post(
    "/{identifier}/pause",
    operation_id="pause_replay",
    summary="Pause a replay",
    status_code=202,
    dependencies=_MAY_REPLAY,
    responses=problems.responses(404),
)
def pause_replay(identifier: Identifier, replays: ReplaysDep) -> ReplayView:
    """Ends the run behind the steps under way, wherever it runs."""
    return _view(replays, replays.ask(identifier, Wanted.PAUSE))


@router.post(
    "/{identifier}/cancel",
    operation_id="cancel_replay",
    summary="Cancel a replay",
    status_code=202,
    dependencies=_MAY_REPLAY,
    responses=problems.responses(404),
)
def cancel_replay(identifier: Identifier, replays: ReplaysDep) -> ReplayView:
    """As pausing, and it cannot be resumed. What was sent stays sent. A finished replay stays as it is."""
    return _view(replays, replays.ask(identifier, Wanted.CANCEL))


@router.get(
    "/{identifier}/steps",
    operation_id="list_replay_steps",
    summary="The steps of a replay",
    responses={
        **problems.responses(404),
        200: {"headers": {"Link": {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}}},
    },
)
def list_replay_steps(  # noqa: PLR0917 - the framework passes them by name
    identifier: Identifier,
    request: Request,
    response: Response,
    replays: ReplaysDep,
    verdict: Annotated[list[Verdict] | None, Query(description="Only steps with one of these.")] = None,
    state: Annotated[list[StepState] | None, Query(description="Only steps in one of these.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> PageView[StepView]:
    """In the order of the plan, those that are skipped and why included."""
    page = replays.store.steps(identifier, states=state or (), verdicts=verdict or (), limit=limit, cursor=cursor)
    link_next(request, response, page.next)
    return PageView[StepView](items=[step_view(row) for row in page.items], next=page.next)


@router.get(
    "/{identifier}/report",
    operation_id="get_replay_report",
    summary="How a replay went",
    responses=problems.responses(404),
)
def get_replay_report(identifier: Identifier, replays: ReplaysDep, limit: Limit = 100) -> ReportView:
    """What is not back and which steps are not identical, the gravest first, and the exit code that the command line
    would end with."""
    return report_view(make_report(replays.store, identifier, limit=limit))


@router.get(
    "/{identifier}/events",
    operation_id="follow_replay",
    summary="Progress of a replay as events",
    response_class=StreamingResponse,
    responses={
        **problems.responses(404),
        200: {
            "description": "Server-sent events: `progress` whenever something changed, `end` when the run ended. The "
            "data is the replay as JSON.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
    },
)
def follow_replay(identifier: Identifier, replays: ReplaysDep) -> StreamingResponse:
    """Follows a replay wherever it runs; ends when it is neither planned nor running."""
    replays.store.get(identifier)
    return StreamingResponse(
        _events(replays, identifier),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(replays: Replays, identifier: UUID) -> AsyncIterator[str]:
    before, silent = "", 0.0
    while True:
        view = await run_sync(lambda: _view(replays, replays.store.get(identifier)))
        data = json.dumps(view.model_dump(mode="json", by_alias=True), separators=(",", ":"))
        ended = view.state not in (ReplayState.PLANNING, ReplayState.PLANNED, ReplayState.RUNNING)
        if data != before or ended:
            before, silent = data, 0.0
            yield f"event: {'end' if ended else 'progress'}\ndata: {data}\n\n"
        elif silent >= KEEP_ALIVE_SECONDS:
            silent = 0.0
            yield ": still here\n\n"
        if ended:
            return
        await anyio.sleep(POLL_SECONDS)
        silent += POLL_SECONDS


def _start(
    identifier: UUID, request: Request, services: Services, replays: Replays, wanted: StartRequest
) -> ReplayView:
    planned = replays.store.get(identifier)
    options = RunOptions.from_json(
        {
            **planned.options,
            **wanted.given(),
            "retry_unknown": wanted.retry_unknown,
            "retry_failed": wanted.retry_failed,
        }
    )
    credentials = credentials_for(planned, services, wanted)
    run = replays.start(identifier, options, credentials)
    runs: BackgroundRuns = request.app.state.replay_runs
    verifier = Verifier(services.archive, replays, services.in_force(), services.clock) if wanted.verify else None
    runs.start(
        run,
        None if verifier is None else lambda row: verifier.prepare(row, options, credentials, reachable=True),
    )
    return _view(replays, replays.store.get(identifier))


def credentials_for(row: ReplayRow, services: Services, wanted: VerifyRequest) -> Credentials:
    """Those that the request names, and those of the configuration as it is now; of that only what names the replay's
    target, because whoever may replay chooses the target. Raises BadInput."""
    configured = configured_for(
        services.in_force().credential, row.destination, Target.parse(row.target), only_named=True
    )
    return Credentials(wanted.sources(), configured)


def _view(replays: Replays, row: ReplayRow) -> ReplayView:
    return replay_view(row, replays.store.counts(row.id))


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    if cursor is not None:
        target = request.url.include_query_params(cursor=cursor)
        response.headers["Link"] = f'<{target.path}?{target.query}>; rel="next"'
