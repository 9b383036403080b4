"""Who runs a replay: an owner's name that tells, on the same machine, whether that runner still lives.

A lease that runs out can be taken by anybody. A runner that was killed need not be waited for: its owner names machine,
boot, process namespace, process id and the process's start, so that whoever comes next on that machine can see that it
is gone. A process id alone is no evidence, because they are used again.
"""

import os
import socket
from functools import cache
from pathlib import Path
from uuid import uuid4

from entrepot_store.catalog.replays import ReplayRow, ReplayState

TTL_US = 30_000_000
"""A lease not renewed for this long has run out (microseconds)."""
RENEW_SECONDS = 5.0


def new_owner() -> str:
    """The owner string of a run in this process, different for every run."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid())}/{uuid4()}"


def is_dead(owner: str) -> bool:
    """True only if the owner ran on this machine, in this boot and namespace, and its process is gone."""
    machine, _, rest = owner.partition("/")
    fields = rest.split("/")
    if machine != _machine() or len(fields) != 3 or not fields[0].isdigit():
        return False
    pid, started, _run = fields
    return not _alive(int(pid)) or _started(int(pid)) != started


def dead_holder(row: ReplayRow) -> str | None:
    """The owner of a replay's lease, if it is seen to be gone."""
    return row.lease.owner if row.lease is not None and is_dead(row.lease.owner) else None


def is_interrupted(row: ReplayRow) -> bool:
    """Whether the replay's runner died: its lease ran out, or its process is seen to be gone."""
    return row.interrupted or (row.state is ReplayState.RUNNING and dead_holder(row) is not None)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it is there, and somebody else's
    return True


@cache
def _machine() -> str:
    """Host, boot and process namespace: two containers on one machine do not see each other's processes."""
    boot = _read("/proc/sys/kernel/random/boot_id") or "unknown-boot"
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = "host"
    return f"{socket.gethostname()}|{boot}|{namespace}".replace("/", "_")


def _started(pid: int) -> str:
    """When the process began, in ticks since boot; empty where the system does not tell, and then the id must do."""
    # The second field, the program's name, may hold spaces and parentheses: count from behind it.
    fields = _read(f"/proc/{pid}/stat").rpartition(") ")[2].split(" ")
    return fields[19] if len(fields) > 19 else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
