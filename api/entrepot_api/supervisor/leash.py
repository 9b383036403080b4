"""Ends a supervised child when its supervisor is gone, whatever ended it.

The supervisor holds the write end of the child's standard input and never writes: end of file means that the
supervisor has ended, even by `kill -9`, on every Unix. Linux can also be asked for a signal on the parent's death,
which arrives when the reading thread is stuck behind a long native call. Either way the child gets the SIGTERM that it
answers to in good order.
"""

import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

from .ready import remove_ready

SUPERVISED = "ENTREPOT_SUPERVISED"
"""Set to `1` in the environment of a child whose standard input is such a leash."""

_PR_SET_PDEATHSIG = 1


def hold_leash(data: Path) -> None:
    """Called once by a part, from its main thread, after it installed its SIGTERM handler. Does nothing for a part
    that a person or an init system started. A supervisor that was killed could not remove `DATA/ready.json`; its
    children do."""
    if os.environ.get(SUPERVISED) != "1":
        return
    if sys.platform == "linux":
        # A kernel or sandbox without prctl returns -1; the pipe below is the leash that always holds.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    threading.Thread(target=_wait_for_end, args=(data,), name="leash", daemon=True).start()


def _wait_for_end(data: Path) -> None:
    while os.read(0, 1024):
        pass  # nothing is ever sent on a leash; whatever arrives is not for us
    remove_ready(data)
    os.kill(os.getpid(), signal.SIGTERM)
