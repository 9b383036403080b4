"""Starts mitmproxy's core with the addons a proxy needs and nothing else, listens, and stops."""

import asyncio
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace

from mitmproxy.addons import disable_h2c, next_layer, proxyserver, tlsconfig, update_alt_svc
from mitmproxy.master import Master
from mitmproxy.options import Options

from .connection import EngineConnection
from .dispatch import HookTable
from .hosts import ReverseHost, SelfConnect
from .listeners import Listener

DRAIN_STEP = 0.02
CLOSE_SECONDS = 5.0
"""How long connections may take to close after they were cut."""


class Engine:
    """The proxy: give it addons and listeners, `start`, and it serves until `stop`. One per process: mitmproxy's
    `ctx` is global."""

    def __init__(self, listeners: Sequence[Listener], addons: Sequence[object], options: dict[str, object]) -> None:
        self.listeners = tuple(listeners)
        self.connections: set[EngineConnection] = set()
        self._addons = tuple(addons)
        self._given = options

    async def start(self) -> None:
        """Listens on every address or on none. Raises AddressInUse, ValueError for options mitmproxy refuses."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        master = Master(Options(), event_loop=loop)
        # It would turn every log line into an event for addons; ours use the logging module.
        master._legacy_log_events.uninstall()
        loop.set_exception_handler(master._asyncio_exception_handler)
        master.addons.add(  # type: ignore[no-untyped-call] # mitmproxy is typed in part
            *self._addons,
            proxyserver.Proxyserver(),  # type: ignore[no-untyped-call] # see above
            ReverseHost(),
            SelfConnect(self.listeners),
            disable_h2c.DisableH2C(),
            next_layer.NextLayer(),
            tlsconfig.TlsConfig(),
            update_alt_svc.UpdateAltSvc(),
        )
        given = {"server": False, "keep_host_header": True, **self._given}
        master.options.update(**given)  # type: ignore[no-untyped-call] # see above
        await master.running()
        self._master = master
        self._table = HookTable(master.addons.chain)
        # mitmproxy's layers read options a dozen times per request, each through a lookup in Python; these are plain
        # attributes. Reverse listeners connect when there is a request, so that one to a dead product is answered with
        # 502 and captured, where stock mitmproxy hangs up before it has read the request.
        names = master.options.keys()  # type: ignore[no-untyped-call] # see above
        self._options = SimpleNamespace(**{name: getattr(master.options, name) for name in names})
        self._reverse_options = SimpleNamespace(**{**vars(self._options), "connection_strategy": "lazy"})
        try:
            for listener in self.listeners:
                await listener.start(self._accept)
        except BaseException:
            self.stop_listening()
            raise

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:
        options = self._reverse_options if listener.target else self._options
        connection = EngineConnection(reader, writer, options, listener.mode, self._table)
        connection.client.listener = listener.name  # type: ignore[attr-defined] # our mark, read by `naming`
        self.connections.add(connection)
        try:
            await connection.handle_client()
        finally:
            self.connections.discard(connection)

    def stop_listening(self) -> None:
        for listener in self.listeners:
            listener.stop()

    async def drain(self, seconds: float, busy: Callable[[], set[str]]) -> None:
        """Accepts no more and closes every connection as soon as it has nothing under way, for at most `seconds`.

        `busy` gives the ids of the client connections that have an open exchange.
        """
        self.stop_listening()
        deadline = time.monotonic() + seconds
        while self.connections and time.monotonic() < deadline:
            under_way = busy()
            for connection in tuple(self.connections):
                if connection.client.id not in under_way and connection.idle:
                    connection.stop()
            await asyncio.sleep(DRAIN_STEP)

    async def stop(self) -> None:
        """Cuts what is still open and waits until it is closed."""
        self.stop_listening()
        for connection in tuple(self.connections):
            connection.stop()
        deadline = time.monotonic() + CLOSE_SECONDS
        while self.connections and time.monotonic() < deadline:  # noqa: ASYNC110 # rare, bounded, and needs no signal
            await asyncio.sleep(DRAIN_STEP)
