"""`/v1/replays/{id}/verify` and `…/checks`: whether everything is back, document by document."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from entrepot_replay.background import BackgroundRuns
from entrepot_replay.options import RunOptions
from entrepot_replay.verify import Verifier
from entrepot_store.catalog.replay_checks import CheckResult, VerificationRow

from ..tokens import Scope
from ..views import PageView
from ..views.replay_checks import CheckView, VerificationView, check_view, verification_view
from . import problems
from .auth import require
from .parameters import Cursor, Limit
from .replay_requests import VerifyRequest
from .replays import Identifier, ReplaysDep, credentials_for, link_next
from .services import ServicesDep

router = APIRouter(prefix="/replays", tags=["replays"], dependencies=[Depends(require(Scope.READ))])


@router.post(
    "/{identifier}/verify",
    operation_id="verify_replay",
    summary="Verify a replay",
    status_code=202,
    dependencies=[Depends(require(Scope.REPLAY))],
    responses=problems.responses(404, 409, 502),
)
def verify_replay(
    identifier: Identifier,
    request: Request,
    services: ServicesDep,
    replays: ReplaysDep,
    wanted: VerifyRequest | None = None,
) -> VerificationView:
    """Reads from the target, in the background, what the replay should have brought back, and compares. Sends nothing
    but GET. The report has what was found so far; it is whole when `ended_at` is there."""
    row, wanted = replays.store.get(identifier), wanted or VerifyRequest()
    options = RunOptions.from_json({**row.options, **wanted.given()})
    verifier = Verifier(services.archive, replays, services.in_force(), services.clock)
    verification = verifier.prepare(row, options, credentials_for(row, services, wanted))
    verification.begin()
    runs: BackgroundRuns = request.app.state.replay_runs
    runs.verify(verification)
    begun: VerificationRow = verification.row
    return verification_view(begun)


@router.get(
    "/{identifier}/checks",
    operation_id="list_replay_checks",
    summary="What verification found",
    responses={
        **problems.responses(404),
        200: {"headers": {"Link": {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}}},
    },
)
def list_replay_checks(  # noqa: PLR0917 - the framework passes them by name
    identifier: Identifier,
    request: Request,
    response: Response,
    replays: ReplaysDep,
    result: Annotated[list[CheckResult] | None, Query(description="Only documents with one of these.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> PageView[CheckView]:
    """Every document that was looked for, those that are back included."""
    page = replays.store.checks(identifier, results=result or (), limit=limit, cursor=cursor)
    link_next(request, response, page.next)
    return PageView[CheckView](items=[check_view(row) for row in page.items], next=page.next)
