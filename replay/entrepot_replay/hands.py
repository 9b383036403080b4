"""Who sends: the coordinator's own thread, or a pool of threads. Each thread has a connection of its own.

The executor gives steps and takes what came of them; it never gives more than are `free`.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Protocol

from .attempt import Attempt
from .schedule import Step
from .sender import Sender

GATHER_SECONDS = 0.005
"""How long what came back waits for more of it, while at least half of the crew is at work."""

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
    """Sends in threads, each with its own connection.

    What came back is gathered for a moment: the outcomes of a round and the intents of the next are one transaction,
    and that costs more than most steps do.
    """

    def __init__(self, attempt: AttemptStep, new_sender: NewSender, size: int) -> None:
        self._attempt = attempt
        self._size = size
        self._given: SimpleQueue[Step | None] = SimpleQueue()
        self._came: SimpleQueue[Attempt | BaseException] = SimpleQueue()
        self._out = 0
        self._senders = [new_sender() for _ in range(size)]
        self._threads = [
            Thread(target=self._go, args=(sender,), name=f"replay-send-{number}", daemon=True)
            for number, sender in enumerate(self._senders)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> bool:
        return self._out > 0

    @property
    def free(self) -> int:
        return self._size - self._out

    def give(self, step: Step) -> None:
        self._out += 1
        self._given.put(step)

    def take(self) -> list[Attempt]:
        if not self._out:
            return []
        found = [self._next(None)]
        deadline = monotonic() + GATHER_SECONDS
        while self._out and len(found) < self._size / 2 and (left := deadline - monotonic()) > 0:
            try:
                found.append(self._next(left))
            except Empty:
                break
        return found

    def close(self) -> None:
        for _ in self._threads:
            self._given.put(None)
        for thread in self._threads:
            thread.join()
        for sender in self._senders:
            sender.close()

    def _next(self, timeout: float | None) -> Attempt:
        """Raises Empty, and what an attempt raised, which is a bug of ours."""
        came = self._came.get(timeout=timeout)
        self._out -= 1
        if isinstance(came, BaseException):
            raise came
        return came

    def _go(self, sender: Sender) -> None:
        while (step := self._given.get()) is not None:
            try:
                self._came.put(self._attempt(step, sender))
            except BaseException as error:  # noqa: BLE001 # raised again by whoever takes it
                self._came.put(error)
