"""One child process: started with a leash, its output passed on line by line, its end noticed.

Children run in a process group of their own, so that Ctrl-C in a terminal reaches the supervisor alone and the parts
are drained in order instead of all at once.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO

from entrepot_store.clock import SystemClock, to_rfc3339

from .leash import SUPERVISED


def say(part: str, text: str) -> None:
    """One line of ours on stderr with the part it is about and the time. What the parts say has its own time."""
    _write(part, f"{to_rfc3339(SystemClock().now())[:-4]}Z {text}")


class Child:
    """A part's process, or the lack of one. Not thread-safe: used from the supervisor's main thread, which must be the
    one that lives longest, because Linux sends the parent-death signal when the starting thread ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.started = 0.0  # time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._pump: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, command: Sequence[str], environment: Mapping[str, str], keep: Sequence[int] = ()) -> None:
        """Starts the process; it inherits the descriptors in `keep`. Raises OSError."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own modules, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environment, SUPERVISED: "1", "PYTHONUNBUFFERED": "1"},
            process_group=0,
            pass_fds=keep,
        )
        self.started = time.monotonic()
        self._pump = threading.Thread(
            target=_pass_on, args=(self.name, self._process.stdout), name=f"output-{self.name}", daemon=True
        )
        self._pump.start()

    def poll(self) -> int | None:
        """Exit status if the process has ended since the last look (negative: the signal that ended it), else None."""
        if self._process is None:
            return None
        status = self._process.poll()
        if status is not None:
            self._forget()
        return status

    def signal(self, number: int) -> None:
        """Sends a signal; a process that has just ended is left to `poll`."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> int | None:
        """Exit status, or None if it still runs after that long or was not running."""
        if self._process is None:
            return None
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._forget()
        return status

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._pump is not None:
            self._pump.join(timeout=1.0)  # its last words; a grandchild that holds the pipe must not hold us
        self._process = self._pump = None


def end_of(status: int) -> str:
    """`signal 9` or `exit code 3`."""
    return f"signal {-status}" if status < 0 else f"exit code {status}"


def _pass_on(part: str, stream: IO[bytes] | None) -> None:
    if stream is None:
        return
    with stream:
        for line in stream:
            _write(part, line.decode("utf-8", "backslashreplace").rstrip("\r\n"))


def _write(part: str, text: str) -> None:
    line = f"{part:<5} | {text}\n"
    try:
        os.write(sys.stderr.fileno(), line.encode("utf-8", "backslashreplace"))  # one write: lines never interleave
    except OSError:
        # Whoever read our log went away. The children's pipes must still be emptied, or the children would block.
        return
