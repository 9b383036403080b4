"""Runs the proxy: engine and capture session together, the state file, reloads, and an orderly end."""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entrepot_store.config import Settings
from entrepot_store.config.settings import split_address
from entrepot_store.errors import ConfigError
from entrepot_store.state import StateFile

from .engine import Engine, Listener  # isort: skip # first: it decides what of mitmproxy is loaded
from .authority import ensure_authority, upstream_bundle
from .engine.watch import install as watch_malformed
from .reload import PolicySource
from .reporter import Reporter
from .session import Session

logger = logging.getLogger(__name__)

STATE_SECONDS = 1.0
SUPERVISED = "ENTREPOT_SUPERVISED"
"""Set to 1 by a supervisor that holds our standard input open; when it ends, so do we."""


class Runner:
    """One proxy process, from start to exit code."""

    def __init__(
        self, settings: Settings, config: Path | None, overrides: Mapping[str, Any], *, capture: bool = True
    ) -> None:
        """`capture=False` runs the same engine without the capture addon, for the benchmark."""
        self._settings = settings
        self._listeners = _listeners(settings)
        if not self._listeners:
            raise ConfigError(
                "proxy: there is nothing to listen on: no forward proxy and no reverse listener.",
                hint="Give --listen HOST:PORT or --reverse NAME=URL@HOST:PORT.",
            )
        self._state = StateFile(settings.data, "proxy")
        self._stop = asyncio.Event()
        self._ready = False
        self._session: Session | None = None
        self._policy: PolicySource | None = None
        addons: list[object] = []
        if capture:
            self._session = session = Session(settings, Reporter(self._state.failed))
            self._policy = PolicySource(settings, config, overrides, session.key, session.swap)
            watch_malformed(session.strays.malformed)
            addons = [session.capture, session.strays]
        self._engine = Engine(self._listeners, addons, _options(settings))

    async def run(self) -> None:
        """Serves until it is told to stop. Raises AddressInUse, ConfigError."""
        try:
            await self._engine.start()
        except BaseException:
            await self._close_session()
            raise
        self._listen_to_signals()
        # What exists now lives as long as the process; the garbage collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        self._ready = True
        self._write_state()
        for listener in self._listeners:
            logger.info("%s listens at %s", listener.name or "the proxy", listener.url)
        while not self._stop.is_set():
            try:
                await asyncio.wait_for(self._stop.wait(), STATE_SECONDS)
            except TimeoutError:
                if self._policy:
                    self._policy.check()
                self._write_state()
        await self._end()

    async def _end(self) -> None:
        self._ready = False
        logger.info("stopping: open exchanges may finish for %g seconds", self._settings.proxy.drain_seconds)
        session = self._session
        await self._engine.drain(self._settings.proxy.drain_seconds, session.busy_clients if session else set)
        if session:
            session.cut()
        await self._engine.stop()
        await self._close_session()
        self._state.remove()

    async def _close_session(self) -> None:
        if self._session and not await asyncio.to_thread(self._session.close):
            logger.error("not everything could be written to the spool: %s", self._session.writer.failing)

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        if os.environ.get(SUPERVISED) == "1":
            threading.Thread(target=self._outlive, args=(loop,), name="supervisor-watch", daemon=True).start()

    def _hang_up(self) -> None:
        if self._policy:
            self._policy.check(force=True)
            self._write_state()

    def _outlive(self, loop: asyncio.AbstractEventLoop) -> None:
        """Reads standard input to its end: then the supervisor is gone."""
        # Not through sys.stdin: its buffer's lock, held in this daemon thread, would abort the interpreter's end.
        while os.read(0, 4096):
            pass
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._stop.set)

    def _write_state(self) -> None:
        session = self._session
        facts: dict[str, Any] = {
            "ready": self._ready,
            "listen": {
                "proxy": next((one.url for one in self._listeners if one.name is None), None),
                "reverse": {one.name: one.url for one in self._listeners if one.name is not None},
            },
            **(session.facts() if session else {}),
            "rules": self._policy.facts() if self._policy else None,
        }
        if session and session.writer.failing:
            self._state.failed(session.writer.failing)
        try:
            self._state.write(**facts)
        except OSError as error:
            logger.error("the state file cannot be written: %s", error)  # noqa: TRY400 # the sentence says it all


def _listeners(settings: Settings) -> tuple[Listener, ...]:
    forward = settings.proxy.listen
    return (
        *([Listener(None, *split_address(forward), None)] if forward else ()),
        *(Listener(one.name, *split_address(one.listen), one.target) for one in settings.proxy.reverse),
    )


def _options(settings: Settings) -> dict[str, Any]:
    """What mitmproxy is told of our settings."""
    folder = ensure_authority(settings.data)
    bundle = upstream_bundle(folder, settings.proxy.upstream_ca)
    return {
        "confdir": str(folder),
        "ssl_insecure": not settings.proxy.tls_verify_upstream,
        "ssl_verify_upstream_trusted_ca": str(bundle) if bundle else None,
    }
