"""What runs in a RedactionProcess: jobs in at standard input, a socket, results out, until the other side has gone."""

import resource
import signal
import socket
from functools import lru_cache

import msgpack

from .body_redactor import BodyRedactor
from .body_rules import BodyRules
from .job import Job, work
from .process import LENGTH, pack_result, receive

MEMORY_BYTES = 2 * 1024**3
"""Address space. A job that needs more ends the process, as every error does."""


def main() -> None:
    """Ends when its input does: an orderly end, and also that of a parent that was killed."""
    # No core file: it would hold what is to be kept off the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # Who stops the proxy from a terminal stops the whole group; the proxy has bodies left to look into.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.socket(fileno=0) as connection:
        while True:
            try:
                request = receive(connection)
            except (EOFError, OSError):
                return
            answer = _answer(request)
            connection.sendall(len(answer).to_bytes(LENGTH) + answer)


def _answer(request: bytes) -> bytes:
    (key, rules, keep), seconds, (bodies, messages, values) = msgpack.unpackb(request, use_list=False)
    redactor = _redactor(key, BodyRules(*rules), keep)
    job = Job(bodies, messages, values)
    # Not handled, so that it ends the process: an expression that runs away runs in C and hears no handler.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    result = work(redactor, job)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return pack_result(result)


@lru_cache(maxsize=256)
def _redactor(key: bytes, rules: BodyRules, keep: bool) -> BodyRedactor:
    return BodyRedactor(key, rules, keep_references=keep)
