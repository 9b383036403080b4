"""How much may still be spooled: the bound on the spool itself and the bytes left free on the disk for others."""

import os

from entrepot_store.clock import Clock
from entrepot_store.config import SpoolSettings
from entrepot_store.spool.files import SpoolFolder

REFRESH_SECONDS = 0.5
"""How old a look at the folder may be; in between, what we add is counted and what the shipper deletes is not seen."""

SHARE = 100
"""At most one part in this many of the writer's time is spent on looking."""


class SpoolSpace:
    """Answers `refusal`, and `used` for people. Called by the spool writer's thread; `used` may be read by any."""

    def __init__(self, folder: SpoolFolder, settings: SpoolSettings, clock: Clock) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._look_at = float("-inf")
        self._free = 0
        self.used = 0

    def added(self, size: int) -> None:
        self.used += size
        self._free -= size

    def refusal(self, size: int) -> str | None:
        """Why `size` more bytes may not be spooled, or None if they may. Raises OSError if the disk does not answer."""
        if self._clock.monotonic() >= self._look_at:
            self.look()
        if self.used + size > self._settings.max_bytes:
            return f"the spool has reached its bound of {self._settings.max_bytes} bytes (spool.max_bytes)"
        if self._free < size:
            return "the disk of the spool is full"
        if self._free - size < self._settings.reserve_bytes:
            return f"fewer than {self._settings.reserve_bytes} bytes are free on the disk (spool.reserve_bytes)"
        return None

    def look(self) -> None:
        begun = self._clock.monotonic()
        self.used = self._folder.size()
        status = os.statvfs(self._folder.path)
        self._free = status.f_bavail * status.f_frsize
        ended = self._clock.monotonic()
        # A spool that nobody empties has a file for every second: looking must not become the proxy's main work.
        self._look_at = ended + max(REFRESH_SECONDS, (ended - begun) * SHARE)
