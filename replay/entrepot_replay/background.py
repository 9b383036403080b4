"""Runs replays and verifications in threads of a long-lived process, the API. A run that the process leaves behind is
interrupted.

Other processes pause and cancel these runs through the store, as they do any run; nothing here needs to be asked.
"""

import logging
from collections.abc import Callable
from threading import Lock, Thread, current_thread
from uuid import UUID

from entrepot_store.catalog.replays import ReplayRow, ReplayState
from entrepot_store.errors import EntrepotError

from .service import Run
from .verify import Verification

logger = logging.getLogger(__name__)

type Verify = Callable[[ReplayRow], Verification]

STOP_SECONDS = 8.0
"""How long steps under way may take when the process stops; whatever is left counts as unknown."""


class BackgroundRuns:
    """The runs of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: dict[Thread, Run | None] = {}
        self._verifications: dict[Thread, Verification] = {}
        self._stopping = False

    def start(self, run: Run, verify: Verify | None = None) -> None:
        """Lets a run that has its lease go on in a thread of its own; once all is sent, `verify` readies what follows
        it there."""
        # A daemon, because a step may hang longer than a process that was told to stop should.
        thread = Thread(target=self._go, args=(run, verify), name=f"replay-{run.replay.id}", daemon=True)
        with self._lock:
            self._runs[thread] = run
        thread.start()

    def verify(self, verification: Verification) -> None:
        """Lets a verification go on in a thread of its own."""
        name = f"verify-{verification.row.replay}"
        thread = Thread(target=self._go_verify, args=(verification,), name=name, daemon=True)
        with self._lock:
            self._runs[thread] = None
        thread.start()

    def stop(self) -> None:
        """Ends all runs behind the step under way and waits for them, but not for long."""
        with self._lock:
            self._stopping = True
            runs, verifications = dict(self._runs), list(self._verifications.values())
        for run in runs.values():
            if run is not None:
                run.executor.abandon()
        for verification in verifications:
            verification.pause()
        for thread in runs:
            thread.join(STOP_SECONDS)

    def _go(self, run: Run, verify: Verify | None) -> None:
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
        else:
            if verify is not None and ended.state is ReplayState.FINISHED and run.executor.progress.done:
                self._verified(replay, lambda: verify(ended))
        finally:
            self._forget()

    def _go_verify(self, verification: Verification) -> None:
        try:
            self._verified(verification.row.replay, lambda: verification)
        finally:
            self._forget()

    def _verified(self, replay: UUID, ready: Callable[[], Verification]) -> None:
        try:
            verification = ready()
            with self._lock:
                self._verifications[current_thread()] = verification
                if self._stopping:
                    verification.pause()
            verification.run()
            logger.info("Replay %s is verified.", replay)
        except EntrepotError as error:
            logger.error("The verification of replay %s broke off: %s", replay, error)  # noqa: TRY400 - as above
        except Exception:
            logger.exception("The verification of replay %s broke off", replay)

    def _forget(self) -> None:
        with self._lock:
            self._runs.pop(current_thread(), None)
            self._verifications.pop(current_thread(), None)

    def _give_up(self, run: Run, reason: str) -> None:
        try:
            run.executor.give_up(reason)
        except EntrepotError as error:
            # It is somebody else's by now, or the store is away and the lease runs out by itself.
            logger.warning("Replay %s was not given up: %s", run.replay.id, error)
