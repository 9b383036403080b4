"""The processes of the demo: started, found, stopped. Nothing outlives the demo, however it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

START_SECONDS = 120.0


class DemoFailed(Exception):
    """A step of the demo did not do what it should; the message says which and why."""


class Service:
    """A product of the demo in a process of its own."""

    def __init__(self, module: str, log: Path, port: int = 0, environment: Mapping[str, str] | None = None,
                 run_as: Sequence[str] = ()) -> None:  # fmt: skip
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules
                [*run_as, sys.executable, "-m", f"entrepot_api.demo.{module}", str(port)],
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **(environment or {})},
                text=True,
            )
        self._module = module

    @cached_property
    def url(self) -> str:
        """Where it listens; waits until it says so. Raises DemoFailed if it ends instead."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("listening "):
            self.stop()
            raise DemoFailed(f"{self._module} did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
        return line.split()[1]

    def stop(self) -> None:
        """Ends it at once, as a loss does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def running_entrepot(data: Path, arguments: Sequence[str], log: Path) -> Iterator[dict[str, Any]]:
    """`entrepot up` until the context ends; gives the content of its `ready.json`."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*entrepot("up"), "--data", str(data), *arguments], stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (data / "ready.json").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DemoFailed(f"entrepot up did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield json.loads((data / "ready.json").read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def entrepot(*arguments: str) -> list[str]:
    """The public command line, with this very interpreter."""
    return [sys.executable, "-m", "entrepot_api", *arguments]


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, accepted: Sequence[int] = (0,)) -> str:
    """Runs a command to its end and returns its standard output. Any exit code that is not accepted is a DemoFailed
    with the command's words."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode not in accepted:
        raise DemoFailed(
            f"{' '.join(command[2:])} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"
        )
    return done.stdout


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])
