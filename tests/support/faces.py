"""A data folder with exchanges in it, shipped by the real shipper, for tests of the command line and HTTP."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrepot_api.cli import main
from entrepot_api.tokens import create_token
from entrepot_store.archive import Archive
from entrepot_store.catalog import open_catalog
from entrepot_store.clock import SystemClock
from entrepot_store.config import Settings
from entrepot_store.model import Body, Exchange, Gap
from entrepot_store.ship import run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.state import read_state
from entrepot_store.vault import open_vault
from tests.support.spooled import make_exchange, write_sealed


@dataclass(frozen=True)
class Stored:
    """What a test finds stored."""

    settings: Settings
    archive: Archive
    exchanges: tuple[Exchange, ...]


def hostile_exchange(number: int) -> Exchange:
    """One whose every text tries something: control characters, quotes, markup, bytes that are no UTF-8."""
    exchange = make_exchange(number)
    assert exchange.response is not None
    return replace(
        exchange,
        request=replace(
            exchange.request,
            path=b"/v1/\x1b[31mred/\xe2\x80\xae[bold]x[/bold]/<script>?q=\xff",
            headers=((b"Host", b"evil"), (b"X-\x1b]0;title\x07", b"a\r\nSet-Cookie: stolen=1"), (b"x", b"\xff\xfe")),
        ),
        response=replace(
            exchange.response,
            headers=(
                (b"Content-Type", b'text/html\r\nX-Injected: "1"; charset=\xff'),
                (b"Content-Disposition", b'attachment; filename="../../etc/passwd"'),
            ),
            body=Body.of(b"\x1b[2J<script>alert(1)</script>"),
        ),
    )


def failed_exchange(number: int) -> Exchange:
    """One that nobody answered."""
    return replace(make_exchange(number), response=None, error="connection refused")


def various_exchanges() -> list[Exchange]:
    """Ten of each kind that the faces show differently."""
    binary = bytes(range(256)) * 40
    exchanges = [make_exchange(number) for number in range(10)]
    exchanges += [make_exchange(number, retention_class="config", body=b"") for number in range(10, 15)]
    exchanges += [make_exchange(15, body=binary), hostile_exchange(16), failed_exchange(17)]
    return exchanges


@contextmanager
def stored(data: Path, exchanges: Sequence[Exchange], *, gaps: Sequence[Gap] = (), **settings: Any) -> Iterator[Stored]:
    """A data folder whose vault and catalog hold these exchanges, put there the way a shipper does it."""
    configured = Settings(data=data, **settings)
    spool = SpoolFolder(data / "spool")
    write_sealed(spool, exchanges, gaps=gaps)
    catalog = open_catalog(configured)
    try:
        vault = open_vault(configured)
        run_shipper(spool, vault, catalog, threading.Event(), mode="once")
        yield Stored(configured, Archive(vault, catalog), tuple(exchanges))
    finally:
        catalog.close()


@dataclass(frozen=True)
class RunningApi:
    """An `entrepot serve` of its own, and tokens for it."""

    url: str
    process: subprocess.Popen[bytes]
    stored: Stored
    read: str
    admin: str

    def client(self, token: str | None = None) -> httpx.Client:
        """A client with the reading token, or another."""
        headers = {"Authorization": f"Bearer {self.read if token is None else token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


@contextmanager
def running_api(found: Stored) -> Iterator[RunningApi]:
    """Serves what is stored, in a process of its own on a free port, until the end of the block."""
    _, read = create_token(found.archive.catalog, SystemClock(), name="reader")
    _, admin = create_token(found.archive.catalog, SystemClock(), name="admin", scopes=("admin",))
    with serving(found.settings.data) as process:
        state = wait_for_state(found.settings.data, process)
        yield RunningApi(state["listen"], process, found, read, admin)


@contextmanager
def serving(data: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`entrepot serve` as a child, logging to `api_log(data)`; killed at the end if it still runs."""
    api_log(data).parent.mkdir(parents=True, exist_ok=True)
    with api_log(data).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "entrepot_api", "serve", "--data", str(data), "--listen", "127.0.0.1:0", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, **environment},
        )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def api_log(data: Path) -> Path:
    return data.with_name("api.log")


def wait_for_state(data: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The API's state file once it says that it is ready."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = read_state(data, "api")
        if state and state["pid"] == process.pid and state["ready"]:
            return state
        if process.poll() is not None:
            raise RuntimeError(f"the API ended with {process.returncode}: {api_log(data).read_text()}")
        time.sleep(0.05)
    raise RuntimeError("the API did not become ready")


@dataclass(frozen=True)
class Ran:
    """What one run of the command line did."""

    code: int
    out: str
    err: str
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run_cli(capture: pytest.CaptureFixture[bytes], *arguments: object) -> Ran:
    """Runs `entrepot ARGUMENTS` in this process; `capture` is the fixture `capfdbinary`."""
    capture.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    out, err = capture.readouterr()
    code = ended.value.code
    return Ran(
        code if isinstance(code, int) else 0 if code is None else 1, out.decode("utf-8", "replace"), err.decode(), out
    )
