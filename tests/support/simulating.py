"""A simulation of what a `Recording` holds, asked in process or as `entrepot simulate` over real connections."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from entrepot_replay.simulate import Answer, Asked, Missed, Options, Simulation
from entrepot_store.model import Exchange, Gap, Headers
from tests.support.captured import START, archive_of

NEVER = START + 3_600_000_000
"""An hour behind the beginning: nothing is captured after it."""
JSON = (b"Content-Type", b"application/json")


@dataclass
class Asking:
    """Asks a simulation and reads what comes back."""

    simulation: Simulation

    def ask(
        self, method: str, target: str, body: bytes = b"", *, headers: Headers = (JSON,), at: int | None = None
    ) -> Answer | Missed:
        return self.simulation.answer(Asked.of(method, target.encode(), headers, (body,)), at)

    def hit(self, method: str, target: str, body: bytes = b"", **more: Any) -> tuple[int, bytes]:
        """Status and content of an answer that there must be."""
        answer = self.ask(method, target, body, **more)
        assert isinstance(answer, Answer), answer
        if answer.content is None:
            return answer.status, b""
        with answer.content.open() as stream:
            return answer.status, stream.read()

    def whys(self, method: str, target: str, body: bytes = b"", **more: Any) -> list[str]:
        """Why nothing answers, by the nearest captures."""
        missed = self.ask(method, target, body, **more)
        assert isinstance(missed, Missed), missed
        return [near.why for near in missed.near]


@contextmanager
def simulated(
    folder: Path,
    exchanges: Sequence[Exchange],
    *,
    at: int = NEVER,
    options: Options | None = None,
    key: bytes | None = None,
) -> Iterator[Asking]:
    archive = archive_of(folder, exchanges)
    try:
        yield Asking(Simulation(archive, "orders", at, options, key=key))
    finally:
        archive.catalog.close()


@dataclass
class Server:
    """A running `entrepot simulate --json`. `started` is what it said first."""

    process: subprocess.Popen[str]
    started: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.started["listen"])

    def end(self) -> tuple[dict[str, Any], str]:
        """Ends it by SIGTERM; what it said last, and its standard error."""
        self.process.terminate()
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, err
        return json.loads(out), err


@contextmanager
def serving_simulation(data: Path, *arguments: str) -> Iterator[tuple[Server, httpx.Client]]:
    """The server over `data` on a free port, and a client of its. Killed at the end if it still runs."""
    command = [sys.executable, "-m", "entrepot_api", "simulate", "--json", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--data", str(data), "--to", "orders", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        server = Server(process, json.loads(line))
        with httpx.Client(base_url=server.url, timeout=30) as client:
            yield server, client
    finally:
        process.kill()
        process.communicate()


def captured_in(data: Path, exchanges: Sequence[Exchange], gaps: Sequence[Gap] = ()) -> Path:
    """A data folder that holds the exchanges."""
    data.mkdir()
    archive_of(data, exchanges, gaps=gaps).catalog.close()
    return data
