"""One worker run of capturing: its spool, counts, gaps and addons, put together. Used by the runner and by the addon
for a stock mitmproxy."""

import secrets
from typing import Any

from entrepot_store.clock import Clock, SystemClock
from entrepot_store.config import Settings
from entrepot_store.errors import ConfigError
from entrepot_store.redact import load_key
from entrepot_store.spool.files import SpoolFolder, WorkerLock

from .addon import CaptureAddon
from .building import prepare
from .counts import Counts
from .gaps import GapBook
from .held import HeldBytes
from .policy import Policy, compile_policy
from .redaction import RedactionStage
from .reporter import Reporter
from .spool_writer import SpoolWriter
from .strays import Strays


class Session:
    """Begins when it is made: the worker's lock is taken and the writer's thread runs. Ends with `close`."""

    def __init__(self, settings: Settings, reporter: Reporter, clock: Clock | None = None) -> None:
        """Raises ConfigError for a bad rule or redaction key, and if the spool cannot be made."""
        clock = clock or SystemClock()
        self.key = load_key(settings.data)
        policy = compile_policy(settings, self.key)
        try:
            self.folder = SpoolFolder(settings.data / "spool")
            self.worker, lock = _new_worker(self.folder)
        except OSError as error:
            raise ConfigError(
                f"{settings.data / 'spool'}: the spool cannot be made: {error.strerror or error}.",
                hint="Make the data folder writable for this user, or name another with --data.",
            ) from error
        self.counts = Counts(self.worker)
        self.gaps = GapBook(self.worker, clock)
        self.writer = SpoolWriter(
            self.folder, settings.spool, self.counts, self.gaps, lock, prepare, reporter, clock=clock
        )
        queue_bytes = settings.spool.queue_bytes
        self.redaction = RedactionStage(self.key, self.writer, queue_bytes // 2)
        self.capture = CaptureAddon(
            policy,
            settings.proxy,
            self.folder,
            self.writer,
            self.redaction,
            HeldBytes(queue_bytes),
            self.counts,
            self.gaps,
            reporter,
        )
        self.strays = Strays(self.capture)
        self.writer.start()

    def swap(self, policy: Policy) -> None:
        """From the next hook on this policy decides."""
        self.capture.policy = policy

    def facts(self) -> dict[str, Any]:
        """What the state file says of the session."""
        return {
            "worker": self.worker,
            "counts": self.counts.as_json(),
            "queue_bytes": self.writer.queue_bytes,
            "spool_bytes": self.writer.spool_bytes,
            "spool_error": self.writer.failing,
            "redaction": self.redaction.facts(),
        }

    def busy_clients(self) -> set[str]:
        """The ids of client connections that have something under way."""
        return self.capture.busy_clients() | self.strays.busy_clients()

    def cut(self) -> None:
        """Records what is still open as cut."""
        self.capture.cut()
        self.strays.cut()

    def close(self) -> bool:
        """Seals the spool; False if something could not be written. Blocks until the disk has answered."""
        self.redaction.close()
        return self.writer.close()


def _new_worker(folder: SpoolFolder) -> tuple[str, WorkerLock]:
    """A name nobody else has, and its lock."""
    while True:
        worker = secrets.token_hex(4)
        lock = folder.lock(worker)
        if lock is not None:
            return worker, lock
