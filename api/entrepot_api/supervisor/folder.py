"""The data folder: private, and owned by one supervisor at a time."""

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from entrepot_store.errors import Busy, ConfigError

LOCK = "lock"
ORPHAN_SECONDS = 30.0
"""How long to wait for the children of a supervisor that was killed: they drain and end by themselves."""


class DataFolder(AbstractContextManager["DataFolder"]):
    """The folder, made 0700 if need be, and its lock (flock on `DIR/lock`), held until the context ends.

    The children inherit the lock's descriptor. The lock is therefore free only when the supervisor and everything
    that it started are gone, and a second `up` never runs into ports and spools that are still held.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._descriptor = -1

    @property
    def lock_descriptor(self) -> int:
        return self._descriptor

    def acquire(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Raises ConfigError if the folder cannot be used, Busy if another `up` owns it. `say` hears of waiting."""
        self._make()
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + ORPHAN_SECONDS
        told = False
        while not _try_lock(descriptor):
            owner = _owner(descriptor)
            if (owner and _alive(owner)) or time.monotonic() >= deadline:
                os.close(descriptor)
                raise Busy(
                    f"{self.path}: another `entrepot up`" + (f" (process {owner})" if owner else "") + " uses it.",
                    hint="Stop that one first, or give this one a --data folder of its own.",
                )
            if not told:
                say(f"{self.path}: waiting for the parts of a supervisor that was killed to end")
                told = True
            time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _make(self) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except FileExistsError:
            raise ConfigError(f"data: {self.path} is not a folder.", hint="Name another with --data.") from None
        except OSError as error:
            raise ConfigError(
                f"data: {self.path} cannot be made or made private: {error.strerror}.", hint="Name another with --data."
            ) from None
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise ConfigError(f"data: {self.path} cannot be written by this user.", hint="Name another with --data.")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(descriptor: int) -> int | None:
    """The process that wrote itself into the lock; None while that is being written."""
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it lives, as another user
    return True
