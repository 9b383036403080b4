"""The capture addon for a stock mitmproxy: `mitmdump -s "$(entrepot addon-path)"`.

Configured by the environment: ENTREPOT_DATA names the data folder, ENTREPOT_CONFIG the configuration file. Everything
is captured as in the lean runner; slower, because mitmproxy then runs all its other addons as well. Its `[proxy]`
settings of listeners, TLS and draining do not apply: mitmproxy's own options decide those.
"""

import asyncio
import logging

from mitmproxy import ctx

from entrepot_proxy.engine.watch import install as watch_malformed
from entrepot_proxy.reload import PolicySource
from entrepot_proxy.reporter import Reporter
from entrepot_proxy.session import Session
from entrepot_store.config import load_settings
from entrepot_store.errors import EntrepotError
from entrepot_store.state import StateFile

logger = logging.getLogger(__name__)

STATE_SECONDS = 1.0


class Entrepot:
    """Begins a capture session when mitmproxy loads the script, ends it when mitmproxy is done with it."""

    def __init__(self) -> None:
        self.addons: list[object] = []
        self._ticker: asyncio.Task[None] | None = None

    def load(self, _: object) -> None:
        try:
            settings = load_settings()
            self._state = StateFile(settings.data, "proxy")
            self._session = session = Session(settings, Reporter(self._state.failed))
        except EntrepotError as error:
            # An exception from here is swallowed by mitmproxy's script loader; an error that is logged ends mitmproxy
            # while it starts, and `running` ends it later. It must never run on as if it captured.
            logger.error("entrepot captures nothing: %s", error)  # noqa: TRY400 # the sentence says it all
            return
        self._policy = PolicySource(settings, None, {}, session.key, session.swap)
        watch_malformed(session.strays.malformed)
        self.addons = [session.capture, session.strays]

    def running(self) -> None:
        if not self.addons:
            ctx.master.shutdown()  # type: ignore[no-untyped-call] # mitmproxy is typed in part
            return
        self._ticker = asyncio.get_running_loop().create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            self._policy.check()
            self._write_state()
            await asyncio.sleep(STATE_SECONDS)

    def _write_state(self) -> None:
        proxyserver = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call] # see above
        addresses = [f"http://{host}:{port}" for host, port, *_ in proxyserver.listen_addrs()]
        listen: dict[str, object] = {"proxy": addresses[0] if addresses else None, "reverse": {}}
        if self._session.writer.failing:
            self._state.failed(self._session.writer.failing)
        try:
            self._state.write(ready=True, listen=listen, **self._session.facts(), rules=self._policy.facts())
        except OSError as error:
            logger.error("the state file cannot be written: %s", error)  # noqa: TRY400 # the sentence says it all

    def done(self) -> None:
        if not self.addons:
            return
        if self._ticker is not None:
            self._ticker.cancel()
        self._session.cut()
        if not self._session.close():
            logger.error("not everything could be written to the spool: %s", self._session.writer.failing)
        self._state.remove()


addons = [Entrepot()]
