"""Runs replays in threads of a long-lived process, the API. A run that the process leaves behind is interrupted.

Other processes pause and cancel these runs through the store, as they do any run; nothing here needs to be asked.
"""

import logging
from threading import Lock, Thread

from entrepot_store.errors import EntrepotError

from .service import Run

logger = logging.getLogger(__name__)

STOP_SECONDS = 8.0
"""How long steps under way may take when the process stops; whatever is left counts as unknown."""


class BackgroundRuns:
    """The runs of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: dict[Thread, Run] = {}

    def start(self, run: Run) -> None:
        """Lets a run that has its lease go on in a thread of its own."""
        # A daemon, because a step may hang longer than a process that was told to stop should.
        thread = Thread(target=self._go, args=(run,), name=f"replay-{run.replay.id}", daemon=True)
        with self._lock:
            self._runs[thread] = run
        thread.start()

    def stop(self) -> None:
        """Ends all runs behind the step under way and waits for them, but not for long."""
        with self._lock:
            runs = dict(self._runs)
        for run in runs.values():
            run.executor.abandon()
        for thread in runs:
            thread.join(STOP_SECONDS)

    def _go(self, run: Run) -> None:
        replay = run.replay.id
        try:
            ended = run.executor.run()
            logger.info("Replay %s is %s. %s", replay, ended.state.value, ended.reason)
        except EntrepotError as error:
            logger.error("Replay %s broke off: %s", replay, error)  # noqa: TRY400 - a sentence, no traceback of ours
            self._give_up(run, str(error))
        except Exception as error:
            logger.exception("Replay %s broke off", replay)
            self._give_up(run, f"internal error: {type(error).__name__}")
        finally:
            with self._lock:
                self._runs = {thread: other for thread, other in self._runs.items() if other is not run}

    def _give_up(self, run: Run, reason: str) -> None:
        try:
            run.executor.give_up(reason)
        except EntrepotError as error:
            # It is somebody else's by now, or the store is away and the lease runs out by itself.
            logger.warning("Replay %s was not given up: %s", run.replay.id, error)
