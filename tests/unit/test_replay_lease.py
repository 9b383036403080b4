"""Whether a runner is gone: only certain knowledge counts."""

import os
import subprocess
import sys

from entrepot_replay.lease import is_dead, new_owner


def test_every_run_has_an_owner_of_its_own() -> None:
    assert new_owner() != new_owner()


def test_this_process_lives() -> None:
    assert not is_dead(new_owner())


def test_a_process_that_ended_is_dead() -> None:
    child = subprocess.run(
        [sys.executable, "-c", "from entrepot_replay.lease import new_owner; print(new_owner())"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert is_dead(child.stdout.strip())


def test_another_process_under_the_same_id_is_not_the_owner() -> None:
    machine, pid, started, run = new_owner().split("/")
    assert pid == str(os.getpid())
    assert is_dead("/".join((machine, pid, str(int(started) - 1), run)))


def test_of_other_machines_nothing_is_known() -> None:
    _, _, started, run = new_owner().split("/")
    assert not is_dead("/".join(("elsewhere|boot|ns", "999999999", started, run)))


def test_what_is_no_owner_is_not_dead() -> None:
    assert not is_dead("")
    assert not is_dead("x/y/z/w")
    assert not is_dead(new_owner().rpartition("/")[0])
