"""Compaction beside the shipper: a bounded part at a time, so that nobody has to think of it.

It looks at sizes alone, which costs no more than the list of segments; what `prune` and `expunge` leave half dead they
write again themselves. It waits while shipping is behind, and lets those go first who were told to move or remove
something. Several shippers of one catalog do it in turn: whoever comes second finds that there is nothing to do.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..archive import Archive
from ..clock import Clock, SystemClock, to_rfc3339
from ..errors import Busy, EntrepotError
from ..expunge import settle_erasures
from .run import Compacted, compact

logger = logging.getLogger(__name__)

FIRST_SECONDS = 60.0
"""The longest pause before the first go, for shippers that are started again and again."""
MOST = 128 * 1024 * 1024
"""Bytes of segments that one go reads, about: others wait for the lock as long as that takes."""
BREATH_SECONDS = 2.0
"""Between two goes while there is more to do."""
BEHIND_SECONDS = 10.0
"""While captures have waited for longer than this, they come first."""
LONGEST_PAUSE = 3600.0
"""Between two tries of what fails, unless it is to be done less often anyway."""


class ScheduledCompaction:
    """Compacts every so many seconds. `folder` takes copies of segments; `behind` is asked how many seconds shipping
    is behind."""

    def __init__(
        self, archive: Archive, folder: Path, every: float, behind: Callable[[], float], clock: Clock | None = None
    ) -> None:
        self._archive = archive
        self._folder = folder
        self._every = every
        self._behind = behind
        self._clock = clock or SystemClock()
        self._runs = self._merged = self._made = self._removed = self._failures = 0
        self._failing: str | None = None
        self._last: int | None = None

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Errors are logged and counted, and what failed is tried again."""
        pause = min(self._every, FIRST_SECONDS)
        failed = 0
        while not stop.wait(pause):
            if self._behind() > BEHIND_SECONDS:
                pause = min(self._every, BEHIND_SECONDS)
                continue
            left = self.go()
            failed = 0 if self._failing is None else failed + 1
            pause = BREATH_SECONDS if left else max(self._every, min(self._every * 2**failed, LONGEST_PAUSE))

    def go(self) -> bool:
        """A bounded part of what there is to do. Says whether more of it is left."""
        try:
            done = self._go()
        except Busy as error:  # somebody else is at it, or the catalog was rebuilt meanwhile
            logger.info("Compaction waits: %s", error)
            return False
        except (EntrepotError, OSError) as error:
            logger.warning("Compaction waits: %s", error)
            self._failed(error)
        except Exception as error:  # a defect of ours here must not end a process that ships captures
            logger.exception("Segments are not compacted.")
            self._failed(error)
        else:
            self._failing = None
            self._count(done)
            return done.left
        return False

    def facts(self) -> dict[str, Any]:
        """For the state file: what was done since the start, and why it does not work, if it does not."""
        return {
            "runs": self._runs,
            "merged": self._merged,
            "made": self._made,
            "removed": self._removed,
            "failures": self._failures,
            "failing": self._failing,
            "last_at": None if self._last is None else to_rfc3339(self._last),
        }

    def _go(self) -> Compacted:
        vault, catalog = self._archive.vault, self._archive.catalog
        settle_erasures(vault, catalog, self._folder)
        return compact(vault, catalog.retention, self._folder, segments=catalog.segments(), most=MOST)

    def _count(self, done: Compacted) -> None:
        self._runs += 1
        self._merged += done.merged
        self._made += done.made
        self._removed += done.swept.removed
        self._last = self._clock.now()
        if done.made or done.swept.removed:
            logger.info(
                "%d segments of %d bytes became %d of %d; %d replaced ones were removed.",
                *(done.merged, done.read, done.made, done.written, done.swept.removed),
            )

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._failing = str(error) or repr(error)
