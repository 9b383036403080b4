"""One client connection: carries events into mitmproxy's protocol layers and carries out the commands they answer with.

Replaces the stock handler's `server_event`, which starts a task for every hook and goes through the event loop twice
before the layers hear that it is done. Here a hook whose functions are plain calls is answered on the spot; one that
has to wait (`durability = "sync"`) gets a task, as in mitmproxy, and only its own flow waits.
"""

import asyncio
import logging
from collections import deque
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events, mode_specs
from mitmproxy.proxy.layer import Layer
from mitmproxy.proxy.layers import modes
from mitmproxy.proxy.server import ConnectionIO, LiveConnectionHandler

from .dispatch import HookTable

if TYPE_CHECKING:
    from mitmproxy.options import Options

logger = logging.getLogger(__name__)


class EngineConnection(LiveConnectionHandler):
    """Serves one client until it has gone and everything opened for it is closed."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        options: "Options | SimpleNamespace",
        mode: mode_specs.ProxyMode,
        hooks: HookTable,
    ) -> None:
        super().__init__(reader, writer, options, mode)  # type: ignore[arg-type] # options are read by attribute only
        self._hooks = hooks
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting_hooks = 0
        self.layer = _top_layer(self.layer.context, mode)

    async def handle_hook(self, hook: commands.StartHook) -> None:
        """Used by the inherited connection handling for connects and disconnects; `server_event` does not need it."""
        waiting = self._hooks.run(hook)
        if waiting is not None:
            with self.timeout_watchdog.disarm():
                await waiting

    async def server_event(self, event: events.Event) -> None:
        # A command may start a task that comes back here before its first await; the lock keeps it out.
        async with self._server_event_lock:
            self.timeout_watchdog.register_activity()  # type: ignore[no-untyped-call] # mitmproxy is typed in part
            if type(event) is events.ConnectionClosed:
                self._note_reset(event)
            try:
                self._handle(event)
            except Exception:
                # As in mitmproxy: the layers of this connection are in an unknown state now, other connections are not.
                logger.exception("the protocol layers of %s have failed", self.client.peername)

    def _handle(self, event: events.Event) -> None:
        pending: deque[events.Event] = deque((event,))
        # Layers send a head and its body one after the other; written together they cost one system call, not two.
        unsent: dict[Connection, list[bytes]] = {}
        try:
            while pending:
                for command in self.layer.handle_event(pending.popleft()):
                    if isinstance(command, commands.SendData):
                        unsent.setdefault(command.connection, []).append(command.data)
                    elif isinstance(command, commands.StartHook):
                        waiting = self._hooks.run(command)
                        if waiting is not None:
                            self._spawn(self._finish_hook(command, waiting))
                        elif command.blocking:
                            pending.append(events.HookCompleted(command))
                    else:
                        if unsent and isinstance(command, commands.ConnectionCommand):
                            self._send(unsent)
                        self._carry_out(command)
        finally:
            self._send(unsent)

    def _send(self, unsent: dict[Connection, list[bytes]]) -> None:
        for connection, chunks in unsent.items():
            io = self.transports.get(connection)
            if io is not None and io.writer is not None and not io.writer.is_closing():
                io.writer.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        unsent.clear()

    async def drain_writers(self) -> None:
        """Waits only when some peer is slow: asking every writer costs more than most requests' own work."""
        for io in self.transports.values():
            if isinstance(io.writer, asyncio.StreamWriter) and io.writer.transport.get_write_buffer_size():
                await super().drain_writers()  # type: ignore[no-untyped-call] # mitmproxy is typed in part
                return

    def _carry_out(self, command: commands.Command) -> None:
        if isinstance(command, commands.Log):
            if logger.isEnabledFor(command.level):
                logger.log(command.level, "%s: %s", self.client.peername, command.message)
        elif isinstance(command, commands.OpenConnection):
            task = self._spawn(self.open_connection(command))
            self.transports[command.connection] = ConnectionIO(handler=task)
        elif isinstance(command, commands.RequestWakeup):
            timer = self._spawn(self.wakeup(command))
            self.wakeup_timer.add(timer)
        elif isinstance(command, commands.ConnectionCommand) and command.connection not in self.transports:
            return  # it is closed already
        elif isinstance(command, commands.CloseTcpConnection):
            self.close_connection(command.connection, command.half_close)
        elif isinstance(command, commands.CloseConnection):
            self.close_connection(command.connection)
        else:
            raise TypeError(f"mitmproxy's layers sent a command this engine does not know: {command!r}")

    async def _finish_hook(self, hook: commands.StartHook, waiting: Any) -> None:
        self._waiting_hooks += 1
        try:
            with self.timeout_watchdog.disarm():
                await waiting
            if hook.blocking:
                await self.server_event(events.HookCompleted(hook))
        finally:
            self._waiting_hooks -= 1

    def _spawn(self, coroutine: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(coroutine)
        if not task.done():
            self._tasks.add(task)  # the event loop keeps weak references only
            task.add_done_callback(self._tasks.discard)
        return task

    def _note_reset(self, event: events.ConnectionClosed) -> None:
        """mitmproxy's layers cannot tell a reset from an orderly close; the reader of the socket can."""
        io = self.transports.get(event.connection)
        if io is not None and isinstance(io.reader, asyncio.StreamReader):
            event.connection.was_reset = isinstance(io.reader.exception(), ConnectionResetError)  # type: ignore[attr-defined] # our mark

    async def on_timeout(self) -> None:
        self.client.timed_out = True  # type: ignore[attr-defined] # our mark, read by `faults`
        await super().on_timeout()

    def log(self, message: str, level: int = logging.INFO, exc_info: Any = None) -> None:
        if logger.isEnabledFor(level):
            logger.log(level, "%s: %s", self.client.peername, message, exc_info=exc_info)

    @property
    def idle(self) -> bool:
        """Whether nothing waits for a hook and everything written has reached the sockets."""
        return not self._waiting_hooks and not any(
            isinstance(io.writer, asyncio.StreamWriter) and io.writer.transport.get_write_buffer_size()
            for io in self.transports.values()
        )

    def stop(self) -> None:
        """Closes the client connection; what is opened for it closes with it."""
        io = self.transports.get(self.client)
        if io is not None and io.handler is not None:
            io.handler.cancel("the proxy stops")


def _top_layer(context: Any, mode: mode_specs.ProxyMode) -> Layer:
    if isinstance(mode, mode_specs.ReverseMode):
        if mode.scheme == "https":
            # mitmproxy does this itself only when it also rewrites the Host header, which `hosts` does here.
            context.server.sni = mode.address[0]
        return modes.ReverseProxy(context)
    return modes.HttpProxy(context)
