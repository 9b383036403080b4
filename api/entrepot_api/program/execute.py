"""Runs a program as a shell would: signals reach it, its end becomes our exit code."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType

from entrepot_store.errors import NotFound

_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def execute(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The program's exit code, or 128 + n if signal n ended it. Raises NotFound if there is no such program.

    Whoever sends us a signal means the program. What a terminal sends goes to the whole foreground group, so the
    program has it already and must not get it twice.
    """
    process: subprocess.Popen[bytes] | None = None
    waiting: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number in _FROM_TERMINAL and _in_foreground():
            return
        if process is None:
            waiting.append(number)
        else:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        process = _start(command, environment)
        for number in waiting:
            process.send_signal(number)
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - status if status < 0 else status


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, env=environment)  # noqa: S603 - running what the user typed is the purpose
    except FileNotFoundError:
        raise NotFound(f"{command[0]}: there is no such program.", hint="Nothing was started.") from None
    except PermissionError:
        raise NotFound(f"{command[0]}: may not be executed.", hint="Nothing was started.") from None


def _in_foreground() -> bool:
    """Whether we belong to the foreground process group of a terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False  # no terminal at all
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
