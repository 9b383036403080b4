"""How long to wait before a part that died is started again."""

FIRST_SECONDS = 0.2
CAP_SECONDS = 30.0
STEADY_SECONDS = 30.0
"""A part that lived this long is taken to be well: its next death starts again at the first delay."""


class Backoff:
    """Doubles from 0.2 s to 30 s. It never gives up: an endless crash loop is said, not hidden by a dead part."""

    def __init__(self) -> None:
        self._delay = FIRST_SECONDS

    def after(self, lived: float) -> float:
        """Seconds to wait after a life of `lived` seconds."""
        if lived >= STEADY_SECONDS:
            self._delay = FIRST_SECONDS
        delay = self._delay
        self._delay = min(self._delay * 2, CAP_SECONDS)
        return delay
