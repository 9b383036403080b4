"""When the next step may go: a bound on the rate, and pauses after trouble.

Waiting ends early when the run must stop.
"""

from threading import Event

from entrepot_store.clock import Clock


class Pace:
    """One run's pace. `wake` is set by whoever wants the run to look up from waiting."""

    def __init__(self, rate: float | None, clock: Clock, wake: Event) -> None:
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._clock = clock
        self._wake = wake
        self._next = clock.monotonic()
        self._followed: tuple[int, float] | None = None

    @property
    def seconds(self) -> float:
        """How long the next step must still wait; 0 or less when it may go."""
        return self._next - self._clock.monotonic()

    def went(self) -> None:
        """A step goes now. What a slow target cost is not made up for afterwards by a burst."""
        if self._interval:
            self._next = max(self._next, self._clock.monotonic() - self._interval) + self._interval

    def hold(self, seconds: float) -> None:
        """Nothing goes for at least this long."""
        self._next = max(self._next, self._clock.monotonic() + seconds)

    def follow(self, recorded_at: int, speed: float) -> None:
        """The next step was recorded at this moment (microseconds): it goes no earlier, counted from the first one."""
        if self._followed is None:
            self._followed = recorded_at, self._clock.monotonic()
        first, began = self._followed
        self._next = max(self._next, began + (recorded_at - first) / 1_000_000 / speed)

    def wait(self) -> None:
        """Until a step may go, or somebody wakes us."""
        remaining = self.seconds
        if remaining > 0:
            self._wake.wait(remaining)
