"""Who sends: the coordinator's own thread, or a pool of threads. Each thread has a connection of its own.

The executor gives steps and takes what came of them; it never gives more than are `free`.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Protocol

from .attempt import Attempt
from .schedule import Step
from .sender import Sender

type AttemptStep = Callable[[Step, Sender], Attempt]
type NewSender = Callable[[], Sender]


class Hands(Protocol):
    """Used by one thread."""

    @property
    def busy(self) -> bool:
        """Steps are under way."""
        ...

    @property
    def free(self) -> int:
        """How many more steps may be given."""
        ...

    def give(self, step: Step) -> None: ...

    def take(self) -> list[Attempt]:
        """What came of steps given earlier; waits for at least one if there is any under way."""
        ...

    def close(self) -> None:
        """Waits for what is under way, and closes the connections."""
        ...


def new_hands(attempt: AttemptStep, new_sender: NewSender, concurrency: int) -> Hands:
    """One step at a time needs no other thread, and is quicker without."""
    return Alone(attempt, new_sender) if concurrency == 1 else Crew(attempt, new_sender, concurrency)


class Alone:
    """Sends in the coordinator's own thread."""

    def __init__(self, attempt: AttemptStep, new_sender: NewSender) -> None:
        self._attempt = attempt
        self._sender = new_sender()
        self._step: Step | None = None

    @property
    def busy(self) -> bool:
        return self._step is not None

    @property
    def free(self) -> int:
        return 0 if self.busy else 1

    def give(self, step: Step) -> None:
        self._step = step

    def take(self) -> list[Attempt]:
        step, self._step = self._step, None
        return [] if step is None else [self._attempt(step, self._sender)]

    def close(self) -> None:
        self._sender.close()


class Crew:
    """Sends in a pool of threads, each with its own connection."""

    def __init__(self, attempt: AttemptStep, new_sender: NewSender, size: int) -> None:
        self._attempt = attempt
        self._size = size
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="replay-send")
        self._senders: SimpleQueue[Sender] = SimpleQueue()
        self._all = [new_sender() for _ in range(size)]
        for sender in self._all:
            self._senders.put(sender)
        self._out: set[Future[Attempt]] = set()

    @property
    def busy(self) -> bool:
        return bool(self._out)

    @property
    def free(self) -> int:
        return self._size - len(self._out)

    def give(self, step: Step) -> None:
        self._out.add(self._pool.submit(self._go, step))

    def take(self) -> list[Attempt]:
        if not self._out:
            return []
        done, self._out = wait(self._out, return_when=FIRST_COMPLETED)
        return [future.result() for future in done]

    def close(self) -> None:
        self._pool.shutdown(wait=True)
        for sender in self._all:
            sender.close()

    def _go(self, step: Step) -> Attempt:
        sender = self._senders.get()
        try:
            return self._attempt(step, sender)
        finally:
            self._senders.put(sender)
