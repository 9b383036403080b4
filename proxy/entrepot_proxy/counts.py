"""The ledger's numbers while a worker runs: what was seen, and what became of it."""

import threading

from entrepot_store.model import LedgerEntry


class Counts:
    """Counters of one worker run. The event loop and the spool writer's thread both add to them."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self._lock = threading.Lock()
        self._seen = 0
        self._stored = 0
        self._ignored = 0
        self._truncated = 0
        self._failed = 0

    def saw(self) -> None:
        """An exchange began. It counts as in flight until one of the other methods is told of it."""
        self._seen += 1  # only the event loop writes this one

    def ignored(self) -> None:
        with self._lock:
            self._ignored += 1

    def kept(self, stored: int, truncated: int) -> None:
        """Exchanges whose records are on disk; a truncated one is not counted as stored as well."""
        with self._lock:
            self._stored += stored
            self._truncated += truncated

    def failed(self, number: int = 1) -> None:
        with self._lock:
            self._failed += number

    def entry(self, at: int, *, stored: int = 0, truncated: int = 0) -> LedgerEntry:
        """The ledger entry at `at`, as it will be once `stored` and `truncated` more are on disk."""
        with self._lock:
            kept, cut = self._stored + stored, self._truncated + truncated
            settled = kept + self._ignored + cut + self._failed
            seen = self._seen
            return LedgerEntry(
                self.worker, at, seen, kept, self._ignored, cut, self._failed, in_flight=max(seen - settled, 0)
            )

    def as_json(self) -> dict[str, int]:
        entry = self.entry(0)
        return {
            "seen": entry.seen,
            "stored": entry.stored,
            "ignored": entry.ignored,
            "truncated": entry.truncated,
            "failed": entry.failed,
            "in_flight": entry.in_flight,
        }
