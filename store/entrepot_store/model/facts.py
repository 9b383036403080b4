"""What a proxy says about its own completeness: ledger counts and gaps.

Both travel through the spool and are written into segments as well, so that a catalog rebuilt from the vault alone
still knows what was seen and what is missing.
"""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class LedgerEntry:
    """Counts of one worker run, cumulative since it started. At rest `seen = stored + ignored + truncated + failed`.

    `in_flight` exchanges are seen and not yet in any of the four; `at` is microseconds since the epoch.
    `truncated` exchanges are stored too, but known to be incomplete because a bound of ours cut them.
    """

    worker: str
    at: int
    seen: int = 0
    stored: int = 0
    ignored: int = 0
    truncated: int = 0
    failed: int = 0
    in_flight: int = 0

    @property
    def balanced(self) -> bool:
        return self.seen == self.stored + self.ignored + self.truncated + self.failed + self.in_flight


@dataclass(slots=True, frozen=True)
class Gap:
    """A span of time in which `missing` captures (0: unknown number) of one worker are known to be lost, and why."""

    worker: str
    since: int
    until: int
    missing: int
    reason: str
