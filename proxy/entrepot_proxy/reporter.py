"""Keeps the last error for the state file and logs each kind once with its traceback, so that a failure under load
does not bury the log that explains it."""

import logging
from collections import Counter
from collections.abc import Callable

logger = logging.getLogger(__name__)

MAX_KINDS = 1000


class Reporter:
    """`last_error` is told of every error, as one line of text."""

    def __init__(self, last_error: Callable[[str], None] = lambda _: None) -> None:
        self._last_error = last_error
        self.seen: Counter[tuple[str, str]] = Counter()

    def __call__(self, where: str, error: BaseException) -> None:
        """`where` names the hook or part in which it happened."""
        kind = (where, type(error).__name__)
        if kind in self.seen or len(self.seen) < MAX_KINDS:
            self.seen[kind] += 1
        message = f"{where}: {type(error).__name__}: {error}"
        if self.seen[kind] == 1:
            logger.error("%s (further ones of this kind are counted, not logged)", message, exc_info=error)
        self._last_error(message)
