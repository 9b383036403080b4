"""Reading a rebuilt service back at the command line: `entrepot replay --verify`, and the end of every finished run.

Progress and Ctrl-C are as in a replay; what was found is in the store, and `replay_text` tells of it.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from .output import progress_bar, say

if TYPE_CHECKING:
    from entrepot_replay.credentials import Credentials
    from entrepot_replay.options import RunOptions
    from entrepot_replay.verify import Verifier
    from entrepot_store.catalog.replays import ReplayRow


def verify(
    verifier: "Verifier",
    row: "ReplayRow",
    options: "RunOptions",
    credentials: "Credentials",
    *,
    reachable: bool = False,
) -> None:
    """Raises as `Verifier.prepare` and `Verification.run`."""
    verification = verifier.prepare(row, options, credentials, reachable=reachable)
    with progress_bar("Verifying", verification.total) as show, obeying_signals(verification.pause):
        waiting = ""

        def observe() -> None:
            nonlocal waiting
            progress = verification.progress
            show(progress.done)
            if progress.waiting and progress.waiting != waiting:
                say(f"Waiting for the target: {progress.waiting}.")
            waiting = progress.waiting

        verification.observe(observe)
        verification.run()


@contextmanager
def obeying_signals(pause: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) ends the run behind the step under way, so that its outcome is known; the second
    ends it at once, and that step's outcome is unknown."""

    def obey(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        say("Pausing after the step under way; once more to break it off.")
        pause()

    before = {number: signal.signal(number, obey) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
