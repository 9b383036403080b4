"""`entrepot up` as tests run it: a real process on loopback, found by its `ready.json`, ended by its pid."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ENTREPOT = (sys.executable, "-m", "entrepot_api")
WAIT_SECONDS = 150.0


def until[T](found: Callable[[], T | None], what: str, seconds: float = WAIT_SECONDS) -> T:
    """The first true value that `found` gives; fails with `what` was awaited."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return value


def clean_environment(**more: str) -> dict[str, str]:
    """Ours, without whatever a developer set for an Entrepot of their own or for proxies."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("ENTREPOT_")}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        kept.pop(name, None)
        kept.pop(name.lower(), None)
    return kept | more


def entrepot(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command run to its end."""
    return subprocess.run(
        [*ENTREPOT, *arguments], env=clean_environment(**environment), capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


class Up:
    """A running `entrepot up`."""

    def __init__(self, data: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.log = data.with_name(f"{data.name}.log")
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*ENTREPOT, "up", "--data", str(data), *arguments],
                stdout=output,
                stderr=output,
                env=clean_environment(**(environment or {})),
                cwd=data.parent,  # where no entrepot.toml of the developer's is
            )

    @property
    def ready(self) -> dict[str, Any]:
        """The content of `ready.json`, waited for."""

        def there() -> bool:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.words}"
            return (self.data / "ready.json").exists()

        try:
            until(there, "ready.json")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.words}") from None
        content: dict[str, Any] = json.loads((self.data / "ready.json").read_text())
        return content

    @property
    def words(self) -> str:
        return self.log.read_text(errors="replace")

    def status(self) -> dict[str, Any]:
        done = entrepot("status", "--data", str(self.data), "--json")
        assert done.returncode == 0, done.stderr
        content: dict[str, Any] = json.loads(done.stdout)
        return content

    def state(self, part: str) -> dict[str, Any]:
        """What a part last said of itself; empty if it says nothing."""
        try:
            content: dict[str, Any] = json.loads((self.data / "run" / f"{part}.json").read_text())
        except FileNotFoundError:
            return {}
        return content

    def pid(self, part: str) -> int:
        """The pid of a part that is ready."""

        def found() -> int | None:
            said = self.state("up").get("parts", {}).get(part, {})
            return int(said["pid"]) if said.get("ready") else None

        return until(found, f"{part} to be ready")

    def api(self, path: str) -> Any:
        """The JSON that the API answers."""
        ready = self.ready
        headers = {"Authorization": f"Bearer {ready['token']}"}
        request = urllib.request.Request(ready["api"] + path, headers=headers)  # noqa: S310 - a URL of ours
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)

    def wait_until_shipped(self) -> None:
        spool = self.data / "spool"
        until(
            lambda: not [path for path in spool.iterdir() if path.suffix in {".open", ".sealed", ".abandoned"}],
            "the spool to be shipped",
        )

    def end(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_SECONDS * 2)


@contextmanager
def running_up(data: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Up]:
    """Until the context ends; whatever is left then is killed. Its words are printed, for a test that fails."""
    up = Up(data, *arguments, environment=environment)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.terminate()
            try:
                up.process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                up.process.kill()
                up.process.wait()
        print(up.words)


def lives(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has waited for does not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return fields.rpartition(")")[2].split()[0] != "Z"
