"""Keeps a copy of a streamed body in memory only: of one in which a rule looks for secrets before it may be on disk.

Beside `tee`, which writes long ones to the spool. A body that outgrows its bound is let go of at once and passes as
every other does; it is recorded as withheld.
"""

from collections.abc import Callable
from pathlib import Path

from entrepot_store.model import Body
from entrepot_store.redact import TOO_LONG

from .tee import BodyTee, Stream, TeeLimits

CROWDED = "too many bodies that had to be looked into were under way at once"


class HeldBytes:
    """What all held bodies together take in memory, and may take. The event loop's alone."""

    def __init__(self, most: int) -> None:
        self.used = 0
        self._most = most

    def take(self, size: int) -> bool:
        """False if there is no room for so many more."""
        if self.used + size > self._most:
            return False
        self.used += size
        return True

    def give(self, size: int) -> None:
        self.used -= size


class HeldTee(BodyTee):
    """A BodyTee that never makes a file."""

    def __init__(
        self,
        most: int,
        all_held: HeldBytes,
        report: Callable[[str, BaseException], None],
        then: Stream | None = None,
    ) -> None:
        """Holds up to `most` bytes, out of what `all_held` has left. `report` and `then` as for BodyTee."""
        super().__init__(Path("/dev/null"), TeeLimits(most, most), lambda _: False, report, then)
        self._most = most
        self._all_held = all_held
        self._withheld = ""

    def _keep(self, chunk: bytes) -> None:
        if self.size + len(chunk) > self._most:
            self._let_go(TOO_LONG)
        elif not self._all_held.take(len(chunk)):
            self._let_go(CROWDED)
        else:
            self._chunks.append(chunk)
            self.size += len(chunk)

    def _let_go(self, why: str) -> None:
        self.discard()
        self._withheld = why

    def finish(self) -> Body:
        size = self.size
        body = super().finish()
        self._all_held.give(size)
        body.withheld = self._withheld
        return body

    def discard(self) -> None:
        super().discard()
        self._all_held.give(self.size)
        self.size = 0
