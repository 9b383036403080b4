"""The shipper as a service: looks for files to ship, ships them oldest first, waits and says so when it cannot.

It never gives up: with the vault or the database away the spool grows up to its bound, `seconds_behind` rises, and
traffic flows. A file that cannot be shipped for a reason of its own is set aside for a while, so that it does not
hold up the others, and stays visible as the last error.
"""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from ..catalog import Catalog
from ..clock import Clock, SystemClock
from ..documents import Recipe
from ..errors import Busy, CatalogUnavailable, EntrepotError, VaultDenied, VaultUnavailable
from ..spool import SpoolFolder, SpoolName
from ..spool.backlog import seconds_behind
from ..spool.files import ABANDONED, SEALED
from ..state import StateFile
from ..vault import Vault
from .recover import SHIPPER, sweep_dead_workers, take_abandoned
from .shipper import UNFINISHED, Shipped, Shipper

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
STATE_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
SET_ASIDE_SECONDS = 30.0

type Mode = Literal["forever", "drain", "once"]


@contextmanager
def sole_shipper(spool: SpoolFolder) -> Iterator[None]:
    """Holds the spool's shipper lock. Raises Busy while another process has it."""
    lock = spool.lock(SHIPPER)
    if lock is None:
        raise Busy(
            f"Another shipper is at work on {spool.path}.", hint="One spool has one shipper; stop the other first."
        )
    try:
        yield
    finally:
        lock.release()


@dataclass(slots=True)
class Totals:
    """What this shipper did since it started."""

    exchanges: int = 0
    files: int = 0
    bytes_stored: int = 0
    gaps: int = 0


class ShipperLoop:
    """Runs a Shipper over a spool until told to stop."""

    def __init__(
        self,
        spool: SpoolFolder,
        vault: Vault,
        catalog: Catalog,
        *,
        state: StateFile | None = None,
        clock: Clock | None = None,
        step: Callable[[str], None] = lambda _: None,
        recipes: Callable[[], Mapping[str, Recipe]] = dict,
        beside: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._clock = clock or SystemClock()
        self._spool = spool
        self._shipper = Shipper(spool, vault, catalog, self._clock, step, recipes=recipes)
        self._state = state
        self._beside = beside
        self._stated = float("-inf")
        self._aside: dict[SpoolName, float] = {}
        self.totals = Totals()

    def run(self, stop: threading.Event, mode: Mode = "forever") -> Totals:
        """Ships until `stop` is set; in mode `drain` also until nothing is left to ship, in mode `once` until every
        file found has been tried once, and then the first error is raised.

        Raises Busy. Nothing else ends mode `forever`: errors are logged, kept in the state file, and retried.
        """
        with sole_shipper(self._spool):
            for left in self._spool.path.glob(f"{UNFINISHED}*"):
                shutil.rmtree(left, ignore_errors=True)  # it only takes room; the next start tries again
            pause = FIRST_PAUSE
            while True:
                self._write_state()
                try:
                    found = self._pass(stop, raise_errors=mode == "once")
                    pause = FIRST_PAUSE
                except (VaultUnavailable, VaultDenied, CatalogUnavailable, OSError) as error:
                    if mode == "once":
                        raise
                    self._report(error)
                    stop.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                    found = True
                if stop.is_set() or mode == "once" or (mode == "drain" and not found and not self._aside):
                    break
                if not found:
                    stop.wait(POLL_SECONDS)
            self._write_state(force=True)
        return self.totals

    def _pass(self, stop: threading.Event, *, raise_errors: bool) -> bool:
        """Ships every file that is ready now; says whether there was one."""
        take_abandoned(self._spool)
        ready = [(name, False) for name in self._spool.names(SEALED)]
        ready += [(name, True) for name in self._spool.names(ABANDONED)]
        found = False
        for name, abandoned in sorted(ready):
            if stop.is_set():
                break
            if self._aside.get(name, float("-inf")) > self._clock.monotonic():
                continue
            found = True
            try:
                self._count(self._shipper.ship(name, abandoned=abandoned))
            except (VaultUnavailable, VaultDenied, CatalogUnavailable, OSError):
                raise  # nothing else would fare better
            except Exception as error:  # a file that trips even a defect of ours must not hold up the others
                if raise_errors:
                    raise
                if not isinstance(error, EntrepotError):
                    logger.exception("Spool file %s cannot be shipped.", name)
                self._report(error)
                self._aside[name] = self._clock.monotonic() + SET_ASIDE_SECONDS
            else:
                self._aside.pop(name, None)
                if not self._aside and self._state:
                    self._state.recovered()
            self._write_state()
        return found or sweep_dead_workers(self._spool) > 0

    def _count(self, shipped: Shipped) -> None:
        self.totals.files += 1
        self.totals.exchanges += shipped.exchanges
        self.totals.bytes_stored += shipped.bytes_stored
        self.totals.gaps += len(shipped.gaps)
        for gap in shipped.gaps:
            logger.warning("Captures are missing: %s (worker %s, %d known).", gap.reason, gap.worker, gap.missing)

    def _report(self, error: Exception) -> None:
        logger.error("Shipping waits: %s", error)
        if self._state:
            self._state.failed(error)
            self._write_state(force=True)

    def _write_state(self, *, force: bool = False) -> None:
        now = self._clock.monotonic()
        if self._state is None or (not force and now - self._stated < STATE_SECONDS):
            return
        self._stated = now
        try:
            self._write_facts(self._state)
        except OSError as error:
            # On a full disk there is no room for this file, and shipping is what makes room.
            logger.error("The state file cannot be written: %s", error)  # noqa: TRY400 - the sentence says it all

    def _write_facts(self, state: StateFile) -> None:
        state.write(
            ready=True,
            seconds_behind=seconds_behind(self._spool, self._clock.now()),
            spool_bytes=self._spool.size(),
            shipped_exchanges=self.totals.exchanges,
            shipped_files=self.totals.files,
            stored_bytes=self.totals.bytes_stored,
            gaps_reported=self.totals.gaps,
            **self._beside(),
        )


def run_shipper(
    spool: SpoolFolder,
    vault: Vault,
    catalog: Catalog,
    stop: threading.Event,
    *,
    mode: Mode = "forever",
    state: StateFile | None = None,
    step: Callable[[str], None] = lambda _: None,
    recipes: Callable[[], Mapping[str, Recipe]] = dict,
    beside: Callable[[], Mapping[str, Any]] = dict,
) -> Totals:
    """Ships until `stop` is set or, in modes `drain` and `once`, there is nothing left to do. `recipes` as for
    Shipper; `beside` gives facts for the state file of what runs beside it. Raises Busy."""
    loop = ShipperLoop(spool, vault, catalog, state=state, step=step, recipes=recipes, beside=beside)
    return loop.run(stop, mode)
