"""The ASGI application: one request in, one answer out of the recording, and the counts.

Everything that reads catalog and vault runs in threads; only the waiting for a recorded latency does not.
"""

import logging
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from entrepot_replay.simulate import Asked, Counts, Missed, Simulation
from entrepot_store.errors import BadInput, EntrepotError

from ..http import memento
from ..http.problems import RETRY_AFTER_SECONDS, ProblemResponse, problem_for
from .problems import miss
from .respond import respond

logger = logging.getLogger(__name__)

COUNTS_PATH = "/.well-known/entrepot-simulation"
"""Tells the counts. No product has it: `/.well-known/` is for names that are registered (RFC 8615)."""
_IN_MEMORY = 1024 * 1024


class SimulationApp:
    """`latency` is how much of the recorded time an answer takes, 0 for none. `missed` is told of every miss."""

    def __init__(
        self,
        simulation: Simulation,
        counts: Counts,
        *,
        latency: float = 0.0,
        missed: Callable[[Asked, Missed], None] = lambda _asked, _missed: None,
    ) -> None:
        self._simulation = simulation
        self._counts = counts
        self._latency = latency
        self._tell = missed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        with SpooledTemporaryFile(max_size=_IN_MEMORY, prefix="entrepot-simulate-") as body:
            if not await _read(receive, body):
                return
            response = await self._response(scope, body)
        await response(scope, receive, send)

    async def _response(self, scope: Scope, body: SpooledTemporaryFile[bytes]) -> Response:
        if scope["path"] == COUNTS_PATH and scope["method"] in ("GET", "HEAD"):
            return JSONResponse(self._counts.to_json(), headers={"Cache-Control": "no-store"})
        asked = await run_in_threadpool(_asked, scope, body)
        try:
            header = asked.header(b"accept-datetime") if asked.reads else None
            at = None if header is None else memento.accept_datetime(header.decode("latin-1"))
            answer = await run_in_threadpool(self._simulation.answer, asked, at)
            if isinstance(answer, Missed):
                self._counts.miss(asked, answer.why)
                self._tell(asked, answer)
                return miss(asked, answer, self._simulation.at if at is None else min(at, self._simulation.at))
            if self._latency:
                await anyio.sleep(answer.duration_us / 1_000_000 * self._latency)
            response = await run_in_threadpool(respond, asked, answer)
        except BadInput as error:
            return ProblemResponse(problem_for(error))
        except EntrepotError as error:
            self._counts.failure()
            logger.warning("%s %s: %s", asked.method, asked.path, error)
            problem = problem_for(error)
            retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if problem.status == 503 else {}
            return ProblemResponse(problem, retry)
        self._counts.hit(answer)
        return response


async def _read(receive: Receive, body: SpooledTemporaryFile[bytes]) -> bool:
    """The whole request body; False if the client went away before its end."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        body.write(message.get("body", b""))
        more = message.get("more_body", False)
    body.seek(0)
    return True


def _asked(scope: Scope, body: SpooledTemporaryFile[bytes]) -> Asked:
    path: bytes = scope["raw_path"]
    if not path.startswith(b"/") and b"://" in path:  # as a client of a proxy asks
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    query: bytes = scope["query_string"]
    return Asked.of(scope["method"], path + b"?" + query if query else path, tuple(scope["headers"]), _pieces(body))


def _pieces(body: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    while piece := body.read(64 * 1024):
        yield piece


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
