"""Every error as an RFC 9457 problem, `application/problem+json`.

An EntrepotError becomes the status its class has in `STATUSES`; its hint travels along. An error that nobody foresaw
becomes a 500 that says nothing about our insides; the traceback goes to the log.
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from entrepot_replay.errors import TargetUnreachable
from entrepot_store import errors

from .description import fits, operations
from .problem import MEDIA_TYPE, Mistake, Problem

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5

STATUSES: Mapping[type[errors.EntrepotError], int] = {
    errors.BadInput: 400,
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.Busy: 409,
    errors.AlreadyExists: 409,
    errors.VaultUnavailable: 503,
    errors.VaultDenied: 503,
    errors.CatalogUnavailable: 503,
    TargetUnreachable: 502,
}
"""Everything else is 500: damaged data, a newer format, and our own configuration are not the client's doing."""


class ProblemResponse(Response):
    media_type = MEDIA_TYPE

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(
            problem.model_dump_json(exclude_none=True),
            problem.status,
            {"Cache-Control": "no-store", **(headers or {})},
        )


def problem_for(error: errors.EntrepotError) -> Problem:
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    return Problem(
        type=f"urn:entrepot:problem:{_kind(error)}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.message,
        hint=error.hint or None,
    )


def install(app: FastAPI) -> None:
    """Registers the handlers; they cover routing (404, 405), validation, our own errors and everything unforeseen."""
    app.add_exception_handler(errors.EntrepotError, _entrepot_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unforeseen)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems an endpoint may answer with, for its OpenAPI description."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


async def _entrepot_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.EntrepotError)  # noqa: S101 - what it was registered for
    problem = problem_for(error)
    if problem.status >= 500:
        logger.error("%s %s: %s", request.method, request.url.path, error)
    return ProblemResponse(problem, {"Retry-After": str(RETRY_AFTER_SECONDS)} if problem.status == 503 else None)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it was registered for
    mistakes = [_mistake(entry) for entry in error.errors()]
    return ProblemResponse(
        Problem(
            type="urn:entrepot:problem:invalid-request",
            title=HTTPStatus(422).phrase,
            status=422,
            detail="; ".join(f"{mistake.where}: {mistake.reason}" for mistake in mistakes),
            errors=mistakes,
        )
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it was registered for
    phrase = HTTPStatus(error.status_code).phrase
    headers = dict(error.headers or {})
    detail = error.detail
    if error.status_code == 404 and detail == phrase:
        detail = f"There is nothing at {request.url.path}."
    if error.status_code == 405:
        allowed = _allowed_methods(request)
        headers["Allow"] = ", ".join(allowed)
        detail = f"{request.url.path} answers {headers['Allow']} only."
    return ProblemResponse(Problem(type="about:blank", title=phrase, status=error.status_code, detail=detail), headers)


async def _unforeseen(request: Request, error: Exception) -> Response:
    # Starlette raises the error again after this answer was sent, and the server logs it with its traceback.
    return ProblemResponse(
        Problem(
            type="about:blank",
            title=HTTPStatus(500).phrase,
            status=500,
            detail="The server met an error that it did not foresee; its log says which.",
        )
    )


def _allowed_methods(request: Request) -> list[str]:
    """All methods of a path: GET and HEAD of a body are separate routes, and one of them only knows its own."""
    path = request.url.path
    return sorted({method.upper() for template, method, _ in operations(request.app) if fits(template, path)})


def _mistake(entry: Mapping[str, Any]) -> Mistake:
    location: Sequence[Any] = entry["loc"]
    return Mistake(where=".".join(str(part) for part in location), reason=str(entry["msg"]))


def _kind(error: errors.EntrepotError) -> str:
    """`VaultUnavailable` as `vault-unavailable`."""
    name = type(error).__name__
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
