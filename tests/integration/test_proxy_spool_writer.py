"""The spool writer on a real folder, with a disk that fails when told to."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from entrepot_proxy.counts import Counts
from entrepot_proxy.gaps import GapBook
from entrepot_proxy.spool_file import Disk
from entrepot_proxy.spool_writer import Prepared, SpoolWriter
from entrepot_store.clock import SystemClock
from entrepot_store.config import SpoolSettings
from entrepot_store.spool import read_spool_file
from entrepot_store.spool.files import OPEN, SEALED, SpoolFolder
from entrepot_store.spool.records import pack_exchange
from tests.support.proxy import Spooled, read_spool, wait_until
from tests.support.spooled import make_exchange

MIB = 1024 * 1024


class FailingDisk(Disk):
    """Writes half of what it is given and raises, while `error` is set. Counts its syncs."""

    def __init__(self) -> None:
        self.error: int | None = None
        self.syncs = 0
        self.fail_sync = False

    def write(self, descriptor: int, data: bytes) -> None:
        if self.error is not None and not self.fail_sync:
            os.write(descriptor, data[: len(data) // 2])
            raise OSError(self.error, os.strerror(self.error))
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        if self.error is not None and self.fail_sync:
            raise OSError(self.error, os.strerror(self.error))
        self.syncs += 1
        super().sync(descriptor)


class Recorded:
    """A capture whose record is made already, with body files in the spool."""

    def __init__(self, folder: SpoolFolder, record: bytes, started_at: int, bodies: tuple[str, ...]) -> None:
        self.folder = folder
        self.record = record
        self.started_at = started_at
        self.bodies = bodies

    def discard(self) -> None:
        for name in self.bodies:
            self.folder.body_path(name).unlink(missing_ok=True)


def prepare(pending: Recorded) -> Prepared | None:
    if pending.record == b"ignored":
        return None
    if pending.record == b"broken":
        raise KeyError("a bug")
    return Prepared(pending.record, pending.bodies)


class Bench:
    """A writer and everything around it."""

    def __init__(self, data: Path, **settings: float) -> None:
        self.data = data
        self.folder = SpoolFolder(data / "spool")
        self.counts = Counts("w1")
        self.gaps = GapBook("w1", SystemClock())
        self.disk = FailingDisk()
        self.errors: list[tuple[str, BaseException]] = []
        lock = self.folder.lock("w1")
        assert lock is not None
        self.writer = SpoolWriter(
            self.folder,
            SpoolSettings(**{"reserve_bytes": 0, "sync_ms": 5, "seal_seconds": 0.2, **settings}),  # type: ignore[arg-type] # checked by pydantic
            self.counts,
            self.gaps,
            lock,
            prepare,
            lambda where, error: self.errors.append((where, error)),
            disk=self.disk,
        )
        self.writer.start()
        self.number = 0

    def put(
        self,
        record: bytes | None = None,
        *,
        size: int = 100,
        done: Callable[[bool], None] | None = None,
        bodies: tuple[str, ...] = (),
    ) -> bool:
        self.number += 1
        self.counts.saw()
        exchange = make_exchange(self.number, body=b"x" * size)
        packed = record or pack_exchange(exchange)
        return self.writer.put(Recorded(self.folder, packed, exchange.started_at, bodies), len(packed), done=done)

    def read(self) -> Spooled:
        return read_spool(self.data)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.disk.error = None
    made.writer.close()


def test_records_are_grouped_sealed_and_accounted_for(bench: Bench) -> None:
    for _ in range(50):
        assert bench.put()
    wait_until(lambda: bench.folder.names(SEALED), "a sealed file")
    assert bench.writer.close()
    spooled = bench.read()
    assert len(spooled.exchanges) == 50
    assert spooled.damages == 0
    assert (spooled.ledger.seen, spooled.ledger.stored, spooled.ledger.in_flight) == (50, 50, 0)
    assert bench.disk.syncs < 40  # far fewer than records: they were grouped
    assert bench.folder.names(OPEN) == []
    assert not (bench.folder.path / "w1.lock").exists()
    for name in bench.folder.names(SEALED):
        path = bench.folder.sealed_path(name)
        assert path.stat().st_mode & 0o777 == 0o600
        assert read_spool_file(path).ledger is not None


def test_a_waiter_is_told_after_its_record_is_on_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path, sync_ms=10_000, seal_seconds=60)  # without a waiter nothing would happen for ten seconds
    told = threading.Event()
    bench.put(done=lambda ok: ok and told.set())
    assert told.wait(9)
    (name,) = bench.folder.names(OPEN)
    assert len(read_spool_file(bench.folder.open_path(name)).exchanges) == 1
    bench.writer.close()


def test_in_flight_is_on_disk_before_the_end(bench: Bench) -> None:
    """After a kill -9 the last ledger entry says how many exchanges were under way."""
    bench.counts.saw()
    bench.counts.saw()
    bench.put()
    wait_until(lambda: bench.read().ledgers, "a ledger entry")
    ledger = bench.read().ledger
    assert (ledger.seen, ledger.stored, ledger.in_flight) == (3, 1, 2)


@pytest.mark.parametrize("fail_sync", [False, True])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_costs_the_captures_at_hand_and_says_so(tmp_path: Path, error: int, *, fail_sync: bool) -> None:
    bench = Bench(tmp_path, seal_seconds=60)
    bench.put()
    wait_until(lambda: len(bench.read().exchanges) == 1, "the first record")
    bench.disk.fail_sync = fail_sync
    bench.disk.error = error
    answers: list[bool] = []
    bench.put(done=answers.append)
    wait_until(lambda: answers, "the answer to the waiter")
    assert answers == [False]
    assert bench.writer.failing
    for _ in range(3):
        bench.put(done=answers.append)
    wait_until(lambda: len(answers) == 4, "the answers")
    assert not any(answers)

    bench.disk.error = None
    wait_until(lambda: bench.writer.failing is None, "recovery without any traffic")
    bench.put()
    assert bench.writer.close()

    spooled = bench.read()
    assert spooled.damages == 0, "the torn tail was cut off"
    assert len(spooled.exchanges) == 2
    (gap,) = spooled.gaps
    assert gap.missing == 4
    assert gap.since <= gap.until
    assert ("full" if error == errno.ENOSPC else "Input/output error") in gap.reason
    ledger = spooled.ledger
    assert (ledger.seen, ledger.stored, ledger.failed, ledger.in_flight) == (6, 2, 4, 0)
    assert ledger.balanced


def test_the_bound_on_the_spool_acts_like_a_full_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_bytes=MIB, seal_seconds=0.05)
    for _ in range(8):
        bench.put(size=200_000)
        wait_until(lambda: bench.writer.queue_bytes == 0, "the queue is empty")
    assert bench.writer.failing is not None
    assert "spool.max_bytes" in bench.writer.failing
    assert bench.folder.size() <= MIB
    kept = len(bench.read().exchanges)
    assert 0 < kept < 8

    wait_until(lambda: bench.folder.names(SEALED), "the file is sealed")
    for name in bench.folder.names(SEALED):  # as the shipper would
        bench.folder.sealed_path(name).unlink()
    wait_until(lambda: bench.writer.failing is None, "recovery")
    assert bench.put(size=200_000)
    assert bench.writer.close()
    spooled = bench.read()
    assert len(spooled.exchanges) == 1
    assert sum(gap.missing for gap in spooled.gaps) == 8 - kept
    assert spooled.ledger.balanced


def test_a_full_spool_stays_failing_and_writes_no_files(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_bytes=MIB, seal_seconds=0.05)
    for _ in range(8):
        bench.put(size=200_000)
        wait_until(lambda: bench.writer.queue_bytes == 0, "the queue is empty")
    files = bench.folder.names(SEALED)
    reasons = set()
    passed = threading.Event()
    for _ in range(150):
        reasons.add(bench.writer.failing)
        passed.wait(0.01)  # over several retries: it must not flap
    assert None not in reasons
    assert bench.folder.names(SEALED) == files
    bench.writer.close()


def test_the_reserve_on_the_disk_acts_like_a_full_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path, reserve_bytes=1 << 60)
    answers: list[bool] = []
    bench.put(done=answers.append)
    wait_until(lambda: answers, "the answer")
    assert answers == [False]
    assert "spool.reserve_bytes" in str(bench.writer.failing)
    bench.writer.close()


def test_a_full_queue_is_counted_and_becomes_a_gap(tmp_path: Path) -> None:
    bench = Bench(tmp_path, queue_bytes=MIB, sync_ms=10_000)
    taken = [bench.put(size=400_000) for _ in range(4)]
    assert taken == [True, True, False, False]
    assert bench.writer.close()
    spooled = bench.read()
    assert len(spooled.exchanges) == 2
    (gap,) = spooled.gaps
    assert gap.missing == 2
    assert "queue" in gap.reason
    assert (spooled.ledger.seen, spooled.ledger.stored, spooled.ledger.failed) == (4, 2, 2)


def test_a_record_larger_than_the_whole_queue_passes_when_it_is_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, queue_bytes=MIB)
    assert bench.put(size=3 * MIB)
    assert bench.writer.close()
    assert len(bench.read().exchanges) == 1


def test_a_body_file_that_vanished_costs_its_exchange_alone(bench: Bench) -> None:
    body = bench.folder.body_path("w1.aa.request")
    body.write_bytes(b"whole")
    assert bench.put(bodies=("w1.aa.request",))
    assert bench.put(bodies=("w1.bb.request",))
    assert bench.writer.close()
    spooled = bench.read()
    assert len(spooled.exchanges) == 1
    assert body.exists()
    assert sum(gap.missing for gap in spooled.gaps) == 1
    assert spooled.ledger.balanced


def test_body_files_of_lost_captures_are_removed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    body = bench.folder.body_path("w1.aa.request")
    body.write_bytes(b"whole")
    bench.disk.error = errno.ENOSPC
    answers: list[bool] = []
    bench.put(bodies=("w1.aa.request",), done=answers.append)
    wait_until(lambda: answers, "the answer")
    assert not body.exists()
    bench.disk.error = None
    bench.writer.close()


def test_nothing_is_taken_after_the_end(bench: Bench) -> None:
    bench.writer.close()
    assert not bench.put()
    assert bench.counts.entry(0).failed == 1


def test_an_exception_in_the_writer_loses_one_batch_and_not_the_writer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> bytes:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr("entrepot_proxy.spool_writer.pack_ledger", broken)
        answers: list[bool] = []
        bench.put(done=answers.append)
        wait_until(lambda: answers, "the answer")
        assert answers == [False]
    wait_until(lambda: bench.writer.failing is None, "recovery")
    bench.put()
    assert bench.writer.close()
    spooled = bench.read()
    assert len(spooled.exchanges) == 1
    assert "a bug" in spooled.gaps[0].reason
    assert spooled.ledger.balanced


def test_idle_without_any_change_makes_no_file(bench: Bench) -> None:
    bench.writer.close()
    assert bench.folder.names(SEALED) == []
    assert bench.folder.names(OPEN) == []


def test_counts_alone_are_written_at_the_end(bench: Bench) -> None:
    bench.counts.saw()
    bench.counts.ignored()
    assert bench.writer.close()
    ledger = bench.read().ledger
    assert (ledger.seen, ledger.ignored) == (1, 1)


def test_every_waiter_hears_exactly_once(bench: Bench) -> None:
    answers: list[bool] = []
    for _ in range(200):
        bench.put(done=answers.append, size=10)
    assert bench.writer.close()
    assert answers == [True] * 200


def test_ignored_captures_are_counted_and_leave_nothing(bench: Bench) -> None:
    body = bench.folder.body_path("w1.aa.request")
    body.write_bytes(b"whole")
    answers: list[bool] = []
    bench.put(b"ignored", bodies=("w1.aa.request",), done=answers.append)
    wait_until(lambda: answers, "the answer")
    assert answers == [True]
    assert not body.exists()
    assert bench.writer.close()
    assert (bench.read().ledger.seen, bench.read().ledger.ignored) == (1, 1)


def test_ignored_captures_are_no_loss_while_the_disk_is_full(bench: Bench) -> None:
    bench.disk.error = errno.ENOSPC
    answers: list[bool] = []
    bench.put(done=answers.append)
    wait_until(lambda: answers, "the loss")
    bench.put(b"ignored", done=answers.append)
    wait_until(lambda: len(answers) == 2, "the answer")
    assert answers == [False, True]
    bench.disk.error = None
    assert bench.writer.close()
    assert sum(gap.missing for gap in bench.read().gaps) == 1


def test_a_record_that_cannot_be_made_costs_itself_alone(bench: Bench) -> None:
    bench.put()
    bench.put(b"broken")
    bench.put()
    assert bench.writer.close()
    spooled = bench.read()
    assert len(spooled.exchanges) == 2
    (gap,) = spooled.gaps
    assert (gap.missing, "KeyError" in gap.reason) == (1, True)
    assert [where for where, _ in bench.errors] == ["record"]
    assert spooled.ledger.balanced


@pytest.mark.parametrize("module", ["spool_file", "spool_writer"])
def test_a_folder_that_cannot_be_synced_once_is_no_lasting_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Of the spool when a file is sealed, of the bodies before their record is written: the batch may be lost, and is
    counted once."""
    bench = Bench(tmp_path, seal_seconds=0.1)
    bench.put()
    failures: list[Path] = []

    def fail_once(path: Path) -> None:
        if not failures and (module == "spool_writer" or bench.folder.names(SEALED)):
            failures.append(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(f"entrepot_proxy.{module}.sync_folder", fail_once)
    bench.folder.body_path("w1.a.request").write_bytes(b"long")
    answers: list[bool] = []
    bench.put(bodies=("w1.a.request",), done=answers.append)
    bench.put(bodies=("w1.gone.request",), done=answers.append)
    wait_until(lambda: failures and len(answers) == 2, "the failure")
    wait_until(lambda: bench.writer.failing is None, "recovery")
    wait_until(lambda: not bench.folder.names(OPEN), "an empty spool")
    assert bench.writer.close()
    spooled = bench.read()
    assert spooled.ledger.balanced
    assert len(spooled.exchanges) == spooled.ledger.stored
    assert sum(gap.missing for gap in spooled.gaps) == spooled.ledger.failed
    assert not bench.folder.names(OPEN)


def test_a_bug_in_the_writer_costs_no_gap(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> bytes:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr("entrepot_proxy.spool_writer.pack_gap", broken)
        bench.gaps.note("lost before", missing=7)
        wait_until(lambda: bench.writer.failing, "the bug")
    wait_until(lambda: not bench.gaps, "the gap in the spool")
    assert bench.writer.close()
    assert [(gap.reason, gap.missing) for gap in bench.read().gaps] == [("lost before", 7)]


def test_a_writer_that_has_died_loses_nothing_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    bench = Bench(tmp_path)

    def die(_: object) -> None:
        raise SystemExit

    bench.writer._prepare = die  # type: ignore[assignment] # what no guard of the writer's survives
    bench.put()
    wait_until(lambda: bench.writer.failing, "the death")
    assert not bench.put()
    assert not bench.writer.close()
    assert bench.counts.entry(0).failed == 2
    assert bench.counts.entry(0).in_flight == 0
    assert (bench.folder.path / "w1.lock").exists(), "the shipper makes a gap of it"


def test_a_living_worker_dates_its_lock(bench: Bench) -> None:
    lock = bench.folder.path / "w1.lock"
    os.utime(lock, (1, 1))
    wait_until(lambda: lock.stat().st_mtime > 1, "a sign of life")
