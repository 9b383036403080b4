"""The loop of `entrepot up`: starts the parts, watches them, starts again what dies, drains them in order.

Single-threaded but for the threads that pass on output. Nothing here touches captures: a supervisor that is killed
loses nothing, its children end by themselves (`leash`) and the next `up` ships what they left.
"""

import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from entrepot_store.clock import SystemClock, to_rfc3339
from entrepot_store.errors import EntrepotError
from entrepot_store.spool import SpoolFolder
from entrepot_store.spool.backlog import unshipped
from entrepot_store.state import StateFile, state_path

from .backoff import Backoff
from .child import Child, end_of, say
from .folder import DataFolder
from .parts import API, PROXY, SHIP, ApiPart, Part, ProxyPart
from .ready import Ready, remove_ready

NAME = "up"
POLL_SECONDS = 0.1
STATE_SECONDS = 1.0
START_SECONDS = 120.0
"""How long the parts may take until all of them accept connections for the first time."""
END_SECONDS = 15.0
"""How long a part may take to end after SIGTERM, beyond what it was given for its own work."""


class PartFailed(EntrepotError):
    """A part ended by itself before it ever worked. Carries that part's exit code, which says why."""

    def __init__(self, part: str, status: int) -> None:
        super().__init__(
            f"{part} did not start: it ended with {end_of(status)}.", hint="Its own words are in the lines above."
        )
        self.exit_code = status  # type: ignore[misc]  # one error that stands for any of the others


@dataclass(slots=True)
class _Watched:
    """A part, its process, and what happened to it."""

    part: Part
    child: Child
    backoff: Backoff = field(default_factory=Backoff)
    ready: bool = False
    restarts: int = 0
    last_end: dict[str, str] | None = None
    next_start: float | None = None


class Supervisor:
    """Runs `parts`, in that order, until SIGTERM or SIGINT.

    `drain_seconds` bounds each of the two waits of a drain: for open exchanges to end (the proxy has its own bound
    within it) and for the spool to be shipped.
    """

    def __init__(
        self,
        folder: DataFolder,
        parts: Sequence[Part],
        environment: Mapping[str, str],
        *,
        token: str,
        proxy_drain_seconds: float,
        ship_drain_seconds: float,
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._token = token
        self._proxy_drain = proxy_drain_seconds
        self._ship_drain = ship_drain_seconds
        self._watched = {part.name: _Watched(part, Child(part.name)) for part in parts}
        self._state = StateFile(folder.path, NAME)
        self._stated = float("-inf")
        self._clock = SystemClock()
        self._signals = 0
        self._reload = False
        self._stop = threading.Event()

    def run(self) -> None:
        """Returns after a drain. Raises PartFailed or EntrepotError if the parts did not start; nothing runs then."""
        with self._handlers():
            try:
                self._start_all()
                if not self._stop.is_set():
                    self._announce()
                while not self._stop.wait(POLL_SECONDS):
                    self._look()
                say(NAME, "draining: no new exchanges, open ones may finish")
                remove_ready(self._folder.path)
                self._drain()
            finally:
                remove_ready(self._folder.path)
                self._kill_all()
                self._state.remove()

    # Starting and watching

    def _start_all(self) -> None:
        for watched in self._watched.values():
            self._start(watched)
        deadline = time.monotonic() + START_SECONDS
        while not self._stop.is_set() and not all(watched.ready for watched in self._watched.values()):
            self._look(starting=True)
            if time.monotonic() > deadline:
                late = ", ".join(name for name, watched in self._watched.items() if not watched.ready)
                raise EntrepotError(
                    f"Not ready after {START_SECONDS:.0f} s: {late}.", hint="See the lines above and `entrepot status`."
                )
            self._stop.wait(POLL_SECONDS)

    def _start(self, watched: _Watched) -> None:
        watched.next_start, watched.ready = None, False
        watched.child.start(watched.part.command(), self._environment, keep=(self._folder.lock_descriptor,))

    def _look(self, *, starting: bool = False) -> None:
        """One round: who died, who is due to be started again, who has become ready; says so in the state file."""
        for watched in self._watched.values():
            self._look_at(watched, starting=starting)
        if self._reload:
            self._reload = False
            if PROXY in self._watched:
                self._watched[PROXY].child.signal(signal.SIGHUP)
        if time.monotonic() - self._stated >= STATE_SECONDS:
            self._write_state()

    def _look_at(self, watched: _Watched, *, starting: bool) -> None:
        status = watched.child.poll()
        if status is not None:
            if starting and status > 0 and not watched.restarts:
                raise PartFailed(watched.part.name, status)
            self._note_death(watched, status)
        if watched.next_start is not None and time.monotonic() >= watched.next_start:
            watched.restarts += 1
            self._start(watched)
        pid = watched.child.pid
        if pid is not None and not watched.ready and watched.part.accepts(pid):
            watched.ready = True
            if watched.restarts:
                say(NAME, f"{watched.part.name} works again (process {pid}, restart {watched.restarts})")
                self._write_state()

    def _note_death(self, watched: _Watched, status: int) -> None:
        watched.ready = False
        delay = watched.backoff.after(time.monotonic() - watched.child.started)
        watched.next_start = time.monotonic() + delay
        message = f"{watched.part.name} ended with {end_of(status)}"
        watched.last_end = {"at": to_rfc3339(self._clock.now()), "message": message}
        self._state.failed(message)
        say(NAME, f"{message}; it is started again in {delay:.1f} s")
        self._write_state()

    def _announce(self) -> None:
        proxy = self._watched[PROXY].part if PROXY in self._watched else None
        api = self._watched[API].part if API in self._watched else None
        ready = Ready(
            api=api.url if isinstance(api, ApiPart) else None,
            proxy=proxy.url if isinstance(proxy, ProxyPart) else None,
            reverse=proxy.reverse if isinstance(proxy, ProxyPart) else {},
            token=self._token,
            ca=str(self._folder.path / "ca" / "ca.pem"),
        )
        self._write_state()
        ready.write(self._folder.path)
        places = [f"proxy {ready.proxy}" if ready.proxy else "", f"API {ready.api}" if ready.api else ""]
        places += [f"{name} {url}" for name, url in ready.reverse.items()]
        say(NAME, f"ready: {', '.join(place for place in places if place)}; data in {self._folder.path}")

    def _write_state(self) -> None:
        self._stated = time.monotonic()
        self._state.write(
            ready=all(watched.ready for watched in self._watched.values()),
            parts={
                name: {
                    "pid": watched.child.pid,
                    "ready": watched.ready,
                    "restarts": watched.restarts,
                    "last_end": watched.last_end,
                }
                for name, watched in self._watched.items()
            },
        )

    # Ending

    def _drain(self) -> None:
        """Proxy, then shipper, then API, so that what the proxy sealed last is still shipped and can be looked up."""
        if PROXY in self._watched:
            self._end(self._watched[PROXY], self._proxy_drain + END_SECONDS)
        if SHIP in self._watched:
            self._wait_for_empty_spool()
            self._end(self._watched[SHIP], END_SECONDS)
            self._say_what_is_left()
        if API in self._watched:
            self._end(self._watched[API], END_SECONDS)

    def _end(self, watched: _Watched, seconds: float) -> None:
        watched.child.signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while watched.child.pid is not None:
            if watched.child.wait(POLL_SECONDS) is None and time.monotonic() > deadline:
                say(NAME, f"{watched.part.name} did not end within {seconds:.0f} s and is killed")
                watched.child.signal(signal.SIGKILL)
                watched.child.wait(END_SECONDS)
                break
            self._write_state_if_due()
        watched.ready, watched.next_start = False, None
        # A part that ended in good order has done so itself; one that was killed must not be taken for running.
        state_path(self._folder.path, watched.part.name).unlink(missing_ok=True)

    def _wait_for_empty_spool(self) -> None:
        """The shipper goes on as always, and is started again if it dies; a second signal ends the wait."""
        deadline = time.monotonic() + self._ship_drain
        patience = self._signals
        while unshipped(self._spool()) and time.monotonic() < deadline and self._signals == patience:
            self._look_at(self._watched[SHIP], starting=False)
            self._write_state_if_due()
            time.sleep(POLL_SECONDS)

    def _say_what_is_left(self) -> None:
        left = len(unshipped(self._spool()))
        if left:
            say(NAME, f"{left} spool files are not shipped yet; they stay and are shipped at the next start")
        else:
            say(NAME, "everything captured is shipped")

    def _kill_all(self) -> None:
        """Whatever still runs when we leave by an error; after a drain that is nothing."""
        for watched in self._watched.values():
            if watched.child.pid is not None:
                watched.child.signal(signal.SIGTERM)
        for watched in self._watched.values():
            if watched.child.pid is not None and watched.child.wait(END_SECONDS) is None:
                watched.child.signal(signal.SIGKILL)
                watched.child.wait(END_SECONDS)

    def _spool(self) -> SpoolFolder:
        return SpoolFolder(self._folder.path / "spool")

    def _write_state_if_due(self) -> None:
        if time.monotonic() - self._stated >= STATE_SECONDS:
            self._write_state()

    @contextmanager
    def _handlers(self) -> Iterator[None]:
        """SIGTERM and SIGINT end, SIGHUP has the proxy read its rules again."""
        before: dict[int, Any] = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload = True
            return
        self._signals += 1
        self._stop.set()
