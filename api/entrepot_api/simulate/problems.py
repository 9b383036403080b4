"""Requests that are not answered from the recording, as RFC 9457 problems: 501 with the captures that come nearest."""

from pydantic import BaseModel, Field
from starlette.responses import Response

from entrepot_replay.simulate import Answer, Asked, Missed, Near
from entrepot_store.clock import to_rfc3339

from ..http.problem import Problem
from ..http.problems import ProblemResponse

_HINT = "`entrepot exchanges` shows what was captured; the simulation answers nothing that was not."


class NearView(BaseModel):
    """A capture that is not the answer, and why it is not."""

    exchange: str
    at: str
    method: str
    path: str = Field(description="With its query.")
    status: int | None
    why: str


class MissProblem(Problem):
    """A request that nothing captured answers."""

    method: str
    path: str = Field(description="Without its query.")
    as_of: str
    nearest: list[NearView]


def miss(asked: Asked, missed: Missed, as_of: int) -> Response:
    """501: of what the product would do nothing is known."""
    return ProblemResponse(
        MissProblem(
            type="urn:entrepot:problem:not-captured",
            title="Not Implemented",
            status=501,
            detail=missed.why,
            hint=_HINT,
            method=asked.method,
            path=asked.path,
            as_of=to_rfc3339(as_of),
            nearest=[_near(one) for one in missed.near],
        )
    )


def gone(answer: Answer) -> Response:
    """404 for what was deleted by then, where no answer of the product's own was recorded."""
    return ProblemResponse(
        Problem(
            type="urn:entrepot:problem:gone", title="Not Found", status=404, detail=f"The resource is {answer.made}."
        )
    )


def _near(near: Near) -> NearView:
    row = near.row
    return NearView(
        exchange=str(row.id),
        at=to_rfc3339(row.started_at),
        method=row.method,
        path="/" + row.url.partition("://")[2].partition("/")[2],
        status=row.status,
        why=near.why,
    )
