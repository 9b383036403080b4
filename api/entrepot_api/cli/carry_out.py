"""Carries out a run of a replay or a restore for the person who waits for it: progress, waits, Ctrl-C."""

from typing import TYPE_CHECKING

from .output import progress_bar, say
from .replay_verify import obeying_signals

if TYPE_CHECKING:
    from entrepot_replay.service import Run
    from entrepot_store.catalog.replays import ReplayRow


def carry_out(run: "Run", title: str) -> "ReplayRow":
    """Sends what is to be sent; returns where the replay is then. Raises as `Executor.run`."""
    settled = run.settled
    for number, what in (
        (settled.unknown_retried, "steps of an earlier run have an unknown outcome and are sent again"),
        (settled.unknown_left, "steps of an earlier run have an unknown outcome and are not sent again"),
        (settled.failed_retried, "failed steps are sent again"),
    ):
        if number:
            say(f"{number} {what}.")
    with progress_bar(title, run.counts.planned) as show, obeying_signals(run.executor.pause):
        before, waiting = run.counts.done, ""

        def observe() -> None:
            nonlocal waiting
            progress = run.executor.progress
            show(before + progress.done)
            if progress.waiting and progress.waiting != waiting:
                say(f"Waiting for the target: {progress.waiting}.")
            waiting = progress.waiting

        run.executor.observe(observe)
        return run.executor.run()
