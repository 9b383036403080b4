"""The pace of a run, on a clock that moves only when told."""

from threading import Event

from entrepot_replay.pace import Pace
from entrepot_store.clock import FixedClock


def test_no_rate_never_waits() -> None:
    pace = Pace(None, FixedClock(), Event())
    for _ in range(3):
        assert pace.seconds <= 0
        pace.went()


def test_a_rate_spaces_steps_out() -> None:
    clock = FixedClock()
    pace = Pace(4, clock, Event())
    went = 0
    for _ in range(2000):
        if pace.seconds <= 1e-9:
            pace.went()
            went += 1
        clock.advance(0.01)
    assert 79 <= went <= 82  # twenty seconds at four a second


def test_what_a_slow_target_cost_is_not_made_up_for_by_a_burst() -> None:
    clock = FixedClock()
    pace = Pace(10, clock, Event())
    pace.went()
    clock.advance(60)
    burst = 0
    while pace.seconds <= 1e-9:
        pace.went()
        burst += 1
    assert burst <= 2


def test_a_hold_keeps_everything_back() -> None:
    clock = FixedClock()
    pace = Pace(None, clock, Event())
    pace.hold(2)
    assert pace.seconds == 2
    clock.advance(2)
    assert pace.seconds <= 0


def test_waiting_ends_when_somebody_wakes_it() -> None:
    wake = Event()
    wake.set()
    pace = Pace(None, FixedClock(), wake)
    pace.hold(3600)
    pace.wait()
