"""Looks into bodies for secrets before their records are made: a thread and a process beside the path of all others.

What a rule lets pass unlooked at goes to the spool writer at once and never waits for this. A capture whose bodies are
looked into is admitted by the writer first, so its memory counts; then it comes here, and from here into the writer's
queue. When too much waits, or for too long, bodies are withheld rather than traffic, memory or the spool held up.
"""

import logging
import queue
import threading
import time
from collections import Counter
from typing import Any

from entrepot_store.redact import BodyRules, Job, RedactionFailed, RedactionProcess, Result

from .building import prepare_redacted
from .capture import Capture
from .spool_writer import Entry, Made, SpoolWriter

logger = logging.getLogger(__name__)

LONGEST_WAIT = 10.0
"""Seconds after which a capture is not looked into any more: its traffic may be waiting for its record."""
CLOSING_SECONDS = 10.0
"""How long captures are still looked into when the proxy ends."""
MAX_REASONS = 100

BUSY = "too much waited to be looked into"


class RedactionStage:
    """One per session. `submit` is called from the event loop; the rest runs on a thread, begun when it is needed."""

    def __init__(self, key: bytes, writer: SpoolWriter, most_waiting: int) -> None:
        """`most_waiting` bounds the bytes that wait here."""
        self._key = key
        self._writer = writer
        self._most_waiting = most_waiting
        self._process = RedactionProcess(key)
        self._queue: queue.SimpleQueue[tuple[float, Entry, Capture] | None] = queue.SimpleQueue()
        # Two counters, each with one writer, as in the spool writer.
        self._put_bytes = 0
        self._done_bytes = 0
        self._thread: threading.Thread | None = None
        self._closing_at: float | None = None
        self.withheld = 0
        """Bodies and messages that were not kept."""
        self._reasons: Counter[str] = Counter()
        self._last: str | None = None

    def submit(self, entry: Entry, capture: Capture) -> None:
        """An admitted capture; it is in the writer's queue some time later, whatever happens."""
        if self._closing_at is not None:
            entry.pending = Made(capture, RedactionFailed("the proxy had already ended redaction"))
            self._writer.enqueue(entry)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="redaction", daemon=True)
            self._thread.start()
        self._put_bytes += entry.size
        self._queue.put((time.monotonic(), entry, capture))

    def facts(self) -> dict[str, Any]:
        """What the state file says."""
        return {
            "waiting_bytes": self._put_bytes - self._done_bytes,
            "withheld": self.withheld,
            "last_withheld": self._last,
        }

    def close(self) -> None:
        """Until everything submitted is in the writer's queue."""
        self._closing_at = time.monotonic()
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        self._process.close()

    # From here on everything runs on the thread.

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            since, entry, capture = item
            busy = self._too_late(since) or self._put_bytes - self._done_bytes > self._most_waiting
            try:
                record, withheld = prepare_redacted(capture, self._key, self._refuse if busy else self._process.redact)
            except Exception as error:  # noqa: BLE001 # the writer reports and counts it; no other capture may suffer
                entry.pending = Made(capture, error)
            else:
                entry.pending = Made(capture, record)
                self._note(withheld)
            self._done_bytes += entry.size
            self._writer.enqueue(entry)

    def _too_late(self, since: float) -> bool:
        now = time.monotonic()
        closing = self._closing_at
        return now - since > LONGEST_WAIT or (closing is not None and now - closing > CLOSING_SECONDS)

    def _refuse(self, _rules: BodyRules, _job: Job) -> Result:
        raise RedactionFailed(BUSY)

    def _note(self, withheld: list[str]) -> None:
        for reason in withheld:
            self.withheld += 1
            self._last = reason
            if len(self._reasons) < MAX_REASONS or reason in self._reasons:
                self._reasons[reason] += 1
            if self._reasons[reason] == 1:
                logger.warning("a body was not kept: %s (further ones are counted, not logged)", reason)
