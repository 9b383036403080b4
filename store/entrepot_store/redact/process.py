"""Redaction of bodies in a process of its own, which may be ended at any time.

Bodies come from strangers. A regular expression that runs for ever, JSON that takes all memory, a bomb in gzip: none of
it may stall or end the process that forwards traffic, and in one process Python could do nothing against the first. The
worker is limited in processor time per job by its kernel; what it does not survive is withheld, and a new one is begun.
"""

import logging
import signal
import socket
import subprocess
import sys
from typing import Any

import msgpack

from .body_redactor import Redacted
from .body_rules import BodyRules
from .job import Job, Result

logger = logging.getLogger(__name__)

CPU_SECONDS = 2.0
"""Processor time for a job, …"""
CPU_SECONDS_PER_MIB = 2.0
"""… and more for each MiB in it."""
WALL_SECONDS = 60.0
"""A worker that says nothing for so long has lost its processor to others, or hangs."""
LENGTH = 4
_WORKER = "from entrepot_store.redact.worker import main; main()"


class RedactionFailed(Exception):
    """The bodies could not be looked into; the message says why and never quotes them."""


class RedactionProcess:
    """Redacts with one key. Begun when it is first needed. For one thread at a time. `cpu_seconds` is what every job
    may take beside what its size gives it."""

    def __init__(self, key: bytes, *, keep_references: bool = False, cpu_seconds: float = CPU_SECONDS) -> None:
        self._cpu_seconds = cpu_seconds
        self._key = key
        self._keep = keep_references
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def redact(self, rules: BodyRules, job: Job) -> Result:
        """Raises RedactionFailed."""
        request = msgpack.packb(
            ((self._key, tuple(rules), self._keep), self._cpu_seconds + _seconds(job), tuple(job)), use_bin_type=True
        )
        try:
            connection = self._begin()
            connection.sendall(len(request).to_bytes(LENGTH) + request)
            answer = receive(connection)
        except (OSError, EOFError) as error:
            raise RedactionFailed(self._end(error)) from None
        bodies, messages, values = msgpack.unpackb(answer, use_list=False)
        return Result([Redacted(*one) for one in bodies], [Redacted(*one) for one in messages], values)

    def close(self) -> None:
        """Ends the worker. It is begun again if it is needed again."""
        self._end(None)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _begin(self) -> socket.socket:
        if self._socket is not None:
            return self._socket
        ours, theirs = socket.socketpair()
        ours.settimeout(WALL_SECONDS)
        self._socket = ours
        with theirs:
            # Nothing of what it reads may get to a terminal or a log: its errors would quote bodies.
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, a constant program
                [sys.executable, "-P", "-c", _WORKER],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return ours

    def _end(self, error: Exception | None) -> str:
        """Why the worker has ended, or had to be."""
        process, self._process = self._process, None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if process is None:
            return f"the redaction process cannot be started: {getattr(error, 'strerror', None) or error}"
        try:
            process.wait(5.0 if isinstance(error, EOFError) or error is None else 0.1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if isinstance(error, TimeoutError):
            return "looking into it took too long"
        if process.returncode == -signal.SIGVTALRM:
            return "looking into it took too much processor time"
        return "the redaction process ended while looking into it"


def receive(connection: socket.socket) -> bytes:
    """One message. Raises EOFError when the other side has gone, OSError, TimeoutError."""
    length = int.from_bytes(_exactly(connection, LENGTH))
    return _exactly(connection, length)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = connection.recv(min(size, 1024 * 1024))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _seconds(job: Job) -> float:
    return CPU_SECONDS_PER_MIB * job.size / (1024 * 1024)


def pack_result(result: Result) -> bytes:
    packed: Any = (
        [(one.data, one.withheld) for one in result.bodies],
        [(one.data, one.withheld) for one in result.messages],
        list(result.values),
    )
    answer: bytes = msgpack.packb(packed, use_bin_type=True)
    return answer
