"""Writes captures to the spool: one thread, group commits, and a plain account of everything that could not be written.

The capture addon calls `put` from the event loop and goes on; a bounded queue is all that lies between them. The
thread collects what arrives within `spool.sync_ms` (or less, when an exchange waits for its record), writes it in one
piece behind the records already there, and makes it durable with one `fdatasync`.

When the disk is full or fails, the captures at hand are counted as failed and a gap is opened; the torn tail is cut
off, the file is handed to the shipper as it is, and every `RETRY_SECONDS` a fresh file is tried. The first thing
written to it is the Gap record. A write is never tried again on a file whose `fdatasync` failed: the kernel may have
dropped the pages.
"""

import errno
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from entrepot_store.clock import Clock, SystemClock
from entrepot_store.config import SpoolSettings
from entrepot_store.model import LedgerEntry
from entrepot_store.spool.files import SpoolFolder, SpoolName, WorkerLock, sync_folder
from entrepot_store.spool.frames import MAX_PAYLOAD, encode_frame
from entrepot_store.spool.records import pack_gap, pack_ledger

from .counts import Counts
from .gaps import GapBook
from .spool_file import Disk, SpoolFile
from .spool_space import SpoolSpace

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
"""Pause between two attempts to write while the spool fails."""
IDLE_LEDGER_SECONDS = 60.0
"""While nothing is captured, changed counts (ignored exchanges) are written this often."""
LIFE_SECONDS = 1.0
"""How often a worker dates its lock."""
ENDED = "the spool writer has ended before its time"
ROOM_TO_RECOVER = 64 * 1024
COMMIT_BYTES = 4 * 1024 * 1024
"""A group commit does not wait for its time when this much has come together."""


@dataclass(slots=True)
class Prepared:
    """A record as it goes to disk. `bodies` are the files in the bodies folder that it names."""

    record: bytes
    bodies: tuple[str, ...] = ()
    truncated: bool = False


class Pending(Protocol):
    """What is put into the queue: something that becomes a record on the writer's thread."""

    @property
    def started_at(self) -> int:
        """Microseconds since the epoch, for the gap if it is lost."""
        ...

    def discard(self) -> None:
        """It is lost or ignored: its body files are removed. Must not raise."""
        ...


@dataclass(slots=True)
class Ready:
    """A Pending whose record is made already."""

    record: bytes
    started_at: int

    def discard(self) -> None:
        """It owns no files."""


@dataclass(slots=True)
class Made:
    """A Pending whose record was made elsewhere, or could not be made."""

    pending: Pending
    record: Prepared | Exception

    @property
    def started_at(self) -> int:
        return self.pending.started_at

    def discard(self) -> None:
        self.pending.discard()

    def prepared(self) -> Prepared:
        """Raises what went wrong."""
        if isinstance(self.record, Exception):
            raise self.record
        return self.record


@dataclass(slots=True)
class Entry:
    """A Pending in the queue. `done` is told, on the writer's thread, whether all is well: durable, or ignored."""

    pending: Pending
    size: int
    done: Callable[[bool], None] | None
    prepared: Prepared | None = None


class SpoolWriter:
    """The spool of one worker run. Everything public may be called from any thread."""

    def __init__(  # noqa: PLR0917 # made in one place, `session`, where every argument is named by its type
        self,
        folder: SpoolFolder,
        settings: SpoolSettings,
        counts: Counts,
        gaps: GapBook,
        lock: WorkerLock,
        prepare: Callable[[Any], Prepared | None],
        report: Callable[[str, BaseException], None],
        *,
        clock: Clock | None = None,
        disk: Disk | None = None,
    ) -> None:
        """`prepare` makes the record of a Pending, or None if it is ignored; `report` is told of errors in it."""
        self._folder = folder
        self._settings = settings
        self._counts = counts
        self._gaps = gaps
        self._lock = lock
        self._prepare = prepare
        self._report = report
        self._clock = clock or SystemClock()
        self._disk = disk or Disk()
        self._space = SpoolSpace(folder, settings, self._clock)
        self._queue: deque[Entry] = deque()
        self._batch: list[Entry] = []
        # Two counters, each with one writer: the event loop adds to the first, the thread to the second.
        self._put_bytes = 0
        self._done_bytes = 0
        self._urgent = False
        self._wake = threading.Event()
        self._asleep = False
        self._closing = False
        self._ended = False
        self._released = False
        self._file: SpoolFile | None = None
        self._file_since = 0.0
        self._unsealed: list[SpoolFile] = []
        self._sequence = 0
        self._last_created = 0
        self._last_ledger = LedgerEntry(counts.worker, 0)
        self._last_ledger_at = self._clock.monotonic()
        self._retry_at = 0.0
        self._show_at = float("-inf")
        self.failing: str | None = None
        """Why nothing can be written at present; None while all is well."""
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def queue_bytes(self) -> int:
        return self._put_bytes - self._done_bytes

    @property
    def spool_bytes(self) -> int:
        return self._space.used

    def has_room(self, size: int) -> bool:
        """Whether a body file may grow by `size` bytes. A look at counters, not at the disk."""
        return self.failing is None and self._space.used + size <= self._settings.max_bytes

    def put(self, pending: Pending, size: int, *, done: Callable[[bool], None] | None = None) -> bool:
        """Queues a capture that takes about `size` bytes of memory; called from the event loop only.

        False if it was not taken: it is counted as failed then, a gap is noted, it is discarded, and `done` is not
        called. With `done` the group commit happens at once.
        """
        entry = self.admit(pending, size, done)
        if entry is None:
            return False
        self.enqueue(entry)
        return True

    def admit(self, pending: Pending, size: int, done: Callable[[bool], None] | None = None) -> Entry | None:
        """The first half of `put`: from here on the capture's memory counts. None if it was not taken."""
        queued = self.queue_bytes
        refusal = None
        if self._ended:
            refusal = ENDED
        elif self._closing:
            refusal = "the proxy had already closed its spool"
        elif queued and queued + size > self._settings.queue_bytes:
            refusal = f"the queue to the spool was full ({self._settings.queue_bytes} bytes, spool.queue_bytes)"
        if refusal is not None:
            self._lose([Entry(pending, 0, None)], refusal)
            return None
        self._put_bytes += size
        return Entry(pending, size, done)

    def enqueue(self, entry: Entry) -> None:
        """The second half: puts an admitted capture into the queue, also from another thread."""
        self._queue.append(entry)
        if entry.done is not None or self.queue_bytes >= COMMIT_BYTES:
            self._urgent = True
            self._wake.set()
        elif self._asleep:
            self._wake.set()

    def close(self, timeout: float = 30.0) -> bool:
        """Writes what is queued, seals the file and ends the thread. False if something could not be written.

        May be called again.
        """
        self._closing = True
        self._wake.set()
        self._thread.join(timeout)
        if not self._thread.is_alive():
            # Put between the thread's last look and our word that there is an end.
            self._lose(self._take_all(), "the proxy had already closed its spool")
        finished = not self._thread.is_alive() and not self._gaps and not self._unsealed
        if not self._thread.is_alive() and not self._released:
            self._released = True
            self._lock.release(remove=finished)
        return finished

    # From here on everything runs on the writer's thread.

    def _run(self) -> None:
        try:
            self._work()
        except BaseException:
            # Nothing can be written any more. Whoever puts or closes from now on finds out and is counted.
            self._ended = True
            self._failing_for(ENDED)
            self._lose(self._batch, ENDED)
            raise

    def _work(self) -> None:
        while True:
            self._wait()
            self._show_life()
            # Read before the queue: whatever was put before closing is in this batch or an earlier one.
            closing = self._closing
            batch = self._batch = self._take()
            self._turn(batch, closing)
            self._batch = []
            self._done_bytes += sum(entry.size for entry in batch)
            if closing and not self._queue:
                if self._gaps:
                    self._turn([], closing)  # what could not be written with a batch may be without one
                return

    def _wait(self) -> None:
        """Until there is something to commit and its time has come, or something to seal, or the end."""
        self._asleep = True
        if not self._queue and not self._closing:
            self._wake.wait(self._idle_seconds())
        self._asleep = False
        self._wake.clear()  # before the flags are read: who sets them afterwards also wakes us afterwards
        if self._queue and not self._urgent and not self._closing:
            self._wake.wait(self._settings.sync_ms / 1000)
        self._urgent = False

    def _idle_seconds(self) -> float:
        now = self._clock.monotonic()
        if self.failing:
            return max(self._retry_at - now, 0.01)
        if self._file is not None:
            return max(self._file_since + self._settings.seal_seconds - now, 0.001)
        return min(1.0, IDLE_LEDGER_SECONDS)

    def _take(self) -> list[Entry]:
        batch = []
        size = 0
        while self._queue and size < 2 * COMMIT_BYTES:
            entry = self._queue.popleft()
            size += entry.size
            batch.append(entry)
        return batch

    def _take_all(self) -> list[Entry]:
        left = list(self._queue)
        self._queue.clear()
        return left

    def _show_life(self) -> None:
        """Dates the lock: if we are killed, the gap begins here."""
        now = self._clock.monotonic()
        if now < self._show_at:
            return
        self._show_at = now + LIFE_SECONDS
        try:
            self._lock.touch(self._clock.now())
        except OSError as error:
            self._report("lock", error)  # an older date makes the gap longer, and loses nothing

    def _turn(self, batch: list[Entry], closing: bool) -> None:
        now = self._clock.monotonic()
        try:
            batch = self._prepare_all(batch)
            if self.failing and now < self._retry_at and not closing:
                self._lose(batch, self.failing)
            elif batch or self._gaps or self.failing or self._ledger_is_due(closing):
                batch = self._with_durable_bodies(batch)
                self._commit(batch, closing)
        except Exception as error:
            logger.exception("the spool writer failed")
            self._fail(batch, f"the spool writer failed: {error!r}")
        try:
            self._hand_over(now, closing)
        except Exception as error:
            logger.exception("the spool writer failed")
            self._fail([], f"the spool writer failed: {error!r}")

    def _hand_over(self, now: float, closing: bool) -> None:
        """Seals the file if it is its time, or those that could not be sealed in theirs."""
        if self._file is not None and (
            closing
            or self._file.size >= self._settings.seal_bytes
            or now - self._file_since >= self._settings.seal_seconds
        ):
            self._seal()
        elif self._unsealed:
            self._seal_leftovers()

    def _prepare_all(self, batch: list[Entry]) -> list[Entry]:
        """The entries that have a record now. Ignored ones are counted and done with, ones that fail are lost."""
        kept = []
        for entry in batch:
            try:
                prepared = self._prepare(entry.pending)
                if prepared is not None and len(prepared.record) > MAX_PAYLOAD:
                    raise ValueError(f"it is longer than a spool record can be ({MAX_PAYLOAD} bytes)")  # noqa: TRY301
            except Exception as error:  # noqa: BLE001 # a bug in making one record; the others go on, this one counts
                self._report("record", error)
                self._lose([entry], f"the capture failed in record: {type(error).__name__}")
                continue
            if prepared is None:
                self._counts.ignored()
                entry.pending.discard()
                if entry.done:
                    entry.done(True)
                continue
            entry.prepared = prepared
            kept.append(entry)
        return kept

    def _ledger_is_due(self, closing: bool) -> bool:
        if not closing and self._clock.monotonic() - self._last_ledger_at < IDLE_LEDGER_SECONDS:
            return False
        return self._counts.entry(self._last_ledger.at) != self._last_ledger

    def _commit(self, batch: list[Entry], closing: bool) -> None:
        """Makes the batch durable, with gaps and ledger behind; its bodies are on disk already."""
        records = [entry.prepared for entry in batch if entry.prepared is not None]
        truncated = sum(record.truncated for record in records)
        stored = len(records) - truncated
        gaps = self._gaps.take()
        try:
            ledger = self._counts.entry(self._clock.now(), stored=stored, truncated=truncated)
            frames = [encode_frame(record.record) for record in records]
            frames += [encode_frame(pack_gap(gap)) for gap in gaps]
            frames.append(encode_frame(pack_ledger(ledger)))
            data = b"".join(frames)
            self._append(data, whatever_the_bound=closing and not batch)
        except OSError as error:
            self._gaps.put_back(gaps)
            self._fail(batch, _reason(error))
            return
        except Exception:
            self._gaps.put_back(gaps)
            raise
        self._space.added(len(data))
        self._counts.kept(stored, truncated)
        self._last_ledger, self._last_ledger_at = ledger, self._clock.monotonic()
        if self.failing:
            logger.warning("the spool can be written again; what was lost is recorded as a gap")
            self.failing = None
        for gap in gaps:
            logger.error("%d captures are missing: %s", gap.missing, gap.reason)
        for entry in batch:
            if entry.done:
                entry.done(True)

    def _append(self, data: bytes, *, whatever_the_bound: bool) -> None:
        """`whatever_the_bound`: a last gap or ledger entry, which may exceed it. Raises OSError."""
        # A little more than needed has to be free before a failing spool counts as good again, or it would flap.
        refusal = self._space.refusal(len(data) + (ROOM_TO_RECOVER if self.failing else 0))
        if refusal is not None and not whatever_the_bound:
            raise SpoolFullError(refusal)
        if self._file is None:
            self._open()
        assert self._file is not None  # noqa: S101 # _open returned, for mypy
        self._file.append(data)

    def _with_durable_bodies(self, batch: list[Entry]) -> list[Entry]:
        """The entries whose body files are on disk; the others are lost."""
        lost: dict[int, str] = {}
        synced = [entry for entry in batch if entry.prepared is not None and entry.prepared.bodies]
        for entry in synced:
            try:
                for name in entry.prepared.bodies if entry.prepared else ():
                    descriptor = os.open(self._folder.body_path(name), os.O_RDONLY | os.O_CLOEXEC)
                    try:
                        self._disk.sync(descriptor)
                    finally:
                        os.close(descriptor)
            except OSError as error:
                lost[id(entry)] = _reason(error)
        if synced:
            try:
                sync_folder(self._folder.bodies)
            except OSError as error:
                lost = {id(entry): _reason(error) for entry in synced} | lost
        for entry in synced:
            if id(entry) in lost:
                self._lose([entry], lost[id(entry)])
        return [entry for entry in batch if id(entry) not in lost] if lost else batch

    def _open(self) -> None:
        self._sequence += 1
        # The clock may have gone back; names of one worker must still sort in the order of its files.
        self._last_created = max(self._clock.now(), self._last_created + 1)
        name = SpoolName(self._last_created, self._counts.worker, self._sequence)
        self._file = SpoolFile(self._folder, name, self._disk)
        self._file_since = self._clock.monotonic()

    def _seal(self) -> None:
        """Ends the file with a ledger entry and hands it over."""
        assert self._file is not None  # noqa: S101 # asked by the caller, for mypy
        ledger = self._counts.entry(self._clock.now())
        if replace(ledger, at=self._last_ledger.at) != self._last_ledger:
            try:
                self._file.append(encode_frame(pack_ledger(ledger)))
            except OSError as error:
                self._fail([], _reason(error))
                return
            self._last_ledger, self._last_ledger_at = ledger, self._clock.monotonic()
        self._unsealed.append(self._file)
        self._file = None
        self._seal_leftovers()

    def _seal_leftovers(self) -> None:
        left = []
        for file in self._unsealed:
            try:
                if file.commits:
                    file.seal()
                else:
                    file.discard()
            except OSError as error:
                left.append(file)
                self._failing_for(_reason(error))
        self._unsealed = left

    def _fail(self, batch: list[Entry], reason: str) -> None:
        """The batch is lost. The file is cut back to what is known to be on disk and ended; the next one is fresh."""
        if self._file is not None:
            try:
                self._file.cut_tail()
            except OSError as error:
                # A reader cuts it and reports it.
                logger.error("%s: its torn tail stays: %s", self._file.path, error)  # noqa: TRY400 # no bug of ours
            self._unsealed.append(self._file)
            self._file = None
        self._failing_for(reason)
        self._lose(batch, reason)

    def _failing_for(self, reason: str) -> None:
        if self.failing != reason:
            logger.error("captures cannot be written: %s", reason)
        self.failing = reason
        self._retry_at = self._clock.monotonic() + RETRY_SECONDS

    def _lose(self, batch: list[Entry], reason: str) -> None:
        """Counts captures that will never be stored, notes the gap, and lets them remove their body files."""
        if not batch:
            return
        self._counts.failed(len(batch))
        started = min((entry.pending.started_at for entry in batch if entry.pending.started_at), default=None)
        self._gaps.note(reason, len(batch), started)
        for entry in batch:
            entry.pending.discard()
            if entry.done:
                entry.done(False)


class SpoolFullError(OSError):
    """A bound of our own is reached; the message says which."""


def _reason(error: OSError) -> str:
    """One reason per kind of failure, without paths, so that gaps of one kind become one gap."""
    if isinstance(error, SpoolFullError):
        return str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk of the spool is full"
    return f"the spool cannot be written: {error.strerror or error}"
