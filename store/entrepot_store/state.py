"""State files: what each running part (proxy, ship, api, up) says about itself in `DATA/run/<part>.json`.

Written whole and atomically about once a second, 0600; read by `entrepot status`, the API and the metrics. A part that
stopped writing is stale, whatever its file says: readers look at `updated_at` and whether `pid` lives.
"""

import json
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from .clock import Clock, SystemClock, to_rfc3339

REPLICA = "ENTREPOT_REPLICA"
"""Set to 1 where several of one part share a data folder: each then writes `<part>@<host name>.json`."""


def state_path(data: Path, part: str) -> Path:
    return data / "run" / f"{part}.json"


def write_private(path: Path, content: str) -> None:
    """Replaces a file in one step, readable by its owner only; a reader sees the old content or the new, never half."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class StateFile:
    """One part's file. `last_error` is kept until the part says that it recovered."""

    def __init__(self, data: Path, part: str, clock: Clock | None = None) -> None:
        self._part = f"{part}@{socket.gethostname()}" if os.environ.get(REPLICA) == "1" else part
        self.path = state_path(data, self._part)
        self._clock = clock or SystemClock()
        self._started = self._clock.now()
        self._last_error: dict[str, str] | None = None

    def failed(self, error: BaseException | str) -> None:
        """Remembers the error; it is in the file from the next write on."""
        self._last_error = {"at": to_rfc3339(self._clock.now()), "message": str(error) or repr(error)}

    def recovered(self) -> None:
        self._last_error = None

    def write(self, **facts: Any) -> None:
        """Writes the file; `facts` are JSON values of this part's own. Raises OSError."""
        state = {
            "part": self._part,
            "pid": os.getpid(),
            "started_at": to_rfc3339(self._started),
            "updated_at": to_rfc3339(self._clock.now()),
            **facts,
            "last_error": self._last_error,
        }
        write_private(self.path, json.dumps(state, indent=2) + "\n")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def read_state(data: Path, part: str) -> dict[str, Any] | None:
    """What a part last said, or None if it never said anything (or stopped in good order)."""
    try:
        content = state_path(data, part).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    state: dict[str, Any] = json.loads(content)
    return state
