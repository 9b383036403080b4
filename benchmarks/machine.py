"""How fast this machine is and how much of it was ours, printed beside every benchmark's figures.

An absolute figure means little without it: the same code on a core that others share is several times slower. Nothing
is scaled by these numbers; they stand beside the raw ones, for the reader to judge.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TURNS = 500_000
_STEAL = 7
"""Place of `steal` among the times of a `cpu` line in /proc/stat, see proc_stat(5)."""


def loop_nanoseconds() -> float:
    """CPU nanoseconds of one turn of an empty loop, the best of five: about 10 to 20 on a core of today."""
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        for _ in range(_TURNS):
            pass
        best = min(best, time.process_time() - begun)
    return best / _TURNS * 1e9


class Machine:
    """What to know of the machine over one run, from when this is made."""

    def __init__(self) -> None:
        self._ticks = _ticks()
        self._loop = loop_nanoseconds()

    def report(self, figures: Mapping[str, Any]) -> None:
        """Prints a benchmark's one JSON line: its figures, and the machine's.

        `machine_loop_ns` is measured before and after: where they differ, others were at work. `machine_steal` is the
        share of all cores' time that the hypervisor gave to others, where there is one; `machine_busy` the share that
        was used by anybody on this machine, the benchmark among them.
        """
        spent = [now - then for now, then in zip(_ticks(), self._ticks, strict=True)]
        found = {
            "machine_loop_ns_before": round(self._loop, 1),
            "machine_loop_ns_after": round(loop_nanoseconds(), 1),
            "machine_cores": len(os.sched_getaffinity(0)),
        }
        if total := sum(spent):
            idle = sum(spent[3:5])  # idle, and idle waiting for a disk
            found |= {
                "machine_steal": round(spent[_STEAL] / total, 3),
                "machine_busy": round((total - idle - spent[_STEAL]) / total, 3),
            }
        print(json.dumps({**figures, **found}))


def _ticks() -> list[int]:
    """Clock ticks of all cores together since the start: user, nice, system, idle, iowait, irq, softirq, steal. Zeros
    where there is no /proc."""
    try:
        first = Path("/proc/stat").read_text().partition("\n")[0]
    except OSError:
        return [0] * (_STEAL + 1)
    # What follows, guests' time, is in `user` already.
    return [int(value) for value in first.split()[1 : _STEAL + 2]]
