"""How far the clients have come in what was recorded: the only thing that a simulation remembers.

One progress for all clients, because a client of today is many connections; it begins anew with the process.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from enum import StrEnum

MOST = 10_000
"""Requests, and resources, of which the progress is remembered; the longest unused are forgotten first."""


class Sequence(StrEnum):
    """What is answered in recorded order, the last answer repeating: repeated writes and reads of what they made; all
    repeated requests; nothing, which is answered as of the moment."""

    WRITES = "writes"
    ALL = "all"
    NONE = "none"


class Progress:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: OrderedDict[Hashable, int] = OrderedDict()
        self._written: OrderedDict[str, int] = OrderedDict()

    def turn(self, request: Hashable, answers: int) -> int:
        """Which of so many answers is next for a request."""
        with self._lock:
            turn = self._turns.pop(request, 0)
            self._turns[request] = min(turn + 1, answers - 1)
            if len(self._turns) > MOST:
                self._turns.popitem(last=False)
            return min(turn, answers - 1)

    def wrote(self, path: str, moment: int) -> None:
        """A simulated write made the resource what it was when the recorded write ended: reads go on from there."""
        with self._lock:
            self._written.pop(path, None)
            self._written[path] = moment
            if len(self._written) > MOST:
                self._written.popitem(last=False)

    def written(self, paths: tuple[str, ...]) -> int | None:
        """When, by the recording, the last simulated write to a path (in one of its spellings) ended."""
        with self._lock:
            return next((self._written[path] for path in paths if path in self._written), None)
