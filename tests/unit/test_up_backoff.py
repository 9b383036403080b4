"""How long `up` waits before it starts a part again."""

from entrepot_api.supervisor.backoff import Backoff


def test_crash_loop_doubles_to_the_cap_and_stays_there() -> None:
    backoff = Backoff()
    delays = [backoff.after(0.1) for _ in range(12)]
    assert delays[:8] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6]
    assert delays[8:] == [30.0, 30.0, 30.0, 30.0]


def test_a_steady_life_starts_over() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(1.0)
    assert backoff.after(30.0) == 0.2
    assert backoff.after(1.0) == 0.4
