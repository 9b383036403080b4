"""Carries out a run of a replay or a restore for the person who waits for it: progress, waits, Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from .output import progress_bar, say

if TYPE_CHECKING:
    from entrepot_replay.service import Run


def carry_out(run: "Run", title: str) -> None:
    """Sends what is to be sent. Raises as `Executor.run`."""
    settled = run.settled
    for number, what in (
        (settled.unknown_retried, "steps of an earlier run have an unknown outcome and are sent again"),
        (settled.unknown_left, "steps of an earlier run have an unknown outcome and are not sent again"),
        (settled.failed_retried, "failed steps are sent again"),
    ):
        if number:
            say(f"{number} {what}.")
    with progress_bar(title, run.counts.planned) as show, _obeying_signals(run):
        before, waiting = run.counts.done, ""

        def observe() -> None:
            nonlocal waiting
            progress = run.executor.progress
            show(before + progress.done)
            if progress.waiting and progress.waiting != waiting:
                say(f"Waiting for the target: {progress.waiting}.")
            waiting = progress.waiting

        run.executor.observe(observe)
        run.executor.run()


@contextmanager
def _obeying_signals(run: "Run") -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) ends the run behind the step under way, so that its outcome is known; the second
    ends it at once, and that step's outcome is unknown."""

    def pause(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        say("Pausing after the step under way; once more to break it off.")
        run.executor.pause()

    before = {number: signal.signal(number, pause) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
