"""The process of a product's empty copy: started by command in a session of its own, ended with everything it started.

Only its own process group is ever signalled. Its leader is not reaped before that is over: as long as it stands, if
only as a zombie, its number cannot become another's.
"""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from entrepot_store.errors import BadInput, EntrepotError

from ..errors import TargetUnreachable

STOP_SECONDS = 10.0
"""From SIGTERM to SIGKILL."""
_LOOK_SECONDS = 0.05
_PR_SET_PDEATHSIG = 1
_LAST_LINES, _LAST_BYTES = 5, 4096


class ProductFailed(TargetUnreachable):
    """The start command did not bring up a product that takes requests. Nothing was sent."""


class Product:
    """One run of a start command. Used from one thread."""

    def __init__(self, command: str, log: Path) -> None:
        """`command` is split as a shell would, and run without one. Raises BadInput for one that cannot be split."""
        try:
            self._command: Sequence[str] = shlex.split(command)
        except ValueError as error:
            raise BadInput(f"--start cannot be read: {error}.", hint="Quote it as a shell wants it.") from None
        if not self._command:
            raise BadInput("--start is empty.", hint="Name the command that starts an empty copy of the product.")
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises ProductFailed if there is no such program."""
        self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the operator's own command, as written and without a shell
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env=_environment(os.environ),
                start_new_session=True,
                preexec_fn=_ends_with_us(),  # noqa: PLW1509 - between fork and exec it makes one system call only
            )
        except OSError as error:
            raise ProductFailed(
                f"The start command did not run: {error.strerror}.",
                hint="It is run without a shell: name a program that is there, or `sh -c '…'`.",
            ) from error
        finally:
            os.close(descriptor)

    @property
    def started(self) -> bool:
        """It was started and not stopped yet."""
        return self._process is not None

    def ended(self) -> str:
        """How the process ended, `exit code 3` or `signal 9`; empty while it runs. It is not reaped."""
        if self._process is None:
            return ""
        found = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return ""
        return f"{'exit code' if found.si_code == os.CLD_EXITED else 'signal'} {found.si_status}"

    def last_words(self) -> str:
        """The last lines of its output, joined; for people only, since a program may say secrets."""
        with self._log.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LAST_BYTES))
            lines = stream.read().decode("utf-8", "replace").splitlines()
        return " | ".join(line.strip() for line in lines[-_LAST_LINES:] if line.strip())

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ends it with SIGTERM, and after so many seconds what is left of its group with SIGKILL. Being interrupted
        meanwhile ends the waiting and not the ending."""
        if self._process is None:
            return
        try:
            if not self.ended():
                self._signal(signal.SIGTERM)
            deadline = time.monotonic() + seconds
            while not self.ended() and time.monotonic() < deadline:
                time.sleep(_LOOK_SECONDS)
        finally:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _signal(self, number: int) -> None:
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return  # nobody is left
        except PermissionError as error:
            # macOS says so of a group of zombies; elsewhere the command changed its user, and we may not end it.
            if not self.ended():
                raise EntrepotError(
                    f"The product (process {self._process.pid}) may not be ended by us.", hint="Stop it by hand."
                ) from error


def _ends_with_us() -> Callable[[], None] | None:
    """On Linux the product gets SIGTERM when the thread that started it is gone, be it by `kill -9`. Elsewhere a drill
    that is killed leaves it running."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Ours, without the settings of Entrepot: they hold keys of the vault that a product has no use for."""
    return {name: value for name, value in ours.items() if not name.startswith("ENTREPOT_")}
