"""`entrepot run` runs a program as a shell would: its exit code, its signals, its streams."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from entrepot_api.program import execute
from entrepot_store.errors import NotFound

RUN = "import os, sys; from entrepot_api.program import execute; sys.exit(execute(sys.argv[1:], dict(os.environ)))"


def start(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *command], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.parametrize("code", [0, 1, 77])
def test_exit_code_is_the_programs(code: int) -> None:
    assert execute([sys.executable, "-c", f"raise SystemExit({code})"], os.environ) == code


def test_program_that_a_signal_ended_gives_128_and_the_signal() -> None:
    assert execute(["sh", "-c", "kill -KILL $$"], os.environ) == 137


def test_environment_is_the_one_given() -> None:
    assert execute(["sh", "-c", 'test "$MARK" = here'], {**os.environ, "MARK": "here"}) == 0


def test_missing_program_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no such program"):
        execute([str(tmp_path / "nothing")], os.environ)
    (tmp_path / "data").write_text("not executable")
    with pytest.raises(NotFound, match="may not be executed"):
        execute([str(tmp_path / "data")], os.environ)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_the_program_and_its_answer_counts(number: int) -> None:
    program = (
        "import signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(42))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()\n"
    )
    process = start(sys.executable, "-c", program)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.wait(30) == 42
    process.stdout.close()


def test_program_that_does_not_handle_the_signal_ends_by_it() -> None:
    process = start("sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 30
    process.send_signal(signal.SIGTERM)
    assert process.wait(deadline - time.monotonic()) == 128 + signal.SIGTERM
    process.stdout.close()
